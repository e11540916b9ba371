"""The learner's progress: which behaviours passed, and with which files; which is next; the hints shown."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from course import messages
from course.judging.advice import next_step
from course.judging.results import Verdict
from course.lessons.own_files import own_files
from course.lessons.stages import Stage, stage_before
from course.paths import WORKSPACE


def choose_language(arguments: Sequence[str]) -> None:
    """Choose the language that `--lang` names among ``arguments``, or else the saved one."""
    given = [value for name, value in pairwise(arguments) if name == "--lang"]
    given += [argument.partition("=")[2] for argument in arguments if argument.startswith("--lang=")]
    chosen = next((lang for lang in given if lang in messages.LANGUAGES), None) or Progress().language
    if chosen is not None:
        messages.choose(chosen)


class Progress:
    """The learner's progress, in `workspace/.progress.json`. An unreadable file is renamed."""

    def __init__(self) -> None:
        self.file = WORKSPACE / ".progress.json"
        self._data = _read(self.file)

    def chapter(self, stage: Stage) -> dict[str, Any]:
        """Return the entry of a chapter, which may be changed; `save` writes it."""
        entry: dict[str, Any] = self._data["chapters"].setdefault(stage.name, {})
        for name, earlier_name in (("passed", "kept"), ("failed", "missing"), ("ever_passed", "ever")):
            entry.setdefault(name, entry.pop(earlier_name, []))
        for name in ("hints", "files", "passed_with"):
            entry.setdefault(name, {})
        return entry

    @property
    def language(self) -> str | None:
        """The language that the learner chose by `--lang`."""
        lang = self._data.get("language")
        return lang if lang in messages.LANGUAGES else None

    @language.setter
    def language(self, lang: str) -> None:
        self._data["language"] = lang

    def ever_passed(self, stage: Stage, folder: Path) -> list[str]:
        """Return the tests that passed in an earlier check of the learner's own folder; of another none."""
        tests: list[str] = self.chapter(stage)["ever_passed"] if _is_own(stage, folder) else []
        return tests

    def record(self, verdict: Verdict, stage: Stage, folder: Path) -> None:
        """Save the result of a check if ``folder`` is the learner's folder in `workspace/`."""
        if not _is_own(stage, folder):
            return
        entry = self.chapter(stage)
        following = next_step(verdict, stage, entry["ever_passed"], folder)
        passed = [test for test, result in verdict.results.items() if result.passed]
        failed = [result.behaviour.test for result in verdict.not_passed]
        entry.update(
            next=following.result.behaviour.test if following and following.hints else None,
            passed=passed,
            failed=failed,
            ever_passed=sorted({*entry["ever_passed"], *passed}),
        )
        self._remember_files(entry, folder, passed)
        if not failed:
            entry.setdefault("done", datetime.now(UTC).isoformat(timespec="seconds"))
        self.save()

    def _remember_files(self, entry: dict[str, Any], folder: Path, passed: list[str]) -> None:
        """Remember the files that were checked, and that these tests passed with them."""
        files = digests(folder)
        entry["checked"] = name = digest(json.dumps(files, sort_keys=True).encode())
        entry["passed_with"] |= dict.fromkeys(passed, name)
        used = {name, *entry["passed_with"].values()}
        entry["files"] = {key: kept for key, kept in (entry["files"] | {name: files}).items() if key in used}

    def changed_since_it_passed(self, test: str, stage: Stage, folder: Path) -> list[str]:
        """Return the files that changed since ``test`` passed last, or since the chapter began."""
        entry = self.chapter(stage)
        before = entry["files"].get(entry["passed_with"].get(test, ""))
        if before is None:
            before = digests(stage_before(stage).path)
            before = {name: value for name, value in before.items() if not name.startswith("steps/")}
        now = digests(folder)
        return [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]

    def is_checked(self, stage: Stage, folder: Path) -> bool:
        """Return whether the files are still those of the last check."""
        entry = self.chapter(stage)
        return bool(entry["files"].get(entry.get("checked", "")) == digests(folder))

    def save(self) -> None:
        """Write the file: all of it or, on an error or a power cut, none."""
        self.file.parent.mkdir(exist_ok=True)
        new = self.file.with_suffix(f".{os.getpid()}.new")
        new.write_text(json.dumps(self._data, indent=1, ensure_ascii=False), encoding="utf-8")
        new.replace(self.file)


def digests(folder: Path) -> dict[str, str]:
    """Return a digest of each file in ``folder``."""
    found = {}
    for name, path in own_files(folder).items():
        with suppress(OSError):  # an editor's temporary file, gone already
            found[name] = digest(path.read_bytes())
    return found


def digest(content: bytes) -> str:
    """Return what differs between different contents."""
    return hashlib.sha256(content).hexdigest()[:12]


def _is_own(stage: Stage, folder: Path) -> bool:
    own = WORKSPACE / stage.name
    return folder in (own, own.resolve())


def _read(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        entries = data["chapters"].values()
        if all(isinstance(entry, dict) and isinstance(entry.get("hints", {}), dict) for entry in entries):
            return dict(data)
    except FileNotFoundError:
        return {"chapters": {}}
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    with suppress(OSError):
        file.replace(file.with_suffix(".unreadable.json"))
    return {"chapters": {}}
