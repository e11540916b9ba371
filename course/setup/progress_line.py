"""How far a set-up is, on one line. Standard library only."""

from __future__ import annotations

import sys
import time


class ProgressLine:
    """One line that changes in a terminal; elsewhere, a new line every five seconds."""

    def __init__(self) -> None:
        self.shown = ""
        self.at = time.monotonic()

    def show(self, text: str) -> None:
        """Show ``text`` in place of the current text."""
        text = text[:78]
        if text == self.shown or not (sys.stdout.isatty() or time.monotonic() - self.at > 5):
            return
        if sys.stdout.isatty():
            print("\r" + text.ljust(len(self.shown)), end="", flush=True)
        else:
            print(text, flush=True)
        self.shown, self.at = text, time.monotonic()

    def end(self) -> None:
        """Clear the line for what comes next."""
        if self.shown and sys.stdout.isatty():
            print("\r" + " " * len(self.shown) + "\r", end="", flush=True)
