"""Every behaviour is described in both languages, says why it matters, and has three hints."""

from __future__ import annotations

import re
import tomllib

import pytest

from course import messages
from course.lessons.behaviours import HINTS, Behaviour, behaviours_of
from course.lessons.stages import chapters
from course.messages import LANGUAGES
from course.paths import ROOT

TOLD = [0, *(stage.number for stage in chapters())]
EVERY = [behaviour for number in TOLD for behaviour in behaviours_of(number)]

every_behaviour = pytest.mark.parametrize("behaviour", EVERY, ids=lambda behaviour: behaviour.test)
in_both = pytest.mark.parametrize("lang", LANGUAGES)


@pytest.fixture(autouse=True)
def no_language_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "_chosen", [])


def catalogue(number: int) -> dict:
    return tomllib.loads((HINTS / f"{number:02}.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("number", TOLD)
def test_every_sentence_is_there_in_korean_and_none_is_stale(number: int) -> None:
    """The catalogue repeats the English sentence, so that a change of it points to the Korean one."""
    told = catalogue(number)["sentences"]

    assert {name: text["en"] for name, text in told.items()} == {
        behaviour.function: behaviour.english for behaviour in behaviours_of(number)
    }
    for name, text in told.items():
        assert re.search(r"[가-힣].*다\.( RFC .*\.)?$|[가-힣].*절\.$", text["ko"]), name


@pytest.mark.parametrize("number", TOLD)
def test_a_behaviour_has_one_guidance(number: int) -> None:
    tests = [test for entry in catalogue(number)["guidance"] for test in entry["tests"]]

    assert sorted(tests) == sorted(behaviour.function for behaviour in behaviours_of(number))


@in_both
@every_behaviour
def test_a_behaviour_has_a_reason_three_hints_and_a_place(behaviour: Behaviour, lang: str) -> None:
    messages.choose(lang)

    assert len(behaviour.why) > 20
    assert len(set(behaviour.hints)) == len(behaviour.hints) == 3
    assert behaviour.lesson is not None, "no heading of the lesson has this id"
    title, page, line = behaviour.lesson
    assert (ROOT / page).read_text(encoding="utf-8").splitlines()[line - 1].startswith(f"### {title}")
    if lang == "ko":
        assert all(re.search("[가-힣]", text) for text in (behaviour.why, *behaviour.hints))


@pytest.mark.parametrize("number", TOLD)
def test_behaviours_come_as_the_lesson_comes_to_them(number: int) -> None:
    """So the behaviours of one step of the lesson are next to each other in the list."""
    lines = [behaviour.lesson[2] for behaviour in behaviours_of(number) if behaviour.lesson]

    assert len(set(lines)) > 1
    assert lines == sorted(lines)


@pytest.mark.parametrize("number", TOLD)
def test_korean_uses_the_words_of_the_glossary(number: int) -> None:
    glossary = tomllib.loads((ROOT / "docs" / "glossary.toml").read_text(encoding="utf-8"))["terms"]
    told = (HINTS / f"{number:02}.toml").read_text(encoding="utf-8")
    told += (messages.MESSAGES / "ko.toml").read_text(encoding="utf-8")

    assert [word for term in glossary for word in term.get("not", []) if word in told] == []


def test_the_catalogues_belong_to_chapters() -> None:
    """One for each chapter; it may exist before the chapter does."""
    found = sorted(int(file.stem) for file in HINTS.glob("*.toml"))

    assert found == list(range(len(found)))
    assert set(TOLD) <= set(found)
