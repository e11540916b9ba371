"""The system's Firefox for the tests, driven by its own protocol, so no driver is needed.

Marionette: every message is JSON with its length before it, over a connection to a port that Firefox chooses.
https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

NAMES = ("firefox", "firefox-esr")
HOW = "no Firefox here: install one or name it with the variable FIREFOX"
TIMEOUT = 100  # seconds: other tests may keep the machine busy


class Firefox:
    """One window of one Firefox."""

    def __init__(self, port: int) -> None:
        self._serial = 0
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self._stream = self._socket.makefile("rwb")
        self._receive()  # its greeting
        self._command("WebDriver:NewSession", {})
        self._command("WebDriver:SetTimeouts", {"script": TIMEOUT * 1000, "pageLoad": TIMEOUT * 1000})

    def visit(self, url: str) -> None:
        """Go to a page, and wait until it is loaded."""
        self._command("WebDriver:Navigate", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run the body of a function in the page, and return what it returns."""
        asked = {"script": script, "args": list(arguments), "sandbox": None}
        return self._command("WebDriver:ExecuteScript", asked)["value"]

    def wait(self, expression: str) -> Any:
        """Wait until an expression is true in the page, and return its value."""
        until = time.monotonic() + TIMEOUT
        while not (found := self.run(f"return {expression}")):
            assert time.monotonic() < until, f"never true in Firefox: {expression}"
            time.sleep(0.1)
        return found

    def click(self, selector: str) -> None:
        """Click an element, as a mouse does."""
        self._command("WebDriver:ElementClick", {"id": self._find(selector)})

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()
        self._socket.close()

    def _find(self, selector: str) -> str:
        found = self._command("WebDriver:FindElement", {"using": "css selector", "value": selector})
        return str(next(iter(found["value"].values())))

    def _command(self, name: str, arguments: dict[str, Any]) -> Any:
        self._serial += 1
        message = json.dumps([0, self._serial, name, arguments]).encode()
        self._stream.write(b"%d:%b" % (len(message), message))
        self._stream.flush()
        _, _, error, result = self._receive()
        assert error is None, f"{name}: {error['error']}: {error['message']}"
        return result

    def _receive(self) -> Any:
        length = b""
        while (digit := self._stream.read(1)) != b":":
            assert digit, "Firefox has ended"
            length += digit
        return json.loads(self._stream.read(int(length)))


@contextmanager
def firefox() -> Iterator[Firefox]:
    """Open the browser, with a profile of its own; if there is none, the test is skipped."""
    program = os.environ.get("FIREFOX") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(HOW)
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder, "user.js").write_text('user_pref("marionette.port", 0);\n', encoding="ascii")
        command = [program, "--headless", "--marionette", "--no-remote", "--profile", folder]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, env=os.environ | {"HOME": folder}, **quiet)  # type: ignore[call-overload]
        try:
            browser = Firefox(_port(Path(folder, "MarionetteActivePort"), process))
            yield browser
            browser.close()
        finally:
            process.terminate()
            process.wait()


def _port(file: Path, process: subprocess.Popen[bytes]) -> int:
    """Wait until Firefox has written the port that it listens on."""
    until = time.monotonic() + TIMEOUT
    while not (file.exists() and file.read_text(encoding="ascii")):
        assert process.poll() is None and time.monotonic() < until, "Firefox does not start"
        time.sleep(0.1)
    return int(file.read_text(encoding="ascii"))
