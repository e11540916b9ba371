"""Judges the reader's own tests, chapter 6: green on the right code, red on each named fault."""

import importlib
import io
import os
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from judge import Notify
from limits import TookTooLong, timer
from workspace import Files

from course import messages
from course.lessons.faults import Fault, all_faults
from course.lessons.stages import find_stage
from course.messages import say

LIMIT = 30.0  # seconds for one run of the reader's tests
PASSED, NO_TESTS = 0, 5  # exit statuses of pytest


def grade(stage: str, files: Files, right: Files, lang: str, notify: Notify) -> dict[str, Any]:
    """Run the tests among ``files`` on the right code, and then on each fault of the stage.

    Args:
        right: the files of the finished chapter.
    """
    messages.choose(lang)
    tests = {name: text for name, text in files.items() if name.startswith("tests/")}
    code = {name: text for name, text in right.items() if not name.startswith("tests/")} | tests
    if not any(Path(name).name.startswith("test_") for name in tests):
        return {"failed": say("grade.not_found", tests="tests")}
    status, output = _run_on(code, None)
    if status == NO_TESTS:
        return {"failed": say("grade.not_found", tests="tests")}
    if status != PASSED:
        return {"failed": say("grade.red", code=stage), "output": output}
    faults = [fault for fault in all_faults() if fault.stage == find_stage(stage)]
    notify({"kind": "found", "count": len(faults)})
    results = []
    for count, fault in enumerate(faults, 1):
        status, _ = _run_on(code, fault)
        results.append({"text": fault.text[lang], "caught": status != PASSED})
        notify({"kind": "graded", "count": count, **results[-1]})
    caught = sum(one["caught"] for one in results)
    return {"faults": results, "sum": say("grade.sum", caught=caught, all=len(results))}


def _run_on(code: Files, fault: Fault | None) -> tuple[int, str]:
    """Run the tests on a copy of the code; return pytest's exit status and output."""
    folder = Path(mkdtemp(prefix="graded-"))  # a new path each time, or an import would come from a cache
    for name, text in code.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    if fault:
        fault.plant(folder)
    folder_before, path_before = Path.cwd(), sys.path.copy()
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_the_readers(name)}
    os.chdir(folder)
    importlib.invalidate_caches()
    arguments = ["-q", "-pno:cacheprovider", "-pno:faulthandler", "--tb=short", "--show-capture=no"]
    output = io.StringIO()
    try:
        with redirect_stdout(output), redirect_stderr(output), timer(str(folder)) as running:
            running.start(LIMIT)
            status = int(pytest.main([*arguments, "-c", "pytest.ini", *(["-x"] if fault else [])]))
    except TookTooLong:
        status = -1
    finally:
        os.chdir(folder_before)
        sys.path[:] = path_before
        for name in [name for name in sys.modules if _is_the_readers(name)]:
            del sys.modules[name]
        sys.modules.update(hidden)
        shutil.rmtree(folder, ignore_errors=True)
    return status, output.getvalue()


def _is_the_readers(name: str) -> bool:
    return name.partition(".")[0] in ("app", "config", "conftest", "tests")
