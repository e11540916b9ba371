"""Servers: started on their processors, weighed, and ended with everything that they started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from .contenders import Contender
from .failures import Failure, WrongAnswer
from .load import ask

READY_WITHIN = 60.0  # seconds
STOPS_WITHIN = 5.0  # seconds between SIGTERM and SIGKILL
ARGON2 = "argon2id$v=19$m=19456,t=2,p=1$"  # as the hash of each contender has to begin: `seed` prints it
_TICK = os.sysconf("SC_CLK_TCK")


class Server:
    """A contender that runs, with its database, on some processors.

    Args:
        database: its URL, sqlite:////folder/file or postgresql://.
        processors: on which it may run.
        log: where its output goes.
        workers: processes that answer.

    Raises:
        Failure: it does not start.
    """

    def __init__(
        self,
        contender: Contender,
        database: str,
        processors: set[int],
        log: Path,
        *,
        workers: int = 1,
        port: int | None = None,
    ) -> None:
        self.contender = contender
        self.port = port or free_port()
        self._log = log
        environment = environment_of(contender, database) | {
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "WEB_CONCURRENCY": str(workers),
        }
        name, *arguments = (word.replace("{port}", str(self.port)) for word in contender.serve)
        program = contender.python.parent / name
        begun = time.perf_counter()
        with log.open("ab") as output, on(processors):
            self.process = subprocess.Popen(
                [str(program), *arguments],
                cwd=contender.folder,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,  # so that all its processes can be found, counted and ended
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        self.start_up = time.perf_counter() - begun  # seconds to the first answer

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def cpu(self) -> float:
        """Return the seconds of processor time that all its processes have used."""
        return sum(sum(map(int, fields[11:15])) for fields in self._processes().values()) / _TICK

    def memory(self) -> float:
        """Return the memory of all its processes in MiB; what they share is counted once (PSS)."""
        total = 0
        for pid in self._processes():
            with suppress(OSError):
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total / 1024

    def processes(self) -> list[int]:
        """Return the ids of all its processes, its first one too."""
        return list(self._processes())

    def stop(self) -> None:
        """End it politely, and then all that is left of it."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOPS_WITHIN)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _processes(self) -> dict[int, list[str]]:
        return {pid: fields for pid, fields in _all_processes() if int(fields[3]) == self.process.pid}

    def _wait(self) -> None:
        request = self.contender.routes["health"].filled()
        end = time.monotonic() + READY_WITHIN
        while time.monotonic() < end and self.process.poll() is None:
            with suppress(WrongAnswer):
                status, _ = ask(self.port, request)
                if status == 200:
                    return
            time.sleep(0.01)
        said = self._log.read_text(errors="replace").strip().splitlines()[-1:]
        raise Failure(f"{self.contender.title} does not start ({''.join(said)}); the rest is in {self._log}")


class on:
    """What is started inside runs on these processors."""

    def __init__(self, processors: set[int]) -> None:
        self._processors, self._before = processors, os.sched_getaffinity(0)

    def __enter__(self) -> None:
        os.sched_setaffinity(0, self._processors)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.sched_setaffinity(0, self._before)


def seed(contender: Contender, database: str, *what: object) -> None:
    """Make the database of a contender: so many accounts, with one password, and what else it understands.

    Raises:
        Failure: it cannot, or hashes passwords with other parameters than the others.
    """
    done = subprocess.run(
        [str(contender.python), *contender.seed, *map(str, what)],
        cwd=contender.folder,
        env=environment_of(contender, database),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise Failure(f"{contender.title} cannot make its database: {''.join(last)}")
    if ARGON2 not in done.stdout:
        raise Failure(f"{contender.title} hashes passwords otherwise than {ARGON2}: {done.stdout.strip()}")


def environment_of(contender: Contender, database: str) -> dict[str, str]:
    """Return the environment of its processes: nothing of ours that could change what it does."""
    mine = ("FLASK_", "DJANGO_", "PYTHON", "PROMETHEUS", "GUNICORN", "GRANIAN", "UVICORN", "WEB_", "REDIS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
    found = f"{contender.python.parent}{os.pathsep}{kept.get('PATH', '')}"
    return kept | contender.environment | {"PATH": found, "DATABASE_URL": database}


def free_port() -> int:
    """Return a port on which no program listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _all_processes() -> Iterator[tuple[int, list[str]]]:
    # proc(5): what follows the name in brackets. The 4th is the session, the 12th to 15th are the times.
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                yield int(folder.name), (folder / "stat").read_text().rpartition(")")[2].split()
