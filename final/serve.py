"""Runs the service in production: `python serve.py`, from this folder. Every number has its reason beside it.

The server is Granian: it reads and writes HTTP in compiled code, and so leaves the processor to the service.
A Flask that says hello takes less than half as long behind it as behind the threads of gunicorn.
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
import tempfile

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

#: What the server itself has to say is written like the rest of the log.
LOG = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "app.logs.JsonLines"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "loggers": {"_granian": {"handlers": ["console"], "propagate": False}},
}


# No line of the log says by which line of code, thread and process it was written, so none is looked up
# (the logging HOWTO of Python, "Optimization").
logging._srcfile = None
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def main() -> None:
    """Serve until SIGTERM, then finish the requests in flight."""
    # Each process counts in files of this folder, and /metrics adds them up. Before the application is
    # imported, which looks for it. New at each start: counters begin at nothing, as Prometheus expects.
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR") or tempfile.mkdtemp(prefix="accounts-metrics-")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder

    try:
        # Loaded once, before the processes part: they share its memory, and a mistake in the settings stops
        # the start. Nothing may be connected here, and nothing is: each process connects when it has to.
        import gateway  # noqa: F401

        # What is here by now stays: a process that looks through it for garbage would write to all of it, and
        # so no longer share it.
        gc.collect()
        gc.freeze()
        server().serve()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def server() -> Granian:
    """Return the server. `HOST` and `PORT` say where it listens, `WEB_CONCURRENCY` by how many processes."""
    from app.settings import whole_number

    processors = str(os.cpu_count() or 1)
    return Granian(
        "gateway:application",
        interface=Interfaces.RSGI,
        address=os.environ.get("HOST", "127.0.0.1"),
        port=whole_number("PORT", os.environ.get("PORT", "8001"), 1, 65535),
        http=HTTPModes.http1,  # what a proxy speaks to us; another version would only be more to attack
        websockets=False,
        # One for each processor, since Python uses one; Argon2 is most of the work, and waits for nothing.
        workers=whole_number("WEB_CONCURRENCY", os.environ.get("WEB_CONCURRENCY") or processors, 1, 1024),
        # Connections to a process, most of them idle: a proxy keeps a few dozen. What comes above waits.
        backpressure=512,
        http1_settings=HTTP1Settings(
            # Milliseconds in which headers have to arrive, and that a connection may be idle: longer than a
            # proxy keeps one, so that the server never closes it while a request is on its way.
            header_read_timeout=60_000,
            max_buffer_size=32 * 1024,  # bytes of headers, and then 431
        ),
        # A process that dies is replaced; if that one dies at once too, the server stops, for all to see.
        respawn_failed_workers=True,
        # After SIGTERM requests in flight have so many seconds; give the container a little more.
        workers_kill_timeout=25,
        log_dictconfig=LOG,
    )


if __name__ == "__main__":
    main()
