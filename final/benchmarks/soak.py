"""Half an hour of everything at once, and processes killed at random: `python -m benchmarks.soak`.

From final/. Standard library only, on Linux. What is claimed, and by what it is known, is in soak_proof.py.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import socketserver
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

from . import databases, page
from .__main__ import dumped, machine, say
from .contenders import HERE, OURS, Contender, read
from .environments import CACHE
from .failures import Failure
from .servers import Server, free_port, seed
from .soak_proof import every_account_is_there, every_letter_left, growth, the_audit_adds_up
from .soak_users import Tally, User

USERS, WORKERS = 8, 3
SAMPLE = 5.0  # seconds between two looks at the memory
KILL = (10.0, 30.0)  # seconds between two kills, at random
RESTARTS = 3  # of the whole, in the first third; then one process is left alone, and its memory is watched
CALM = 0.9  # from this part of the time on no process is killed


def main(arguments: list[str]) -> None:
    """Run, write soak.json, and exit with 1 where anything was not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument(
        "--publish", action="store_true", help="keep the summary, and write the site's page from it"
    )
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside; nothing was published"))
    try:
        summary = run(options.minutes * 60)
    except Failure as failure:
        sys.exit(f"soak: {failure}")
    except KeyboardInterrupt:
        sys.exit("soak: stopped; nothing was published")
    text = dumped(summary)
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / "soak.json").write_text(text, encoding="utf-8")
    if options.publish:
        page.SOAK.write_text(text, encoding="utf-8")
        page.publish()
    print(text)
    if summary["faults"]:
        sys.exit(1)


def run(seconds: float) -> dict[str, Any]:
    """Return what was done in so many seconds, what was broken, and what was found at the end."""
    ours, tally, stop = read(HERE / OURS), Tally(), Event()
    with TemporaryDirectory(prefix="soak-") as scratch, mail_server() as inbox:
        folder = Path(scratch)
        service = Service(service_of(ours, inbox.port), folder)
        try:
            users = [User(number, service.port, tally, stop) for number in range(USERS)]
            for user in users:
                user.start()
            samples = service.disturb(seconds)
            stop.set()
            for user in users:
                user.join(120)
            found = every_account_is_there(users, tally)
            wanted = tally.operations["sign-up"] + tally.operations["change of password"]
            extra = every_letter_left(service.file, lambda: inbox.letters, wanted, tally)
            sums = the_audit_adds_up(service.file, tally)
        finally:
            service.server.stop()
        tracebacks = service.log.read_text(errors="replace").count("Traceback (most recent call last)")
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "command": f"python -m benchmarks.soak --minutes {seconds / 60:g}",
        "minutes": seconds / 60,
        "machine": machine(),
        "server": " ".join(ours.serve),
        "users": USERS,
        "workers": WORKERS,
        "operations": dict(tally.operations.most_common()),
        "statuses": {str(status): count for status, count in sorted(tally.statuses.items())},
        "killed": service.killed,
        "restarted": service.restarted,
        "lost_answers": tally.lost,
        "found": found,
        "letters": inbox.letters,
        "repeated_letters": extra,
        "sums": sums,
        "memory": memory(samples, tally),
        "tracebacks": tracebacks,
        "faults": judged(tally),
    }


def memory(samples: Sequence[tuple[float, float]], tally: Tally) -> dict[str, Any]:
    """Return how the memory of the process that was not killed went, after its caches were warm; judge it."""
    warm = samples[len(samples) // 4 :]
    if len(warm) < 10:
        return {}
    every = max(len(warm) // 60, 1)
    line = growth(warm)
    if line["grown"] > max(3 * line["noise"], 2.0):
        tally.fault(f"the memory of a process grew by {line['grown']:.1f} MiB")
    return {"first": warm[0][1], "last": warm[-1][1], **line, "samples": warm[::every]}


def judged(tally: Tally) -> list[str]:
    """Return what went wrong, with the answers that no service should give among it."""
    broken = sorted(status for status in tally.statuses if status >= 500 and status != 503)
    return [*(f"{tally.statuses[status]} times {status}" for status in broken), *tally.faults[:50]]


def service_of(ours: Contender, mail_port: int) -> Contender:
    """Return ours with a mail server, and accounts that may log in at once."""
    environment = ours.environment | {
        "FLASK_SMTP_URL": f"smtp+plain://127.0.0.1:{mail_port}",
        "FLASK_REQUIRE_VERIFIED_EMAIL": "false",
        "FLASK_MAILS_PER_ACCOUNT": "1000000000",
        "FLASK_MAILS_PER_ACCOUNT_IN_ALL": "1000000000",
    }
    return replace(ours, environment=environment)


class Service:
    """Ours with several processes, on a port that it keeps; its processes are killed at random."""

    def __init__(self, contender: Contender, folder: Path) -> None:
        self.killed = self.restarted = 0
        self.port, self.log = free_port(), folder / "server.log"
        self._contender, self._random = contender, random.Random(8)  # noqa: S311 - no secret comes of it
        self._database = databases.sqlite(folder, "soak")
        self.file = folder / "soak.sqlite"
        seed(contender, self._database, 0, "a password of no account")
        self.server = self._start()
        self._watched: int | None = None
        self._since = time.monotonic()

    def disturb(self, seconds: float) -> list[tuple[float, float]]:
        """Kill processes, and restart, for so long; return the memory of the process that was left alone."""
        begun, samples = time.monotonic(), list[tuple[float, float]]()
        next_kill, restarts = (
            begun + KILL[0],
            [begun + seconds / 3 * (one + 1) / RESTARTS for one in range(RESTARTS)],
        )
        while (now := time.monotonic()) < begun + seconds:
            if restarts and now > restarts[0]:
                restarts.pop(0)
                self._restart()
                samples.clear()
            elif now > next_kill and now < begun + seconds * CALM:
                self._kill_one()
                next_kill = now + self._random.uniform(*KILL)
            if not restarts and (size := self._memory_of_the_watched()):
                samples.append((time.monotonic() - begun, size))
            say(f"{now - begun:.0f} of {seconds:.0f} s: {self.killed} killed, {self.restarted} restarted")
            time.sleep(min(SAMPLE, max(begun + seconds - time.monotonic(), 0)))
        return samples

    def _start(self) -> Server:
        everything = os.sched_getaffinity(0)
        return Server(self._contender, self._database, everything, self.log, workers=WORKERS, port=self.port)

    def _restart(self) -> None:
        self.server.stop()
        self.server = self._start()
        self._watched = None
        self.restarted += 1

    def _kill_one(self) -> None:
        others = [pid for pid in self._workers() if pid != self._watched]
        if others:
            with suppress(ProcessLookupError):
                os.kill(self._random.choice(others), signal.SIGKILL)
                self.killed += 1

    def _workers(self) -> list[int]:
        return sorted(pid for pid in self.server.processes() if pid != self.server.process.pid)

    def _memory_of_the_watched(self) -> float | None:
        if self._watched is None:
            self._watched = self._workers()[0]
        # Resident, not proportional: that would change with each sibling that dies and is born.
        with suppress(OSError):
            lines = Path(f"/proc/{self._watched}/smaps_rollup").read_text().splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith("Rss:")) / 1024
        return None


class Inbox(socketserver.ThreadingTCPServer):
    """A mail server that counts letters and throws them away: as much of RFC 5321 as is asked for."""

    allow_reuse_address = daemon_threads = True
    letters = 0

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class _MailHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"220 inbox\r\n")
        for line in self.rfile:
            command = line[:4].upper()
            if command == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                assert isinstance(self.server, Inbox)
                self.server.letters += 1
            self.wfile.write(b"221 bye\r\n" if command == b"QUIT" else b"250 ok\r\n")
            if command == b"QUIT":
                return


@contextmanager
def mail_server() -> Iterator[Inbox]:
    """Run a mail server."""
    with Inbox(("127.0.0.1", 0), _MailHandler) as inbox:
        Thread(target=inbox.serve_forever, daemon=True).start()
        yield inbox
        inbox.shutdown()


if __name__ == "__main__":
    main(sys.argv[1:])
