"""`python -m benchmarks [--quick] [--publish]`, from final/: measure ours and its peers, write the tables."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from . import databases, drawing, page, report
from .contenders import HELLO, all_contenders
from .curves import all_curves
from .environments import CACHE
from .failures import Failure
from .rounds import QUICK, Bench, Plan, argon2_alone, compare
from .servers import ARGON2
from .workloads import BYSTANDERS, CLIENTS, FLOOD, LOGINS

RESULT = CACHE / "result"


def main(arguments: list[str]) -> None:
    """Measure, and write result.json, tables.md and pictures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one short round: whether everything works, not how fast"
    )
    parser.add_argument(
        "--publish", action="store_true", help="keep the result, and write the site's page from it"
    )
    options = parser.parse_args(arguments)
    # Ended from outside, it ends its servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside; nothing was published"))
    try:
        result = run(QUICK if options.quick else Plan(), "python -m benchmarks" + " --quick" * options.quick)
    except Failure as failure:
        sys.exit(f"benchmarks: {failure}")
    except KeyboardInterrupt:
        sys.exit("benchmarks: stopped; nothing was published")
    write(result, RESULT)
    if options.publish:
        page.RESULT.write_text(dumped(result), encoding="utf-8")
        page.publish()
    print(report.markdown(result))
    print(f"{RESULT}: result.json, tables.md and pictures")


def run(plan: Plan, command: str) -> dict[str, Any]:
    """Return everything that was measured.

    Raises:
        Failure: it cannot be, or a contender answered wrongly.
    """
    server, load = divided_processors()
    begun = time.monotonic()
    contenders = all_contenders()
    for number, contender in enumerate(contenders, start=1):
        say(f"environment {number} of {len(contenders)}: {contender.title}")
        assert contender.python
    ours = contenders[0]
    everything = os.sched_getaffinity(0)
    os.sched_setaffinity(0, load)
    try:
        with TemporaryDirectory(prefix="benchmarks-") as scratch, ExitStack() as made:
            bench = Bench({server}, Path(scratch), plan, say)
            # Of the peers, which all have argon2-cffi, and of ours, which has PyNaCl.
            alone: dict[str, list[float]] = {"argon2-cffi": [], "pynacl": []}
            pythons = dict(zip(alone, (contenders[1].python, ours.python), strict=True))

            def argon2() -> None:
                for name, python in pythons.items():
                    alone[name].append(argon2_alone(bench, python))

            found = {
                "sqlite": compare(
                    bench,
                    contenders,
                    lambda name: databases.sqlite(bench.folder, name),
                    each_round=argon2,
                )
            }
            postgresql = databases.PostgreSQL(ours.python)
            if postgresql.answers():
                with_database = [one for one in contenders if one.name != HELLO]
                found["postgresql"] = compare(
                    bench,
                    with_database,
                    lambda name: made.enter_context(postgresql.database(name)),
                    only=("me", "refresh"),
                )
            curves = all_curves(bench, ours, everything)
    finally:
        os.sched_setaffinity(0, everything)
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "command": command,
        "minutes": round((time.monotonic() - begun) / 60, 1),
        "machine": machine(),
        "settings": settings(plan),
        "python": platform.python_version(),
        "databases": found,
        "argon2_alone": alone,
        "curves": curves,
    }


def divided_processors() -> tuple[int, set[int]]:
    """Return the processor of the servers, and those of the load.

    Raises:
        Failure: there is only one, or this system cannot tell.
    """
    if not hasattr(os, "sched_getaffinity"):
        raise Failure(
            "servers are held to one processor by Linux: run this on Linux, or in a container of it"
        )
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        raise Failure("two processors are needed, one for the server and one for the load, and here is one")
    return first, set(others)


def machine() -> dict[str, Any]:
    """Return what it ran on."""
    models = [
        line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")
    ]
    memory = next(
        (int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0
    )
    return {
        "processor": models[0] if models else platform.processor(),
        "processors": len(os.sched_getaffinity(0)),
        "memory": round(memory / 1024**2),  # GiB
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "load": round(os.getloadavg()[0], 1),  # at the end: as many as the last curve had processes, if quiet
    }


def settings(plan: Plan) -> dict[str, Any]:
    """Return what the numbers depend on."""
    return {
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "accounts": plan.accounts,
        "clients": CLIENTS,
        "logins": LOGINS,
        "bystanders": BYSTANDERS,
        "flood": FLOOD,
        "argon2": ARGON2.removeprefix("argon2id$v=19$").strip("$"),
    }


def write(result: dict[str, Any], folder: Path) -> None:
    """Write everything that a run gives into ``folder``."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(dumped(result), encoding="utf-8")
    (folder / "tables.md").write_text(report.markdown(result), encoding="utf-8")
    for name, picture in drawing.all_pictures(result).items():
        (folder / f"{name}.svg").write_text(picture, encoding="utf-8")


def dumped(result: dict[str, Any]) -> str:
    """Return ``result`` as JSON, with no more digits than mean something."""
    rounded = json.loads(json.dumps(result), parse_float=lambda text: float(f"{float(text):.5g}"))
    return json.dumps(rounded, indent=1, ensure_ascii=False) + "\n"


def say(text: str) -> None:
    """Show what happens, on a line that the next one replaces in a terminal."""
    end = "" if sys.stderr.isatty() else "\n"
    print(f"\r\x1b[K{text}" if not end else text, end=end, file=sys.stderr, flush=True)


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    main(sys.argv[1:])
