"""Slides: a deck for each chapter in both languages, from the lesson, that fits and opens from a folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
from kit.browser import chromium

from course.paths import ROOT
from course.site.directives.slides import chapters_with_slides

DECKS = [f"{prefix}slides/{number}.html" for prefix in ("", "ko/") for number in chapters_with_slides()]

SLIDES = "[...document.querySelectorAll('.page')].map((page) => page.outerHTML)"
SIZES = "[...document.querySelectorAll('.shown')].map((shown) => parseFloat(shown.style.fontSize || 26))"
#: What is cut off: the number of the slide, and by how much in which direction. And what shows nothing.
CUT_OFF = """() => {
  document.body.classList.add("measured");
  const found = [];
  document.querySelectorAll(".page").forEach((page, at) => {
    const frame = page.querySelector(".slide"), shown = page.querySelector(".shown");
    const parts = [shown, ...shown.querySelectorAll("pre > code")];
    const wide = Math.max(...parts.map((part) => part.scrollWidth - part.clientWidth));
    const high = Math.max(frame.scrollHeight - 720, shown.scrollHeight - shown.clientHeight);
    if (high > 1 || wide > 1 || frame.offsetWidth !== 1280) found.push([at + 1, high, wide]);
    const empty = ![...shown.children].some((part) => part.offsetHeight);
    if (empty && !page.matches(".question")) found.push([at + 1, "empty"]);
  });
  document.body.classList.remove("measured");
  return found;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The system's Chromium."""
    with chromium() as opened:
        yield opened


def open_tab(browser: Any) -> Any:
    """Return a new tab, as large as a slide, that keeps its errors as `problems`."""
    tab = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    tab.problems = []
    tab.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.on("requestfailed", lambda request: tab.problems.append(request.url))
    return tab


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    tab = open_tab(browser)
    yield tab
    tab.context.close()


def open_deck(tab: Any, built_site: tuple[Path, str], deck: str, at: str = "") -> None:
    tab.goto((built_site[0] / deck).as_uri() + at)
    tab.wait_for_selector("body[data-ready]")


class Deck(NamedTuple):
    """A deck as the browser has split and laid it out."""

    slides: list[str]  # the HTML of each, with its notes
    cut_off: list[Any]
    sizes: list[float]  # of the type on each slide, in pixels
    problems: list[str]


@pytest.fixture(scope="module")
def read_deck(browser: Any, built_site: tuple[Path, str]) -> Callable[[str], Deck]:
    """Return a deck; each is opened once."""

    @cache
    def read(deck: str) -> Deck:
        tab = open_tab(browser)
        open_deck(tab, built_site, deck)
        found = Deck(*(tab.evaluate(script) for script in (SLIDES, CUT_OFF, SIZES)), tab.problems)
        tab.context.close()
        return found

    return read


def test_both_languages_have_the_same_slides(read_deck: Callable[[str], Deck]) -> None:
    """The same number, of the same kinds, with the same code."""
    assert len(chapters_with_slides("ko")) == len(chapters_with_slides("en")) >= 6
    for number in chapters_with_slides():
        english, korean = (read_deck(f"{lang}slides/{number}.html").slides for lang in ("", "ko/"))
        kinds = [[re.findall(r'class="page (\w*)', slide) for slide in deck] for deck in (english, korean)]
        assert kinds[0] == kinds[1] and len(kinds[0]) > 20, number
        listings = [
            re.findall(
                r'<span class="filename">([^<]*)</span>',
                re.sub("<aside.*?</aside>", "", "".join(deck), flags=re.S),
            )
            for deck in (english, korean)
        ]
        assert listings[0] == listings[1] and listings[0], number


def test_what_is_projected_is_the_code_of_the_stage(read_deck: Callable[[str], Deck]) -> None:
    """A change of a stage shows: the slide has exactly its lines."""
    projected = "".join(slide.split("<aside")[0] for slide in read_deck("slides/01.html").slides)
    text = unescape(re.sub(r"<[^>]*>", "", projected))
    view = (ROOT / "chapters/01_views_and_blueprints/app/v2.py").read_text(encoding="utf-8")
    for line in view.split("class AccountsView")[1].splitlines()[1:12]:
        assert line.strip() in text, line


@pytest.mark.parametrize("deck", DECKS)
def test_every_block_of_the_lesson_is_on_a_slide_or_in_the_notes(
    built_site: tuple[Path, str], read_deck: Callable[[str], Deck], deck: str
) -> None:
    """Each paragraph, and each line of a listing that is taught, however many slides it takes."""
    lesson = (built_site[0] / deck.replace("slides/", "chapters/")).read_text(encoding="utf-8")
    said = _words("".join(read_deck(deck).slides))

    lesson = re.sub(
        r'<div class="lab-opener.*?</div>', "", lesson.partition("<article")[2].partition("</article>")[0]
    )
    lesson = re.sub(r"<details (?![^>]*data-taught)[^>]*data-folded.*?</details>", "", lesson, flags=re.S)
    paragraphs = re.findall(r"<p>(.*?)</p>", lesson, re.S)
    lines = re.findall(r'data-linenos="[^"]*"></span>(.*)', lesson)
    for diff in re.findall(r'<pre class="diff highlight"[^>]*><code>(.*?)</code>', lesson, re.S):
        lines += re.split("&#10;|\n", diff)
    assert len(paragraphs) > 20 and len(lines) > 50
    assert [text for text in (*paragraphs, *lines) if _words(text) not in said] == []


def _words(html: str) -> str:
    return "".join(unescape(re.sub(r"<[^>]*>", "", html)).split())


@pytest.mark.parametrize("deck", DECKS)
def test_no_part_of_a_listing_is_left_over(read_deck: Callable[[str], Deck], deck: str) -> None:
    """A listing is cut into parts of about the same length: none has only a line or two."""
    for slide in read_deck(deck).slides:
        if "<small>" in slide and 'class="filename"' in slide:
            shown = "".join(re.findall(r"<pre.*?</pre>", slide.split("<aside")[0], re.S)).rstrip()
            of_diff = re.findall(r'<(?:ins|del|span)>|<span class="skip">', shown)
            assert max(shown.count("\n"), len(of_diff)) > 2, slide[:200]


@pytest.mark.parametrize("deck", DECKS)
def test_an_instructor_finds_notes(read_deck: Callable[[str], Deck], deck: str) -> None:
    """The minutes with the first slide; the answer to a question is in the notes, not on the slide."""
    slides = read_deck(deck).slides
    assert "<table>" in slides[0].split("<aside")[1]
    questions = [slide for slide in slides if 'class="page question"' in slide]
    assert len(questions) >= 3
    for slide in questions:
        frame, notes = slide.split("<aside")
        assert re.search(r"<p>.{40}", notes, re.DOTALL) and "<p>" not in frame


@pytest.mark.parametrize("deck", DECKS)
def test_all_that_a_deck_names_is_there(built_site: tuple[Path, str], deck: str) -> None:
    """Its styles, its script and its links: in the folder, and nowhere else."""
    file = built_site[0] / deck
    text = file.read_text(encoding="utf-8")
    for address in re.findall(r'<(?:link|script|img)[^>]* (?:href|src)="([^"]*)"', text):
        assert not re.match(r"\w+:|//", address), address
        assert (file.parent / address).is_file(), address
    for link in re.findall(r'<a href="([^"]*)"', text):
        path, _, anchor = link.partition("#")
        if re.match(r"https?://", link):
            continue
        target = (file.parent / path).resolve()
        assert target.is_file(), link
        assert not anchor or f'id="{unquote(anchor)}"' in target.read_text(encoding="utf-8"), link


@pytest.mark.parametrize("deck", DECKS)
def test_every_slide_fits(read_deck: Callable[[str], Deck], deck: str) -> None:
    """Nothing is cut off at 1280 x 720, and the type is large enough for the last row of seats."""
    found = read_deck(deck)

    assert found.cut_off == []
    assert min(found.sizes) >= 15
    assert found.problems == []


def test_the_keys(built_site: tuple[Path, str], tab: Any) -> None:
    """Arrows turn, the address keeps the place, N shows the notes, D the dark colours."""
    open_deck(tab, built_site, "slides/02.html", "#3")
    shown = "document.querySelector('.page.now').id"

    for key, slide in (("ArrowRight", "4"), ("PageUp", "3"), ("Home", "1"), ("ArrowLeft", "1"), (" ", "2")):
        tab.keyboard.press(key)
        assert tab.evaluate(shown) == slide, key
    assert tab.url.endswith("#2")
    assert not tab.locator(".now .notes").is_visible()
    tab.keyboard.press("n")
    assert tab.locator(".now .notes").is_visible()
    before = tab.evaluate("getComputedStyle(document.querySelector('.now .slide')).backgroundColor")
    tab.keyboard.press("d")
    assert tab.evaluate("getComputedStyle(document.querySelector('.now .slide')).backgroundColor") != before


def test_the_presenter_has_a_window(built_site: tuple[Path, str], tab: Any) -> None:
    """From a folder too: the windows follow each other, and only one shows the notes."""
    open_deck(tab, built_site, "ko/slides/03.html")
    with tab.context.expect_page() as opened:
        tab.keyboard.press("p")
    presenter = opened.value
    presenter.wait_for_selector("body.presenter[data-ready]")

    tab.keyboard.press("ArrowRight")
    presenter.wait_for_function("document.querySelector('.page.now').id === '2'")
    presenter.keyboard.press("ArrowRight")
    tab.wait_for_function("document.querySelector('.page.now').id === '3'")

    assert presenter.locator(".now .notes").is_visible() and presenter.locator(".next .slide").is_visible()
    assert not tab.locator(".now .notes").is_visible()


def test_it_prints_one_slide_a_page(built_site: tuple[Path, str], tab: Any) -> None:
    """As PDF: a page for each slide, as wide as the screen; with notes, pages for them in between.

    A line of a listing is one line on paper too.
    """
    open_deck(tab, built_site, "slides/02.html")
    slides = tab.locator(".page").count()
    tab.evaluate("document.body.classList.add('measured')")
    heights = "[...document.querySelectorAll('.slide pre > code')].map((code) => code.offsetHeight)"
    on_screen = tab.evaluate(heights)
    tab.emulate_media(media="print")
    assert tab.evaluate(heights) == on_screen
    tab.emulate_media(media="null")  # whatever it is used for
    tab.evaluate("document.body.classList.remove('measured')")

    printed = tab.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == slides
    assert set(re.findall(rb"/MediaBox\s*\[([^\]]*)\]", printed)) == {b"0 0 960 540"}  # in points

    tab.keyboard.press("n")
    printed = tab.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) >= 2 * slides
