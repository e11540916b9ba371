"""The service as it runs in production: `serve.py` with several processes, over real connections."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from kit.ports import free_port

SECRET = "0123456789abcdef0123456789abcdef-of-a-real-server"
READY_WITHIN = 60  # seconds, on a busy machine
LONGEST = 20  # seconds until a response: the service promises ten, and the machine may be busy

_migrated: set[str] = set()  # the databases that a server of this process has migrated
_migrating = Lock()


class Answer(NamedTuple):
    """A response."""

    status: int
    headers: http.client.HTTPMessage  # looked up in any case
    body: Any


def send(
    port: int,
    method: str,
    path: str,
    body: Any = None,
    token: str | None = None,
    machine: str = "127.0.0.1",
    **headers: str,
) -> Answer:
    """Send a request on a connection of its own, and return the response."""
    connection = http.client.HTTPConnection(machine, port, timeout=LONGEST)
    if body is not None:
        headers["Content-Type"] = "application/json"
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        content = response.read()
        kind = response.headers.get("Content-Type", "")
        return Answer(response.status, response.headers, json.loads(content) if "json" in kind else content)
    finally:
        connection.close()


class Server:
    """Two processes, as `final/serve.py` starts them, and their log in a file.

    Args:
        folder: a copy of final/.
        database: the URL of a database, which the first server that gets it migrates.
        python: the program that runs it; by default that of the tests.
        settings: more variables of the environment.
    """

    def __init__(
        self, folder: Path, scratch: Path, database: str, python: Path | str = sys.executable, **settings: str
    ) -> None:
        self.folder, self.python = folder, str(python)
        self.port = free_port()
        # Python may cache compiled files in the folder, a copy, so that the next process starts faster.
        other = ("FLASK_", "PROMETHEUS", "PYTHONDONTWRITEBYTECODE")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(other)}
        self.environment = kept | {
            "APP_CONFIG": "config.DevelopmentConfig",  # with TESTING on, it would not read what follows
            "FLASK_ARGON2_MEMORY": "8",
            "FLASK_ARGON2_TIME": "1",
            "FLASK_MAIL_INTERVAL": "0",
            "FLASK_SECRET_KEY": SECRET,
            "FLASK_PASSWORD_SLOTS": "20",
            "FLASK_ATTEMPTS_PER_ADDRESS": "100000",
            "FLASK_ATTEMPTS_PER_ACCOUNT": "100000",
            "FLASK_ATTEMPTS_PER_ACCOUNT_IN_ALL": "100000",
            "FLASK_MAILS_PER_ACCOUNT": "100000",
            "FLASK_MAILS_PER_ACCOUNT_IN_ALL": "100000",
            "FLASK_CODES_PER_ACCOUNT": "100",  # the most that production takes
            "FLASK_REFRESHES_PER_ADDRESS": "100000",
            "DATABASE_URL": database,
            "PORT": str(self.port),
            "FLASK_PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "WEB_CONCURRENCY": "2",
            **settings,
        }
        with _migrating:
            if database not in _migrated:
                self._migrate(database)
            _migrated.add(database)
        self.log = scratch / "server.log"
        self.start()

    def _migrate(self, database: str) -> None:
        """Migrate a database; a file of SQLite is copied from the first, as the command takes seconds."""
        template = self.folder / "migrated.sqlite"
        kind, _, file = database.partition(":///")
        if kind == "sqlite" and template.exists():
            shutil.copy(template, file)
            return
        self.flask("db", "upgrade")
        if kind == "sqlite":
            shutil.copy(file, template)

    def start(self) -> None:
        """Start it, or start it again at the same port; it is ready when this returns."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.python, "serve.py"],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that what it leaves behind can be ended too
            )
        self._wait()

    def flask(self, *command: str, **options: Any) -> str:
        """Run a command of the service, which has to succeed, and return what it printed."""
        done = subprocess.run(
            [self.python, "-m", "flask", "--app", "wsgi", *command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=100,
            **options,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def send(self, method: str, path: str, body: Any = None, token: str | None = None) -> Answer:
        """Send a request on a connection of its own, and return the response."""
        return send(self.port, method, path, body, token)

    def processes(self) -> list[int]:
        """Return the ids of its processes, the first one last."""
        listed = ["pgrep", "-P", str(self.process.pid)]
        children = subprocess.run(
            listed, capture_output=True, encoding="utf-8", errors="replace", check=False
        ).stdout
        return [*map(int, children.split()), self.process.pid]

    def kill(self) -> None:
        """End all its processes at once, in the middle of their work, as when a machine is lost."""
        for process in self.processes():
            os.kill(process, signal.SIGKILL)
        self.process.wait()

    def terminate(self) -> None:
        """Ask it to stop, as a container engine does."""
        self.process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """Stop it; kill it if it does not end by itself."""
        self.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _wait(self) -> None:
        end = time.monotonic() + READY_WITHIN
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.send("GET", "/health/ready").status == 200:
                    return
            except OSError:
                time.sleep(0.05)
        self.close()
        raise AssertionError(f"it does not start: {self.log.read_text(errors='replace')[-2000:]}")
