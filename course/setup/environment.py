"""The environment of the course's programs, and how one process goes on as another. Standard library only."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from course.paths import ROOT, VENV

#: Variables of pip and uv that say where packages come from. Others could send them elsewhere.
SOURCES = re.compile(
    "PIP_((EXTRA_)?INDEX_URL|FIND_LINKS|NO_INDEX|PROXY|(CLIENT_)?CERT|TRUSTED_HOST|RETRIES|(DEFAULT_)?TIMEOUT"
    "|(NO_)?CACHE_DIR|CONFIG_FILE|KEYRING_PROVIDER)"
    "|UV_((DEFAULT_|EXTRA_)?INDEX(_URL|_.*_(USERNAME|PASSWORD))?|FIND_LINKS|NO_INDEX|INSECURE_HOST|HTTP_TIMEOUT"
    "|HTTP_RETRIES|SYSTEM_CERTS|NATIVE_TLS|CACHE_DIR|NO_CACHE|LINK_MODE|KEYRING_PROVIDER)"
)
#: Variables that make Python import something other than what is in `.venv`, or leave assertions out. Those
#: that only say how it reads, writes and caches text are none.
MISLEADING = re.compile(
    "PYTHON(?!(UTF8|IOENCODING|UNBUFFERED|DONTWRITEBYTECODE|PYCACHEPREFIX|COERCECLOCALE|HASHSEED)$)"
    "|__PYVENV_LAUNCHER__$"
)


def inside_venv() -> bool:
    """Return whether this very process runs in `.venv`."""
    return Path(sys.prefix).resolve() == VENV.resolve()


def misled() -> bool:
    """Return whether an option or a variable makes this process leave assertions out, or import others."""
    return bool(sys.flags.optimize or sys.warnoptions) or any(map(MISLEADING.match, os.environ))


def venv_python() -> Path:
    """Return where `.venv` has its Python."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def environment(**extra: str) -> dict[str, str]:
    """Return the environment for programs in `.venv`: the user's, without what misleads Python, pip or uv."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not MISLEADING.match(name) and (not name.startswith(("PIP_", "UV_")) or SOURCES.fullmatch(name))
    }
    kept["PATH"] = os.pathsep.join([str(venv_python().parent), kept.get("PATH", "")])
    return (
        kept
        | {
            "VIRTUAL_ENV": str(VENV),
            "PIP_USER": "0",
            "PIP_REQUIRE_VIRTUALENV": "0",
            "NO_MKDOCS_2_WARNING": "1",
        }
        | extra
    )


def hand_over(command: Sequence[str], *, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> NoReturn:
    """Go on as ``command``: its exit status is ours, and so are its signals."""
    sys.stdout.flush()
    env = environment() if env is None else env
    if os.name == "posix":
        os.chdir(cwd)
        os.execve(command[0], list(command), env)  # noqa: S606 - the shell is what we avoid
    process = subprocess.Popen(command, cwd=cwd, env=env)  # Windows has no exec
    while True:
        try:
            sys.exit(process.wait())
        except KeyboardInterrupt:  # the console gave Ctrl-C to the child too, which decides what it means
            continue


@contextmanager
def signals_as_interrupt() -> Iterator[None]:
    """Make every signal to end unwind as Ctrl-C does, so that no child outlives us.

    SIGINT is named too, because a shell lets what it starts in the background ignore it.
    """

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), interrupt) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
