"""`carry` takes an edit through the later chapters and never loses one."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from course.commands import carry as module
from course.commands.carry import carry
from course.errors import Failure
from course.lessons.stages import Stage

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not here")

BASE = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n"
REMOVES_IN = {"04_d": ("app/gone.py",)}


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Four chapters in git: `same.py` is the same in all, 2 changes `own.py`, 4 removes `gone.py`."""
    stages = []
    for number, name in enumerate(["01_a", "02_b", "03_c", "04_d"], start=1):
        folder = tmp_path / "chapters" / name
        (folder / "app").mkdir(parents=True)
        stages.append(Stage(name, number, folder, {}, removed=REMOVES_IN.get(name, ())))
        (folder / "app" / "same.py").write_bytes(BASE.encode())
        own = BASE if number == 1 else BASE.replace("six", "six of chapter 2")
        (folder / "app" / "own.py").write_bytes(own.encode())
        if number < 4:
            (folder / "app" / "gone.py").write_bytes(BASE.encode())
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "a course"]):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "core.autocrlf=false"]
        subprocess.run(["git", *who, *command], cwd=tmp_path, check=True)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "all_stages", lambda: tuple(stages))
    return tmp_path / "chapters"


def edit(file, old, new):
    file.write_bytes(file.read_bytes().replace(old.encode(), new.encode()))


def texts(repository, name):
    return [(folder / "app" / name).read_text("utf-8") for folder in sorted(repository.iterdir())]


def test_a_file_that_is_the_same_stays_the_same(repository):
    edit(repository / "01_a/app/same.py", "two", "2")

    assert carry(repository / "01_a/app/same.py") == 0

    assert texts(repository, "same.py") == [BASE.replace("two", "2")] * 4
    assert carry(repository / "01_a/app/same.py") == 0, "a second time changes nothing"


def test_what_a_chapter_changed_stays_changed(repository):
    """The edit is merged into chapter 2, and chapter 3, identical to 2 before, is identical to 2 after."""
    edit(repository / "01_a/app/own.py", "two", "2")

    assert carry(repository / "01_a/app/own.py") == 0

    first, *later = texts(repository, "own.py")
    assert later == [first.replace("six", "six of chapter 2")] * 3


def test_an_edit_of_a_middle_chapter_goes_forward_only(repository):
    edit(repository / "03_c/app/same.py", "two", "2")

    assert carry(repository / "03_c/app/same.py") == 0

    assert texts(repository, "same.py") == [BASE, BASE, BASE.replace("two", "2"), BASE.replace("two", "2")]


def test_a_conflict_keeps_both_and_a_second_run_finishes(repository, capsys):
    edit(repository / "01_a/app/own.py", "six", "6")

    assert carry(repository / "01_a/app/own.py") == 1

    second = repository / "02_b/app/own.py"
    assert "chapters/02_b/app/own.py: conflict" in capsys.readouterr().out
    assert all(text in second.read_text("utf-8") for text in ("<<<<<<<", "six of chapter 2", "6\n"))
    assert texts(repository, "own.py")[2] == BASE.replace("six", "six of chapter 2"), "not touched yet"

    second.write_bytes(BASE.replace("six", "6 of chapter 2").encode())
    assert carry(second) == 0
    assert texts(repository, "own.py")[1:] == [BASE.replace("six", "6 of chapter 2")] * 3


def test_work_that_is_not_committed_is_merged_not_overwritten(repository):
    edit(repository / "02_b/app/same.py", "seven", "seven, edited by somebody else")
    edit(repository / "01_a/app/same.py", "two", "2")

    assert carry(repository / "01_a/app/same.py") == 0

    assert texts(repository, "same.py")[1] == BASE.replace("two", "2").replace(
        "seven", "seven, edited by somebody else"
    )
    assert texts(repository, "same.py")[2] == BASE.replace("two", "2")


def test_it_ends_where_the_file_is_removed(repository, capsys):
    edit(repository / "01_a/app/gone.py", "two", "2")

    assert carry(repository / "01_a/app/gone.py") == 0

    assert not (repository / "04_d/app/gone.py").exists()
    assert "this chapter removes the file" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("01_a/app/same.py", "has not changed since"),
        ("01_a/app/nosuch.py", "does not exist"),
        ("../README.md", "is not in a chapter"),
    ],
)
def test_nothing_to_carry_is_one_sentence(repository, file, sentence):
    with pytest.raises(Failure, match=sentence):
        carry(repository / file)
