"""Finds the Chromium of this machine, which the browser tests drive and which prints slides."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

#: The first is the same browser without the windows that no test looks at: it starts quicker.
NAMES = (
    *("chromium-headless-shell", "chromium", "chromium-browser"),
    *("google-chrome", "google-chrome-stable", "chrome", "msedge"),
)
PLACES = {
    "darwin": (
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ),
    "win32": (
        r"Google\Chrome\Application\chrome.exe",
        r"Chromium\Application\chrome.exe",
        r"Microsoft\Edge\Application\msedge.exe",
    ),
}


def find_chromium() -> str | None:
    """Return the path of Chromium, Chrome or Edge; None if this machine has none of them.

    The environment variable CHROMIUM names one that is installed elsewhere.
    """
    if named := os.environ.get("CHROMIUM"):
        return named if Path(named).is_file() else None
    for name in NAMES:
        if found := shutil.which(name):
            return found
    folders = [os.environ.get(name, "") for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")]
    for place in PLACES.get(sys.platform, ()):
        for folder in folders if sys.platform == "win32" else [""]:
            if Path(folder, place).is_file():
                return str(Path(folder, place))
    return None
