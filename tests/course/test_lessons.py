"""Every behaviour is described in both languages, says why it matters, and has three hints."""

from __future__ import annotations

import re
import tomllib

import pytest

from course import messages
from course.judging.mistakes import MISTAKES
from course.lessons.behaviours import HINTS, Behaviour, added_by_steps, behaviours_of
from course.lessons.sections import section, sections
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
    lesson = section(behaviour.number, behaviour.anchor)
    assert lesson is not None, "no heading of the lesson has this id"
    heading = f"\n### {lesson.title} {{#{lesson.anchor}}}\n"
    assert heading in (ROOT / lesson.page).read_text(encoding="utf-8")
    if lang == "ko":
        assert all(re.search("[가-힣]", text) for text in (behaviour.why, *behaviour.hints))


@pytest.mark.parametrize("number", TOLD)
def test_behaviours_come_as_the_lesson_comes_to_them(number: int) -> None:
    """So the behaviours of one step of the lesson are next to each other in the list."""
    anchors = [found.anchor for found in sections(number)]
    places = [anchors.index(behaviour.anchor) for behaviour in behaviours_of(number)]

    assert len(set(places)) > 1
    assert places == sorted(places)


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


@in_both
def test_a_step_that_a_mistake_or_a_hint_names_is_the_one_of_the_page(
    lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`step 7 of chapter 2` is said where the lesson's step 7 is what the sentence is about."""
    monkeypatch.setattr(messages, "_chosen", [lang])
    entries = tomllib.loads(MISTAKES.read_text(encoding="utf-8"))["mistakes"]
    told = {entry["name"]: entry[lang] for entry in entries}
    told |= {
        f"{number} {entry['tests'][0]}": " ".join([entry[lang]["why"], *entry[lang]["hints"]])
        for number in TOLD
        for entry in catalogue(number)["guidance"]
    }
    named = {
        name: {(int(a or d), int(b or c)) for a, b, c, d in NAMED_STEP.findall(text)}
        for name, text in told.items()
        if re.search(r"\bsteps? \d|\d ?단계", text)
    }

    assert named == {
        "no_command_yet": {(2, step("create-admin", 2))},
        "no_login_yet": {(2, step("login", 2))},
        "no_handler_yet": {(4, step("exceptions", 4))},
    }


#: `step 7 of chapter 2`, `2장 7단계`
NAMED_STEP = re.compile(r"(?:(\d)장 (\d)단계)|step (\d) of chapter (\d)")


def step(anchor: str, number: int) -> int:
    """Return the number that a step has on the page."""
    found = section(number, anchor)
    assert found is not None and found.step is not None
    return found.step


@pytest.mark.parametrize("number", TOLD)
def test_what_a_step_adds_is_added_by_a_step_of_the_lesson(number: int) -> None:
    for name, anchor in added_by_steps(number).items():
        assert step(anchor, number), name
