"""An operator at a shell, and clients meanwhile, for the drills that deploy the service."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from threading import Event
from typing import Any

from kit.adapter import PASSWORD
from kit.mail_server import Inbox
from kit.page_commands import ran
from kit.server import Answer, send

LOGIN, REFRESH, LOGOUT, ME = "/v2/auth/login", "/v2/auth/refresh", "/v2/auth/logout", "/v2/accounts/me"
ADMIN = "mina@example.com"  # as the page has it


class Shell:
    """A shell in a folder."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder, self.environment = folder, dict(environment)

    def __call__(self, command: str, typed: str = "", status: int = 0) -> str:
        """Run a command, which has to end with ``status``, and return what it printed."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            input=typed,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=1000,
        )
        assert done.returncode == status, f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        if status == 0:
            ran(command)
        return done.stdout

    def terminal(self, command: str, prompts: Sequence[tuple[str, str]]) -> str:
        """Run a command in a terminal, type an answer to each prompt, and return what was on the screen."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        screen, waiting, end = "", list(prompts), time.monotonic() + 300
        while time.monotonic() < end:
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    screen += os.read(ours, 4096).decode(errors="replace")
                except OSError:  # the other end is closed
                    break
            elif process.poll() is not None:
                break
            if waiting and waiting[0][0] in screen:
                os.write(ours, waiting.pop(0)[1].encode() + b"\n")
        os.close(ours)
        assert process.wait(60) == 0 and not waiting, screen
        ran(command)
        return screen


class Clients:
    """People who use the service at a port, and read their mail."""

    def __init__(self, port: int, inbox: Inbox | None = None) -> None:
        self.port, self.inbox = port, inbox or Inbox()

    def send(
        self, method: str, path: str, body: Any = None, token: str | None = None, **headers: str
    ) -> Answer:
        """Send a request."""
        return send(self.port, method, path, body, token, **headers)

    def sign_up(self) -> str:
        """Make an account, follow the link in the letter, and return the e-mail."""
        email = f"{token_hex(8)}@example.com"
        new = {"email": email, "name": "미나", "password": PASSWORD}
        assert self.send("POST", "/v2/accounts", new).status == 202
        to, message = self.inbox.mail.get(timeout=90)
        assert to == [email]
        (token,) = re.findall(r"https://accounts\.example/\S*token=([\w-]{43})", message.get_content())
        assert self.send("POST", "/v2/accounts/verify", {"token": token}).status == 204
        return email

    def log_in(self, email: str) -> Any:
        """Return the tokens of a new session."""
        answer = self.send("POST", LOGIN, {"email": email, "password": PASSWORD})
        assert answer.status == 200, answer
        return answer.body

    def until(self, status: int, path: str = "/health/ready", seconds: float = 60) -> None:
        """Wait until this is the answer."""
        end = time.monotonic() + seconds
        while (found := attempt(lambda: self.send("GET", path))) is None or found.status != status:
            assert time.monotonic() < end, f"{path} answers {found}"
            time.sleep(0.2)

    @contextmanager
    def under_load(self) -> Iterator[Load]:
        """Have clients send requests as long as the block runs, and a moment before and after."""
        load = Load(self)
        time.sleep(1)
        try:
            yield load
            time.sleep(1)
        finally:
            load.stop()


class Load:
    """Clients that look at their account and refresh, one request after the other; counts what fails."""

    def __init__(self, clients: Clients) -> None:
        self._clients, self._stop = clients, Event()
        grant, other = (clients.log_in(clients.sign_up()) for _ in range(2))
        self.failed: list[str] = []
        self.sent = 0
        self._pool = ThreadPoolExecutor(4)
        self._working = [self._pool.submit(self._look, grant["access_token"]) for _ in range(3)]
        self._working.append(self._pool.submit(self._refresh, other["refresh_token"]))

    def _look(self, token: str) -> None:
        while not self._stop.wait(0.02):
            self._count("GET", attempt(lambda: self._clients.send("GET", ME, token=token)))

    def _refresh(self, token: str) -> None:
        while not self._stop.wait(0.25):
            body = {"refresh_token": token}
            answer = attempt(lambda body=body: self._clients.send("POST", REFRESH, body))
            self._count("POST", answer)
            if answer is not None and answer.status == 200:
                token = answer.body["refresh_token"]

    def _count(self, method: str, answer: Answer | None) -> None:
        self.sent += 1
        if answer is None or answer.status != 200:
            self.failed.append(f"{method} {answer and answer.status}")

    def stop(self) -> None:
        """Let each finish its request."""
        self._stop.set()
        for one in self._working:
            one.result()
        self._pool.shutdown()


def attempt(request: Callable[[], Answer]) -> Answer | None:
    """Return the response, or None if there is none."""
    try:
        return request()
    except OSError:
        return None
