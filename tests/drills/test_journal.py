"""The log in journald, as deploy/systemd has it: each line once, even of a flood, and during rotation.

A real journald with the file of the service's own journal, in a mount namespace in which it finds nothing of
this machine. The service is given a stream to it as systemd gives it one.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.adapter import LoadedStage
from kit.server import Server

JOURNALD = Path("/usr/lib/systemd/systemd-journald")
MISSING = [name for name in ("unshare", "nsenter", "journalctl") if shutil.which(name) is None]
MISSING += [] if JOURNALD.exists() and Path("/etc/machine-id").exists() else ["systemd"]

pytestmark = [
    pytest.mark.threads,
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0 or bool(MISSING),
        reason="a journald of its own takes root, and what Debian has in systemd and util-linux",
    ),
]

#: Where journald looks, it finds only what the test put there.
START = f"""
for place in /run /var/log /etc/systemd; do mount -t tmpfs tmpfs $place; done
mkdir /var/log/journal
cp "$1" /etc/systemd/
exec {JOURNALD} accounts
"""
CLIENTS, REQUESTS = 8, 1200
#: Lines. By default journald keeps 10,000 of a unit in half a minute, and a few times as many on a large
#: disk.
CROWD = 50_000


class Journal:
    """A journald with a file of settings, which it finds under that file's name.

    Args:
        settings: the file.
    """

    def __init__(self, settings: Path) -> None:
        command = ["unshare", "--mount", "--propagation=private", "sh", "-ec", START, "sh", str(settings)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.root = Path(f"/proc/{self.process.pid}/root")

    def stream(self) -> socket.socket:
        """Return what systemd makes the standard error of a unit with `LogNamespace=accounts`."""
        stream = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + 30
        while True:
            try:
                stream.connect(str(self.root / "run/systemd/journal.accounts/stdout"))
                break
            except OSError:
                assert self.process.poll() is None and time.monotonic() < end, "journald does not start"
                time.sleep(0.05)
        # The program, its unit, the priority, and four flags.
        stream.sendall(b"accounts\naccounts@8001.service\n6\n0\n0\n0\n0\n")
        return stream

    def ask(self, *arguments: str) -> str:
        """Run journalctl where this journal is."""
        command = ["nsenter", f"--target={self.process.pid}", "--mount", "journalctl", "--namespace=accounts"]
        return subprocess.run(
            [*command, *arguments], capture_output=True, text=True, timeout=60, check=True
        ).stdout

    def files(self) -> int:
        """Return how many files it has written."""
        return len(list((self.root / "var/log/journal").glob("*/*.journal")))

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)


class Journaled(Server):
    """The service, whose standard error is a stream to a journal."""

    def __init__(self, journal: Journal, *arguments: Any) -> None:
        self.stream = journal.stream()
        super().__init__(*arguments)

    def start(self) -> None:
        self.log.touch()
        self.process = subprocess.Popen(
            [self.python, "serve.py"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=self.stream,
            start_new_session=True,
        )
        self._wait()

    def close(self) -> None:
        super().close()
        self.stream.close()


@pytest.fixture
def journal(final: LoadedStage) -> Iterator[Journal]:
    journal = Journal(final.folder / "deploy" / "systemd" / "journald@accounts.conf")
    yield journal
    journal.close()


@pytest.fixture
def server(journal: Journal, final: LoadedStage, tmp_path: Path) -> Iterator[Server]:
    server = Journaled(journal, final.folder, tmp_path, f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    yield server
    server.close()


def test_no_line_is_lost_when_the_journal_is_rotated(journal: Journal, server: Server, at_once: Any) -> None:
    """Two processes write at once, and the file changes under them."""

    def send(client: int) -> None:
        for number in range(client, REQUESTS, CLIENTS):
            assert server.send("GET", f"/v2/line-{number}").status == 404
            if number % 200 == 0:
                journal.ask("--rotate")

    at_once(CLIENTS, send)
    server.close()
    journal.ask("--sync")

    lines = [json.loads(line) for line in journal.ask("--output=cat").splitlines() if line.startswith("{")]
    counted = Counter(line["path"] for line in lines if line.get("path", "").startswith("/v2/line-"))
    assert counted == {f"/v2/line-{number}": 1 for number in range(REQUESTS)}
    assert journal.files() > REQUESTS // 200


def test_no_line_of_many_is_dropped(journal: Journal) -> None:
    """However many come at once: the lines of an attack are the ones needed later."""
    with journal.stream() as stream:
        stream.sendall(b"".join(b"line %d\n" % number for number in range(CROWD)))
    journal.ask("--sync")

    kept = [line for line in journal.ask("--output=cat").splitlines() if line.startswith("line ")]
    assert kept == [f"line {number}" for number in range(CROWD)]
