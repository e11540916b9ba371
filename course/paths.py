"""The folders of the course. Imports nothing else of the course."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".course"  # logs, the built site: everything that the commands can make again
VENV = ROOT / ".venv"
WORKSPACE = ROOT / "workspace"  # the learner's folders
REQUESTS = ROOT / "docs" / "requests"  # those of each lesson, for an editor's HTTP client


def display_path(path: Path) -> str:
    """Return ``path`` as the learner would type it in the folder of the course."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
