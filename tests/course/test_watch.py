"""`check --watch` judges again at every save, and says what changed."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kit.learner import Learner
from rich.console import Console

from course.commands import watch
from course.errors import Failure
from course.judging import progress, runner
from course.judging.results import Result, Verdict
from course.lessons.behaviours import all_behaviours, behaviours_of
from course.lessons.own_files import copy_own_files
from course.lessons.stages import Stage, find_stage

STAGE = find_stage("1")
snapshot = watch.snapshot


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
        screen.wait_for("27 of 28 behaviours passed.")
        screen.wait_for("--full")
        views.write_text(right, encoding="utf-8")
        screen.wait_for("app/views.py changed")
        screen.wait_for("now passed  A Korean name travels")
        screen.wait_for("28 of 28 passed")
        screen.wait_for("The chapter is done.")
        (own / "app" / "v2.py").write_text("def broken(:\n", encoding="utf-8")
        screen.wait_for("app/v2.py changed")
        screen.wait_for("Your code does not start")
        screen.wait_for("0 of 28 passed")  # so that it is not killed while it starts a process
        if sys.platform != "win32":  # which has no SIGINT for one process alone
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
            screen.reader.join(30)
            assert "Stopped watching." in screen.text
    finally:
        process.kill()
        process.wait()
        screen.close()


class Watcher:
    """A watch in a thread, whose judge takes a moment and finds that all is right."""

    stage = STAGE

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.file = folder, folder / "app" / "views.py"
        self.begun = self.ended = self.looks = 0
        self.seconds = 0.0  # that the judge takes
        self.when_given_up: Callable[[], None] = lambda: None
        self.console = Console(file=io.StringIO())
        self.monkeypatch = monkeypatch
        monkeypatch.setattr(watch, "judge", self.judge)
        monkeypatch.setattr(watch, "snapshot", self.look)
        monkeypatch.setattr(watch, "GONE", 0.4)
        monkeypatch.setattr(watch, "INTERVAL", 0.03)  # so that it looks in the midst of a save
        monkeypatch.setattr(progress, "WORKSPACE", folder.parent)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        self.wait_for(lambda: self.ended == 1)

    @property
    def text(self) -> str:
        return self.console.file.getvalue()  # type: ignore[attr-defined,no-any-return]

    def run(self) -> None:
        try:
            watch.Watch(self.console, self.stage, self.folder, str(self.stage.number)).run()
        except Failure:  # the folder is gone
            return

    def look(self, folder: Path) -> watch.Snapshot:
        self.looks += 1
        return snapshot(folder)

    def judge(self, folder: Path, stage: Stage, *, cancelled: Callable[[], bool], **_: object) -> Verdict:
        self.begun += 1
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            if cancelled():
                self.when_given_up()
                return Verdict({}, complete=False)
            time.sleep(0.01)
        self.ended += 1
        return Verdict({b.test: Result(b, "passed") for b in all_behaviours(stage)})

    def wait_for(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < until, self.text
            time.sleep(0.01)

    def wait_for_looks(self) -> None:
        """Return once it would have begun to judge what has changed: it looks three times before it does."""
        enough = self.looks + 5
        self.wait_for(lambda: self.looks >= enough)

    def close(self) -> None:
        self.monkeypatch.setattr(watch, "GONE", 0.0)
        until = time.monotonic() + 10
        while self.thread.is_alive() and time.monotonic() < until:
            shutil.rmtree(self.folder, ignore_errors=True)  # Windows keeps a file that the watch just reads
            self.thread.join(0.1)
        assert not self.thread.is_alive()

    def events(self, checks: int) -> list[str]:
        """Return what was announced, once ``checks`` came to their end after the first, and no more begin."""
        self.wait_for(lambda: self.ended > checks)
        self.wait_for_looks()
        return [line[10:] for line in self.text.splitlines() if line.endswith(" changed")]


@pytest.fixture
def watcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watcher]:
    folder = copy_own_files(STAGE.path, tmp_path / "mine", but=("steps",))
    with closing(Watcher(folder, monkeypatch)) as watcher:
        yield watcher


def save_in_place(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def save_with_the_old_times(file: Path, text: str) -> None:
    """As an archive or a network drive does, whose times do not move."""
    stat = file.stat()
    assert len(text.encode()) == stat.st_size
    file.write_bytes(text.encode())  # as text, Windows would give it longer ends of lines
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def save_like_vim(file: Path, text: str) -> None:
    probe, backup = file.with_name("4913"), file.with_name(f"{file.name}~")
    probe.touch()
    probe.unlink()
    file.with_name(f".{file.name}.swp").write_bytes(b"swap")
    file.rename(backup)
    time.sleep(0.07)
    file.touch()
    time.sleep(0.07)
    file.write_text(text[:99], encoding="utf-8")
    time.sleep(0.07)
    file.write_text(text, encoding="utf-8")
    backup.unlink()


def save_like_pycharm(file: Path, text: str) -> None:
    new, old = file.with_name(f"{file.name}___jb_tmp___"), file.with_name(f"{file.name}___jb_old___")
    new.write_text(text, encoding="utf-8")
    file.rename(old)
    time.sleep(0.05)
    new.rename(file)
    old.unlink()


@pytest.mark.parametrize("save", [save_in_place, save_with_the_old_times, save_like_vim, save_like_pycharm])
def test_each_save_is_seen_once(watcher: Watcher, save: Callable[[Path, str], None]) -> None:
    """However an editor saves, also twice in a second, and with a file of the same length and time."""
    watcher.monkeypatch.setattr(watch, "QUIET", 0.3)  # a busy machine makes their pauses longer
    source = watcher.file.read_text(encoding="utf-8")

    save(watcher.file, source.replace("import", "tropmi"))
    watcher.wait_for(lambda: watcher.ended == 2)
    save(watcher.file, source.replace("import", "IMPORT"))

    assert watcher.events(2) == ["app/views.py changed"] * 2
    assert watcher.begun == 3


def test_new_renamed_and_deleted_files_are_seen(watcher: Watcher) -> None:
    watcher.file.rename(watcher.file.with_name("view.py"))
    watcher.wait_for(lambda: watcher.ended == 2)
    (watcher.folder / "app" / "extra").mkdir()
    (watcher.folder / "app" / "extra" / "new.py").touch()
    watcher.wait_for(lambda: watcher.ended == 3)
    (watcher.folder / "app" / "v1.py").unlink()

    assert watcher.events(3) == ["2 files changed", "app/extra/new.py changed", "app/v1.py changed"]


def test_what_is_not_the_work_is_not_a_save(watcher: Watcher) -> None:
    """Nor is a new time of a file whose content stays: only the last of these is a save."""
    for name in (".git/index", "instance/x.sqlite", ".venv/pyvenv.cfg", "app/views.py~", ".env", "4913"):
        (watcher.folder / name).parent.mkdir(exist_ok=True)
        (watcher.folder / name).write_text("new", encoding="utf-8")
    watcher.file.touch()
    if os.name == "posix":
        watcher.file.with_name(".#views.py").symlink_to("mina@laptop.4711:1700000000")
        os.mkfifo(watcher.folder / "pipe.py")
    watcher.wait_for_looks()
    save_in_place(watcher.file, "pass\n")
    assert watcher.events(1) == ["app/views.py changed"]


def test_a_save_during_a_check_restarts_it(watcher: Watcher) -> None:
    watcher.seconds = 60.0
    save_in_place(watcher.file, "pass\n")
    watcher.wait_for(lambda: watcher.begun == 2)
    watcher.seconds = 0.0
    save_in_place(watcher.file, "pass  # again\n")

    assert watcher.events(1) == ["app/views.py changed"] * 2
    assert (watcher.begun, watcher.ended) == (3, 2)


def test_a_save_that_is_taken_back_during_a_check_is_judged_too(watcher: Watcher) -> None:
    """The check was given up because of it, so another has to come to its end."""
    watcher.seconds = 60.0
    save_in_place(watcher.file, "pass\n")
    watcher.wait_for(lambda: watcher.begun == 2)
    watcher.seconds = 0.0
    watcher.when_given_up = lambda: save_in_place(watcher.file, "pass\n")
    save_in_place(watcher.file, "half a sa")

    assert "app/views.py changed" in watcher.events(1)


def test_a_folder_that_is_replaced_is_watched_on(watcher: Watcher) -> None:
    """By `begin --again`, for example: it is missing for a moment, then there with all its files."""
    new = copy_own_files(find_stage("start").path, watcher.folder.with_name("new"))
    watcher.folder.rename(watcher.folder.with_name("old"))
    time.sleep(0.2)
    new.rename(watcher.folder)

    assert watcher.events(1) == ["7 files changed"]


class Judging(Watcher):
    """A watch that judges, of chapter 3, what the first step adds and whether the code starts."""

    stage = find_stage("3")

    def judge(self, folder: Path, stage: Stage, *, tests: tuple[str, ...] = (), **options: Any) -> Verdict:
        few = (behaviours_of(0)[0].test, behaviours_of(3)[0].test)
        verdict = runner.judge(folder, stage, tests=tests or few, **options)
        self.ended += verdict.complete
        return verdict


def test_watch_tells_a_fault_in_one_place_from_code_that_does_not_start(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner.run("begin", "3")
    mine = learner.workspace / Judging.stage.name / "app" / "decorators" / "__init__.py"
    mine.parent.mkdir()
    mine.write_text("def json_required(view):\n    return wrapper\n", encoding="utf-8")
    with closing(Judging(mine.parents[2], monkeypatch)) as watcher:
        watcher.wait_for(lambda: "name 'wrapper' is not defined" in watcher.text)
        mine.write_text("def json_required(view):\n    return other\n", encoding="utf-8")
        watcher.events(2)  # what to work on, and then all
    assert "still to do" in watcher.text and "name 'other' is not defined" in watcher.text
    assert "Your code does not start" not in watcher.text
