"""The learner's progress: which behaviours passed, which is next, how many hints were shown."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from course import messages
from course.judging.results import Verdict, next_result
from course.lessons.stages import Stage
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
        entry.setdefault("hints", {})
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
        following = next_result(verdict, stage, entry["ever_passed"])
        passed = [test for test, result in verdict.results.items() if result.passed]
        failed = [result.behaviour.test for result in verdict.not_passed]
        entry.update(
            next=following.behaviour.test if following else None,
            passed=passed,
            failed=failed,
            ever_passed=sorted({*entry["ever_passed"], *passed}),
        )
        if not failed:
            entry.setdefault("done", datetime.now(UTC).isoformat(timespec="seconds"))
        self.save()

    def save(self) -> None:
        """Write the file: all of it or, on an error or a power cut, none."""
        self.file.parent.mkdir(exist_ok=True)
        new = self.file.with_suffix(f".{os.getpid()}.new")
        new.write_text(json.dumps(self._data, indent=1, ensure_ascii=False), encoding="utf-8")
        new.replace(self.file)


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
