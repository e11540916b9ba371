"""`check --watch` judges again at every save, and says what changed."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

import pytest
from kit.learner import Learner

from course.lessons.stages import find_stage

STAGE = find_stage("1")


@pytest.fixture
def learner(tmp_path: Path) -> Learner:
    return Learner(tmp_path / "내 작업")


class Screen:
    """What a running process has printed so far."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.text = ""
        self.process = process
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.text += line.decode("utf-8")

    def close(self) -> None:
        """Close the pipe, after the process has ended."""
        self.reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def wait_for(self, words: str) -> None:
        """Return once ``words`` are printed."""
        until = time.monotonic() + 90
        while words not in self.text:
            assert time.monotonic() < until and self.process.poll() is None, self.text
            time.sleep(0.02)


def test_watch_answers_a_save(learner: Learner) -> None:
    own = learner.has(STAGE)
    views = own / "app" / "views.py"
    right = views.read_text(encoding="utf-8")
    views.write_text(right.replace("ensure_ascii=False", "ensure_ascii=True"), encoding="utf-8")
    process = learner.start("check", "1", "--watch", PYTHONUNBUFFERED="1")
    screen = Screen(process)
    try:
        screen.wait_for("25 of 26 behaviours passed.")
        screen.wait_for("--full")
        views.write_text(right, encoding="utf-8")
        screen.wait_for("app/views.py changed")
        screen.wait_for("now passed  A Korean name travels")
        screen.wait_for("26 of 26 passed")
        screen.wait_for("The chapter is done.")
        (own / "app" / "v2.py").write_text("def broken(:\n", encoding="utf-8")
        screen.wait_for("app/v2.py changed")
        screen.wait_for("Your code does not start")
    finally:
        process.kill()
        process.wait()
        screen.close()


def test_watch_tells_a_fault_in_one_place_from_code_that_does_not_start(learner: Learner) -> None:
    learner.run("begin", "3")
    mine = learner.workspace / find_stage("3").name / "app" / "decorators" / "__init__.py"
    mine.parent.mkdir()
    mine.write_text("def json_required(view):\n    return wrapper\n", encoding="utf-8")
    process = learner.start("check", "3", "--watch", PYTHONUNBUFFERED="1")
    screen = Screen(process)
    try:
        screen.wait_for("check 3 --full")
        mine.write_text("def json_required(view):\n    return other\n", encoding="utf-8")
        screen.wait_for("still to do")
        screen.wait_for("name 'other' is not defined")
    finally:
        process.kill()
        process.wait()
        screen.close()
    assert "Your code does not start" not in screen.text
