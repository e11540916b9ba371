"""The learner's progress: which behaviours are there, which is next, how many hints were shown."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from course import messages
from course.lessons.stages import Stage
from course.paths import WORKSPACE


class Progress:
    """The learner's progress, in `workspace/.progress.json`. A torn file is set aside."""

    def __init__(self) -> None:
        self.file = WORKSPACE / ".progress.json"
        self._kept = _read(self.file)

    def chapter(self, stage: Stage) -> dict[str, Any]:
        """Return what is known of a chapter, to be read and changed; `save` keeps it."""
        notes = self._kept["chapters"].setdefault(stage.name, {})
        for name in ("kept", "missing", "ever"):
            notes.setdefault(name, [])
        notes.setdefault("hints", {})
        known: dict[str, Any] = notes
        return known

    @property
    def language(self) -> str | None:
        """The language that was chosen by `--lang`, which is remembered."""
        lang = self._kept.get("language")
        return lang if lang in messages.LANGUAGES else None

    @language.setter
    def language(self, lang: str) -> None:
        self._kept["language"] = lang

    def note_check(self, stage: Stage, kept: list[str], missing: list[str]) -> None:
        """Keep what a check has found: the tests of the behaviours that are there and that are to do."""
        notes = self.chapter(stage)
        notes.update(kept=kept, missing=missing, ever=sorted({*notes["ever"], *kept}))
        if not missing:
            notes.setdefault("done", datetime.now(UTC).isoformat(timespec="seconds"))
        self.save()

    def save(self) -> None:
        """Write the file: as a whole or not at all, whenever the power goes."""
        self.file.parent.mkdir(exist_ok=True)
        new = self.file.with_suffix(f".{os.getpid()}.new")
        new.write_text(json.dumps(self._kept, indent=1, ensure_ascii=False), encoding="utf-8")
        new.replace(self.file)


def _read(file: Path) -> dict[str, Any]:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        notes = kept["chapters"].values()
        if all(isinstance(note, dict) and isinstance(note.get("hints", {}), dict) for note in notes):
            return dict(kept)
    except FileNotFoundError:
        return {"chapters": {}}
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    with suppress(OSError):
        file.replace(file.with_suffix(".unreadable.json"))
    return {"chapters": {}}
