"""Where things are. Imports nothing of the course."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".course"  # logs, the built site: everything that the course can make again
VENV = ROOT / ".venv"
WORKSPACE = ROOT / "workspace"  # the learner's folders
