"""The port of the site: `up` notes it while it runs, and others name it. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from course.paths import STATE
from course.setup.ports import free

DEFAULT = 8000  # the site's port, if it is free
NOTE = STATE / "site.port"


@contextmanager
def noted(port: int) -> Iterator[None]:
    """Note the port of the site while the block runs."""
    STATE.mkdir(exist_ok=True)
    NOTE.write_text(str(port), encoding="utf-8")
    try:
        yield
    finally:
        if _noted() == port:  # otherwise another `up` has started since
            NOTE.unlink(missing_ok=True)


def site_port() -> int:
    """Return the port of the running site or, if none runs, the one that `up` takes first."""
    port = _noted()
    return port if port is not None and not free(port) else DEFAULT


def address_of(path: str) -> str:
    """Return the URL of a page while the site runs, otherwise its path there."""
    port = _noted()
    return path if port is None or free(port) else f"http://127.0.0.1:{port}/{path}"


def _noted() -> int | None:
    try:
        return int(NOTE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
