"""`check 6 --my-tests`: a learner's tests run on the right code, then on named faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kit.changed import unless_changed

from course.commands import my_tests as module
from course.commands.my_tests import grade
from course.errors import Failure
from course.lessons.faults import all_faults
from course.lessons.own_files import copy_own_files
from course.lessons.patches import apply_patch, read_patch
from course.lessons.solutions import SOLUTIONS
from course.lessons.stages import find_stage

STAGE = find_stage("6")
ONE_FAULT = "logging_out_does_nothing"
TWO_FAULTS = {ONE_FAULT, "everybody_is_logged_out"}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's folder with the chapter's own tests as if they had written them, graded by two faults."""
    monkeypatch.setattr(module, "all_faults", lambda: [f for f in all_faults() if f.name in TWO_FAULTS])
    return copy_own_files(STAGE.path, tmp_path / "own", but=("steps",))


@pytest.fixture
def tests(own: Path) -> Path:
    """Their tests."""
    return own / "tests"


def test_what_got_past_is_said_in_words(tests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, indent in (("test_with_pytest.py", "    "), ("test_with_unittest.py", "        ")):
        source = (tests / name).read_text(encoding="utf-8")
        assert '"""P6"""' in source
        (tests / name).write_text(source.replace('"""P6"""', f'"""P6"""\n{indent}return'), encoding="utf-8")

    assert grade(STAGE, tests.parent) == 1

    printed = capsys.readouterr().out
    assert "got past  Changing one password logs everybody out." in printed
    assert "caught    Logging out returns 204, but the token keeps working." in printed


def test_tests_that_are_red_on_the_right_code_are_not_graded(tests: Path) -> None:
    (tests / "test_wrong.py").write_text("def test_wrong():\n    assert 1 == 2\n", encoding="utf-8")

    with pytest.raises(Failure, match="red on the right code"):
        grade(STAGE, tests.parent)


@pytest.mark.parametrize(
    "ends",
    [
        "import sys\n\nsys.exit(0)\n",
        "import os\n\ndef test_last():\n    os._exit(0)\n",
        "import os\n\ndef test_last():\n    os._exit(1)\n",
        "import pytest\n\ndef test_last():\n    pytest.exit('enough', returncode=0)\n",
        "import pytest\n\ndef test_last():\n    pytest.skip('tomorrow')\n",
    ],
    ids=["at import", "as if all was well", "in silence", "by pytest", "skipped"],
)
def test_tests_that_end_early_are_not_green(tests: Path, ends: str) -> None:
    for file in tests.glob("*.py"):
        file.unlink()
    (tests / "test_mine.py").write_text(ends, encoding="utf-8")

    with pytest.raises(Failure, match="no test passed"):
        grade(STAGE, tests.parent)


def test_no_tests_is_a_sentence(tests: Path, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="There are no tests to grade"):
        grade(STAGE, tmp_path / "nothing")
    for file in tests.glob("test_*.py"):
        file.unlink()
    with pytest.raises(Failure, match="pytest found no test"):
        grade(STAGE, tests.parent)


# -- tests in other styles ----------------------------------------------------------------------------

ALWAYS = {"conftest_in_the_root", "unittest_alone", "nobody_guesses", "only_the_status"}
#: The beginnings and ends of the paths of what a grade depends on.
GRADING = (
    (
        "chapters/06_",
        "course/commands/my_tests.py",
        "course/judging/",
        "course/lessons/",
        "tests/course/solutions/",
    ),
    ("guard.py", "test_grade.py", "requirements.txt"),
)


def learners_tests(kind: str) -> list[Path]:
    """Return the patches that give the chapter other tests; their heads say what these are."""
    return sorted((SOLUTIONS / kind / "06").glob("*.patch"))


def cases(kind: str) -> list[Any]:
    """Return them as parameters; most run only where something differs that a grade depends on."""
    return [
        pytest.param(file, id=file.stem, marks=[] if file.stem in ALWAYS else unless_changed(*GRADING))
        for file in learners_tests(kind)
    ]


def learners_folder(file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, *names: str) -> dict[str, str]:
    """Make ``folder`` one of a learner with such tests, to be graded by some faults; return the head."""
    head, patch = read_patch(file)
    wanted = {*names, head.get("lets past")} - {None}
    monkeypatch.setattr(module, "all_faults", lambda: [f for f in all_faults() if f.name in wanted])
    copy_own_files(STAGE.path, folder, but=("steps",))
    apply_patch(patch, folder)
    return head


@pytest.mark.parametrize("file", cases("right_tests"))
def test_good_tests_in_another_style_are_graded_as_such(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    learners_folder(file, tmp_path / "own", monkeypatch, ONE_FAULT)

    assert grade(STAGE, tmp_path / "own") == 0
    assert "Your tests caught 1 of 1 faults." in capsys.readouterr().out


@pytest.mark.parametrize("file", cases("wrong_tests"))
def test_tests_that_see_too_little_let_a_fault_past(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    learners_folder(file, tmp_path / "own", monkeypatch)

    assert grade(STAGE, tmp_path / "own") == 1
    assert "got past" in capsys.readouterr().out


def test_there_are_six_and_more_of_each() -> None:
    for kind in ("right_tests", "wrong_tests"):
        assert len(learners_tests(kind)) >= 6
        for file in learners_tests(kind):
            head, _ = read_patch(file)
            assert head["en"].endswith(".") and head["ko"].endswith("다.")


# -- what is not the learner's ------------------------------------------------------------------------


def test_the_machine_changes_no_grade(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Good tests catch every fault; variables or a file of settings lead them to no other database."""
    real = tmp_path / "real.sqlite"
    real.write_bytes(b"somebody's accounts")
    for name in ("FLASK_SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_DATABASE_URI", "DATABASE_URL"):
        monkeypatch.setenv(name, f"sqlite:///{real.as_posix()}")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")  # no assertion would fail
    (own / "instance").mkdir()
    (own / "instance" / "config.toml").write_text(f'SQLALCHEMY_DATABASE_URI = "sqlite:///{real.as_posix()}"')

    assert grade(STAGE, own) == 0

    assert "Your tests caught 2 of 2 faults." in capsys.readouterr().out
    assert real.read_bytes() == b"somebody's accounts"


@pytest.mark.parametrize("where", ["in the test", "in a program"])
def test_tests_that_open_another_database_are_refused(
    where: str, own: Path, tests: Path, tmp_path: Path
) -> None:
    """A learner's own test that names a real database is red, and the database stays as it is."""
    real = tmp_path / "real.sqlite"
    real.write_bytes(b"")
    opens = f"import sqlite3; sqlite3.connect({str(real)!r}).execute('create table t (c)')"
    if where == "in a program":
        opens = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {opens!r}], check=True)"
    for file in tests.glob("test_*.py"):
        file.unlink()
    (tests / "test_mine.py").write_text(f"def test_it():\n    {opens}\n", encoding="utf-8")

    with pytest.raises(Failure, match=r"which this test did not make|CalledProcessError"):
        grade(STAGE, own)

    assert real.read_bytes() == b""
