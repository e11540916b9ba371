"""`score` counts right: a small stage with known mutants, and tests that notice a known part of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from strength import scoring
from strength.harness import CAN_FORK, WINDOWS
from strength.mutants import mutants_of
from strength.scoring import Score, Subject, score_subject, subject_of

from course.errors import Failure
from course.lessons.scores import reasons
from course.lessons.stages import all_stages

CODE = '''
"""A tiny stage."""

LIMIT = 3


def allowed(count: int) -> bool:
    """Whether so many are allowed."""
    if count < 0:
        raise ValueError("a count is not negative")
    return count < LIMIT


def until(end: int) -> int:
    number = 0
    while number < end:
        number += 1
    return number


def unused(name):
    return print(name, end="!")
'''

TESTS = """
import importlib.util
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def stage(request):
    spec = importlib.util.spec_from_file_location("planted", request.param[2] / "app" / "limits.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("stage", [("tiny", 1, HERE / "tiny"), ("other", 2, HERE / "none")], indirect=True)
def test_two_are_allowed(stage):
    assert stage.allowed(2)
    assert not stage.allowed(4)


@pytest.mark.parametrize("stage", [("tiny", 1, HERE / "tiny")], indirect=True)
def test_until(stage):
    assert stage.until(3) == 3
"""

#: Nothing asks for a negative count, for exactly the limit or for no end, or calls the last function.
SURVIVORS = [
    "app/limits.py top: 3  ->  4",
    "app/limits.py allowed: count < 0  ->  count <= 0",
    "app/limits.py allowed: 0  ->  1",
    "app/limits.py allowed: raise ValueError('a count is not negative')  ->  pass",
    "app/limits.py allowed: count < LIMIT  ->  count <= LIMIT",
    "app/limits.py until: 0  ->  1",
    "app/limits.py unused: return print(name, end='!')  ->  return None",
    "app/limits.py unused: print(name, end='!')  ->  print(name)",
    "app/limits.py unused: '!'  ->  'XX!XX'",
]

CHANGES_NOTHING = "app/limits.py allowed: 0  ->  1"  # suppose so
KILLED = "app/limits.py until: number < end  ->  number <= end"


def score(folder: Path, tests: str) -> Score:
    """Score the tiny stage by ``tests``."""
    (folder / "tiny" / "app").mkdir(parents=True, exist_ok=True)
    (folder / "tiny" / "app" / "limits.py").write_text(CODE, encoding="utf-8")
    (folder / "test_tiny.py").write_text(tests, encoding="utf-8")
    apart = folder / "apart"  # has hooks of its own, as the tests of final have
    apart.mkdir(exist_ok=True)
    (apart / "conftest.py").write_text("def pytest_runtest_logreport(): pass\n", encoding="utf-8")
    (apart / "test_apart.py").write_text("def test_nothing(): pass\n", encoding="utf-8")
    mutants = mutants_of("app/limits.py", CODE)
    equivalent = frozenset([CHANGES_NOTHING, KILLED])
    subject = Subject("tiny", folder / "tiny", [folder / "test_tiny.py", apart], mutants, [], equivalent)
    return score_subject(subject, folder / "records.jsonl", jobs=2)


@pytest.fixture(autouse=True)
def short_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "LIMIT", 1)


forks = pytest.mark.skipif(not CAN_FORK, reason=WINDOWS)


@forks
def test_a_small_stage_gets_the_score_that_it_has(tmp_path: Path) -> None:
    """Mutants that the tests miss survive, endless ones are stopped, equivalent ones are not counted."""
    found = score(tmp_path, TESTS)

    assert found.survivors == [key for key in SURVIVORS if key != CHANGES_NOTHING]
    assert found.equivalent == 1
    assert found.wrongly_listed == [KILLED]
    assert found.stopped == 2  # the loop counts down, or not at all
    assert found.killed + found.stopped + len(SURVIVORS) == found.mutants


@forks
def test_a_run_goes_on_where_it_was(tmp_path: Path) -> None:
    """A record is valid until its code or its test changes; a survivor is tried again if any test changes."""
    first = score(tmp_path, TESTS)
    records = tmp_path / "records.jsonl"

    def entries() -> list[dict[str, str]]:
        return [json.loads(line) for line in records.read_text(encoding="utf-8").splitlines()]

    def tried_again(tests: str) -> set[str]:
        """Score by ``tests``, and return what was tried; earlier results come first in the records."""
        known = len({entry["key"] for entry in entries()})
        assert score(tmp_path, tests).survivors == first.survivors
        return {entry["key"] for entry in entries()[known:]}

    survived = {entry["key"] for entry in entries() if not entry["killer"]}
    until = {entry["key"] for entry in entries() if "test_until" in entry["killer"]}
    assert tried_again(TESTS) == set()
    assert tried_again(TESTS + "\n\ndef test_more():\n    pass\n") == survived
    changed = TESTS.replace("until(3) == 3", "until(3) == 3 and stage.until(1) == 1")
    assert tried_again(changed) == survived | until

    *judged, last = records.read_text(encoding="utf-8").splitlines()
    records.write_text("\n".join([*judged, last[: len(last) // 2]]), encoding="utf-8")  # it was interrupted
    score(tmp_path, changed)
    assert entries()[-1]["key"] == json.loads(last)["key"]


@forks
def test_red_tests_score_nothing(tmp_path: Path) -> None:
    """If the right code is red every mutant would be, so the command says so instead of counting."""
    with pytest.raises(Failure, match=r"test_until\[stage0\] is red on the right code"):
        score(tmp_path, TESTS.replace("until(3) == 3", "until(3) == 2"))


OPERATORS = {
    "x = a < b": ["a <= b", "a >= b"],
    "x = a <= b < c": ["a < b < c", "a > b < c", "a <= b <= c", "a <= b >= c"],
    "x = a and not b": ["a or not b", "not b", "a", "b"],
    "x = a + 1": ["a - 1", "2"],
    "x = True": ["False"],
    "x = 'name'": ["'XXnameXX'"],
    "x = 'some prose'": [],
    "x = f(help='some prose')": [],
    "if TYPE_CHECKING:\n    from a import B": [],
    "x: Literal['name']": [],
    "__all__ = ['name']": [],
    "x = f(a, *b, c=d, **e)": ["f(a, *b, **e)", "f(a, *b, c=d)"],
    "f()": ["pass"],
    "a.b = c": ["pass"],
    "a.b: int = c": ["pass"],
    "x = a if b else c": ["a if not b else c"],
    "x = [a for a in b if c]": ["for a in b if not c"],
    "for a in b:\n    break": ["for a in ():", "pass"],
    "with a:\n    b = c": ["if True:"],
    "with a as b:\n    c = d": [],
    "try:\n    a = b\nexcept C:\n    raise": ["except ():", "pass"],
    "try:\n    a = b\nexcept (C, D):\n    a = c": ["except (D,):", "except (C,):"],
    "@a\n@b\ndef f():\n    return c": ["", "", "return None"],
    "class A:\n    b = c\n    d: int = e": ["pass", "pass"],
}


@pytest.mark.parametrize(("code", "changed"), OPERATORS.items(), ids=OPERATORS)
def test_an_operator_changes_one_thing(code: str, changed: list[str]) -> None:
    """Each construct has these mutants and no others: all are Python, and each has a name of its own."""
    mutants = mutants_of("x.py", code)

    assert [mutant.new for mutant in mutants] == changed
    assert len({mutant.key for mutant in mutants}) == len(mutants)
    for mutant in mutants:
        compile(mutant.code(), "x.py", "exec")


def test_what_is_listed_as_equivalent_exists() -> None:
    """Every mutant listed as equivalent exists: when its code goes, so must its entry."""
    named = {stage.name: {mutant.key for mutant in subject_of(stage).mutants} for stage in all_stages()[1:]}

    for reason in reasons():
        there = set().union(*(named[stage.name] for stage in all_stages()[1:] if reason.holds_for(stage)))
        assert set(reason.mutants) - there == set(), (
            "no such mutant: python3 -m course score names those there are"
        )
        assert reason.text["en"].endswith(".") and reason.text["ko"].endswith(("다.", "요."))
