"""`check` says in words which behaviours a folder has and what the first missing one expected."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from kit.learner import Learner

from course.judging.findings import LearnerPaths, describe
from course.judging.protocol import Task
from course.judging.runner import judge
from course.lessons.behaviours import behaviours_of
from course.lessons.stages import find_stage

STAGE = find_stage("1")


@pytest.fixture
def learner(tmp_path: Path) -> Learner:
    """A learner whose folder has a space and Korean in its path."""
    return Learner(tmp_path / "내 작업")


def replace(file: Path, old: str, new: str) -> None:
    """Change a text that must be there."""
    source = file.read_text(encoding="utf-8")
    assert old in source
    file.write_text(source.replace(old, new), encoding="utf-8")


def test_the_next_behaviour_is_explained(learner: Learner) -> None:
    """What was sent, what came back, what was expected; no traceback."""
    own = learner.has(STAGE)
    replace(
        own / "app" / "v1.py",
        "return self.answer(account.to_dict(), 201,",
        "return self.answer(account.to_dict(), 200,",
    )

    status, output = learner.run("check", "1")

    assert status == 1
    assert "sent       POST /v1/accounts  {'email': 'mina@example.com'" in output
    assert "look at    app/v1.py, line 21:  def post(self) -> Response:" in output
    assert 'came back  200 application/json; charset=utf-8  {"id":1,' in output
    assert "expected   201" in output
    assert not any("Traceback" in line or line.startswith(("E ", ">")) for line in output.splitlines())


def test_a_chapter_is_judged_in_the_order_of_its_lesson() -> None:
    """And not in that of its test file, so the first behaviour shown is the first to work on."""
    stage, told = STAGE, []

    judge(stage.path, stage, on_result=lambda result: told.append(result.behaviour))

    own = [behaviour.test for behaviour in told if behaviour.number == 1]
    assert own == [behaviour.test for behaviour in behaviours_of(1)]


def test_what_an_earlier_chapter_promised_is_told_as_broken(learner: Learner) -> None:
    own = learner.has(find_stage("4"))
    replace(own / "app" / "errors.py", "exceptions.EmailTaken: 409", "exceptions.EmailTaken: 400")

    status, output = learner.run("check", "4", "--only", "0.6")

    assert status == 1
    assert "This has worked since the first file and no longer does: A second account for an e-mail" in output
    assert "expected   409" in output


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import nosuch\n", ["ModuleNotFoundError: No module named 'nosuch'", "app/__init__.py, line 1"]),
        ("def broken(:\n    pass\n", ["SyntaxError", "app/__init__.py, line 1:  def broken(:"]),
        ("x = 1\nimport sys; sys.exit('bye')\n", ["SystemExit: bye", "app/__init__.py, line 2"]),
    ],
    ids=["import", "syntax", "exit"],
)
def test_code_that_does_not_start_is_told_with_its_line(
    learner: Learner, source: str, told: list[str]
) -> None:
    own = learner.has(STAGE)
    (own / "app" / "__init__.py").write_text(source, encoding="utf-8")

    status, output = learner.run("check", "1")

    assert status == 1
    assert "to do" not in output, "a list of all behaviours hides the one explanation"
    for words in told:
        assert words in output


@pytest.mark.parametrize("source", ["def broken(:", "1 / 0"])
def test_a_file_has_slashes_in_its_name_on_every_system(source: str) -> None:
    scratch = "C:\\Temp\\강의"
    paths = LearnerPaths(cast(Task, SimpleNamespace(scratch=scratch, stage="01_views")))
    file = scratch + r"\run\stages0\01_views-1\app\__init__.py"
    with pytest.raises((SyntaxError, ZeroDivisionError)) as raised:
        exec(compile(source, file, "exec"))  # noqa: S102

    place = paths.place_of(raised.value)
    assert place is not None and place[:2] == ("app/__init__.py", 1)


def test_an_assertion_without_a_message_is_told_in_its_own_words() -> None:
    """Each in its own, also where the same one failed before."""
    paths = LearnerPaths(cast(Task, SimpleNamespace(scratch="scratch", stage="01_views")))

    def one() -> None:
        assert not [1]

    def other() -> None:
        assert not [2]

    told = []
    for fails in (one, other, one):
        with pytest.raises(AssertionError) as failed:
            fails()
        told.append(describe(failed, [], [], None, paths).expected)

    assert told == ["not [1]", "not [2]", "not [1]"]


def test_code_that_hangs_is_stopped(learner: Learner) -> None:
    own = learner.has(STAGE)
    replace(
        own / "app" / "accounts.py", "    return ACCOUNTS.get(account_id)", "    while True:\n        pass"
    )

    status, output = learner.run("check", "1", limit=2)

    assert status == 1
    assert "Your code did not finish. It was stopped after 2 seconds" in output
    assert "app/accounts.py, line " in output


def test_code_that_ends_the_process_is_told_so_and_the_rest_is_judged(learner: Learner) -> None:
    own = learner.has(STAGE)
    replace(own / "app" / "accounts.py", "    del ACCOUNTS[account.id]", "    import os\n    os._exit(0)")

    status, output = learner.run("check", "1")

    assert status == 1
    assert "Your code ended the whole process" in output
    assert "passed    1  No view is registered" in output


def test_code_that_prints_or_deletes_its_files_is_judged_like_any(learner: Learner) -> None:
    own = learner.has(STAGE)
    before = sorted(path.name for path in (own / "app").iterdir())
    noise = (
        "import os, shutil, sys\nfrom pathlib import Path\n"
        "print('NOISE' * 99); os.write(1, b'NOISE'); sys.stderr.write('NOISE')\n"
        "shutil.rmtree(Path(__file__).parent, ignore_errors=True); shutil.rmtree('app', ignore_errors=True)\n"
    )
    file = own / "app" / "v2.py"
    file.write_text(file.read_text(encoding="utf-8") + noise, encoding="utf-8")

    _, output = learner.run("check", "1")

    assert "NOISE" not in output
    assert "behaviours passed." in output
    assert sorted(path.name for path in (own / "app").iterdir()) == before


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("1", "There is nothing to check yet: begin the chapter with python3 -m course begin 1"),
        ("99", "There is no stage '99'"),
    ],
)
def test_nothing_to_check_is_one_sentence(learner: Learner, key: str, sentence: str) -> None:
    status, output = learner.run("check", key)

    assert status == 1
    assert output.startswith(sentence)
    assert len(output.splitlines()) == 1
