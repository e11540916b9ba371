"""Results come from outside the judged code: what it does to the process of the tests passes no test."""

from __future__ import annotations

import json
import os
import pickle
import struct
import sys
import time
from multiprocessing import Pipe
from pathlib import Path

import pytest

from course.judging import runner
from course.judging.explain import explain
from course.judging.pipe import Receiver, Sender
from course.judging.protocol import Finding
from course.judging.runner import judge
from course.lessons.own_files import copy_own_files
from course.lessons.stages import find_stage

STAGE = find_stage("1")
TESTS = (
    "test_00_start.py::test_an_account_is_created_and_read",
    "test_01_views_and_blueprints.py::test_versions_show_the_same_accounts",
    "test_01_views_and_blueprints.py::test_korean_is_readable_on_the_wire",
)
ONE_CASE = TESTS[0]

#: A service that does nothing right.
WRONG = "from flask import Flask\n\napp = Flask(__name__)\n"
FORGED = json.dumps(["", 0, "finish", f"tests/{ONE_CASE}[{STAGE.name}]", True]).encode()

#: What the code does when it is imported, or to be done with each request.
TRICKS = {
    "ends the process": "import os; os._exit(0)",
    "ends the process at a request": "app.before_request(lambda: __import__('os')._exit(0))",
    "ends the process between tests": (
        "import os, threading, time; threading.Thread(target=lambda: (time.sleep(.2), os._exit(0))).start()"
    ),
    "exits": "import sys; sys.exit(0)",
    "ends pytest": "import pytest; pytest.exit('enough', returncode=0)",
    "ends pytest at a request": "@app.before_request\ndef end():\n    __import__('pytest').exit('x', 0)",
    "interrupts": "@app.before_request\ndef interrupt():\n    raise KeyboardInterrupt",
    "skips": "import pytest; pytest.skip('tomorrow', allow_module_level=True)",
    "skips at a request": "@app.before_request\ndef skip():\n    __import__('pytest').skip('tomorrow')",
    "expects to fail": "import pytest; pytest.xfail('tomorrow')",
    "registers an end": "import atexit, os; atexit.register(os._exit, 0)",
    "prints": "import os; print('1 passed'); [os.write(fd, b'1 passed in 0.01s') for fd in (1, 2)]",
    "closes everything": "import os; os.closerange(3, 999)",
    "forks": "import os; os.fork()",
    "no longer runs tests": "import _pytest.runner as r; r.runtestprotocol = lambda *a, **k: True",
    "no longer calls tests": "import _pytest.python as p; p.Function.runtest = lambda self: None",
    "empties what calls tests": (
        "import _pytest.python as p; p.Function.runtest.__code__ = (lambda self: None).__code__"
    ),
    "reports what it likes": "import _pytest.reports as r; r.TestReport.from_item_and_call = lambda *a: None",
    "asserts nothing": "import sys; sys.modules['kit.clients'].expect = lambda *a: {}",
    "fails nothing": "import pytest; pytest.fail = lambda *a: None; pytest.raises = lambda *a: None",
    "replaces pytest": "import sys, types; sys.modules['_pytest.runner'] = types.ModuleType('runner')",
    "changes what a failure is": "import builtins; builtins.AssertionError = ZeroDivisionError",
    "changes what is equal": "import builtins; builtins.isinstance = lambda *a: True",
    "empties the tests": (
        "import sys\nfor m in list(sys.modules.values()):\n    for f in list(vars(m).values()):\n"
        "        if getattr(f, '__name__', '').startswith('test_') and hasattr(f, '__code__'):\n"
        "            f.__code__ = (lambda *a, **k: None).__code__"
    ),
}
for number, bytes_ in enumerate(
    [
        b"1 passed",
        struct.pack("!i", len(FORGED)) + FORGED,
        struct.pack("!i", 8) + b"\xff" * 8,
        struct.pack("!i", len(p := pickle.dumps(("finish", ONE_CASE)))) + p,
    ]
):
    TRICKS[f"writes to the pipe, {number}"] = (
        "import os, stat\nfor fd in range(3, 60):\n    try:\n"
        f"        stat.S_ISFIFO(os.fstat(fd).st_mode) and os.write(fd, {bytes_!r})\n"
        "    except OSError:\n        pass"
    )
ON_POSIX = {"closes everything", "forks"}


def submission(folder: Path, source: str) -> Path:
    (folder / "app").mkdir(parents=True)
    (folder / "app" / "__init__.py").write_text(source, encoding="utf-8")
    return folder


@pytest.mark.parametrize("trick", TRICKS)
def test_a_wrong_service_passes_nothing_whatever_it_does(tmp_path: Path, trick: str) -> None:
    """And what it does is over soon, and leaves the runner as it is."""
    if sys.platform == "win32" and trick in ON_POSIX:
        pytest.skip("not on Windows")
    folder = submission(tmp_path / "mine", f"{WRONG}\n{TRICKS[trick]}\n")

    verdict = judge(folder, STAGE, tests=TESTS, limit=10)

    assert {result.state for result in verdict.results.values()} <= {"failed", "ended", "unknown"}
    assert set(verdict.results) == set(TESTS)


@pytest.mark.parametrize(
    ("trick", "name"),
    [
        (TRICKS["no longer calls tests"], "_pytest.python.Function.runtest"),
        (TRICKS["empties what calls tests"], "_pytest.python.Function.runtest"),
        ("import kit.clients; del kit.clients.expect_header", "kit.clients.expect_header"),
    ],
    ids=["replaced", "emptied", "deleted"],
)
def test_what_interferes_is_named(tmp_path: Path, trick: str, name: str) -> None:
    folder = submission(tmp_path / "mine", f"{WRONG}\n{trick}\n")

    verdict = judge(folder, STAGE, tests=(ONE_CASE,))

    told = dict(explain(verdict.results[ONE_CASE], folder))
    assert f"({name})" in told["raised"]


def test_a_right_service_may_do_what_services_do(tmp_path: Path) -> None:
    """Start threads and programs, print, replace what is not the tests'."""
    folder = copy_own_files(STAGE.path, tmp_path / "mine")
    with (folder / "app" / "__init__.py").open("a", encoding="utf-8") as file:
        file.write(
            "\nimport builtins, subprocess, sys, threading, time\nprint('hello')\n"
            "threading.Thread(target=time.sleep, args=(99,)).start()\n"
            "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)'])\n"
            "builtins.print = lambda *a, **k: None\nsys.setrecursionlimit(2000)\n"
        )

    started = time.monotonic()
    assert judge(folder, STAGE, tests=TESTS).not_passed == []
    assert time.monotonic() - started < 60


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("end", ["pass", "os._exit(0)"], ids=["and goes on", "and ends"])
def test_what_the_code_leaves_running_keeps_nobody_waiting(tmp_path: Path, end: str) -> None:
    """A process that it forks holds the pipe, and is ended with the check."""
    pid = tmp_path / "pid"
    code = (  # the parent writes the id: the child may be ended before it could
        f"import os, time\nchild = os.fork()\nif not child:\n    time.sleep(99)\n    os._exit(0)\n"
        f"open({str(pid)!r}, 'w').write(str(child))\n"
    )
    folder = submission(tmp_path / "mine", f"{WRONG}\n{code}{end}\n")

    started = time.monotonic()
    assert len(judge(folder, STAGE, tests=(ONE_CASE,)).not_passed) == 1
    assert time.monotonic() - started < 60
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.kill(int(pid.read_text()), 0)
            time.sleep(0.05)


def test_code_that_stops_the_clock_is_stopped_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "SILENCE", 0.5)
    code = "import faulthandler; faulthandler.cancel_dump_traceback_later()\nwhile True:\n    pass\n"
    folder = submission(tmp_path / "mine", code)

    verdict = judge(folder, STAGE, tests=(ONE_CASE,), limit=1)

    assert verdict.results[ONE_CASE].state == "hung"


def test_a_message_carries_what_only_the_two_ends_know() -> None:
    ours, theirs = Pipe(duplex=False)
    sender, receiver = Sender(theirs, "secret"), Receiver(ours, "secret")
    finding = Finding(raised="한국어 \udc80", place=("app.py", 3, "x"), log=["y"])

    sender.send(("failed", "case", finding))
    assert receiver.receive() == ("failed", ["case", finding])
    for forged in (
        FORGED,
        b'["", 1, "end"]',
        b'["secret", 0, "end"]',
        b'["secret", 2, "end"]',
        b"[]",
        b"\xff",
        b"{}",
        b"null",
    ):
        theirs.send_bytes(forged)
        with pytest.raises((ValueError, TypeError)):
            receiver.receive()
    sender.send(("end",))
    assert receiver.receive() == ("end", [])
