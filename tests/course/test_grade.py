"""`check 6 --my-tests`: a learner's tests run on the right code, then on named faults."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from course.commands import my_tests as module
from course.commands.my_tests import grade
from course.errors import Failure
from course.lessons.faults import all_faults
from course.lessons.stages import find_stage, ignore_in_copies

STAGE = find_stage("6")
TWO_FAULTS = {"logging_out_does_nothing", "everybody_is_logged_out"}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's folder with the chapter's own tests as if they had written them, graded by two faults."""
    monkeypatch.setattr(module, "all_faults", lambda: [f for f in all_faults() if f.name in TWO_FAULTS])
    return Path(shutil.copytree(STAGE.path, tmp_path / "own", ignore=ignore_in_copies))


@pytest.fixture
def tests(own: Path) -> Path:
    """Their tests."""
    return own / "tests"


def test_good_tests_catch_every_fault(tests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert grade(STAGE, tests.parent) == 0
    assert "Your tests caught 2 of 2 faults." in capsys.readouterr().out


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
