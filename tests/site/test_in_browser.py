"""The pages in a browser: small, accessible, on a phone, in the dark, on paper, and found by the search."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.browser import barriers, chromium, complaints
from kit.changed import unless_changed

from course.site.page import DOCS, all_pages

PAGES = [f"{prefix}{path.replace('.md', '.html')}" for prefix in ("", "ko/") for path in all_pages()]
#: Two pages that are looked at in every run, and the files that make the others look otherwise, too.
ALWAYS = {"article.html", "chapters/03.html", "ko/chapters/03.html"}
LOOKS = ("docs/assets/", "course/site/", "mkdocs.yml", "requirements.txt", "tests/kit/", "tests/site/")
#: Thousands of coloured words, which the last test here checks faster.
COLOURED = "pre code"
#: A page looks the same in both languages, so its colours and sizes are tested in English.
KOREAN = "ko/"
HEAVIEST = 300_000  # bytes of a page and all it loads, compressed as every host of pages does


def unless_page_changed(path: str) -> list[pytest.MarkDecorator]:
    """Return the mark of a page that looks as it did: neither it nor the code of its chapter differs."""
    chapter = re.search(r"chapters/(\d\d)", path)
    begins = (*LOOKS, f"chapters/{chapter[1]}_") if chapter else LOOKS
    page = path if path.startswith(KOREAN) else f"en/{path}"
    return [] if path in ALWAYS else unless_changed(begins, (f"docs/{page.replace('.html', '.md')}",))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def tab(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A tab of a reader who wants no motion; `indirect` has the reader's other settings."""
    context = browser.new_context(reduced_motion="reduce", **getattr(request, "param", {}))
    yield context.new_page()
    context.close()


WEIGHTS: dict[str, int] = {}  # the weights of what every page loads, measured once


def weight(answer: Any) -> int:
    """Return the bytes of a response, compressed."""
    if answer.url not in WEIGHTS:
        WEIGHTS[answer.url] = len(gzip.compress(answer.body()))
    return WEIGHTS[answer.url]


WIDE_AND_LIGHT = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}
NARROW_AND_DARK = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
#: What a printed lesson must not have: folded answers, listings wider than the paper, and tools to click.
ON_PAPER = """() => {
  const shown = (element) => element.checkVisibility({contentVisibilityAuto: true});
  const all = (selector) => [...document.querySelectorAll(selector)];
  const tools = ".md-sidebar, .md-header, .md-footer, .md-code__nav, .lab-opener";
  return {
    folded: all("article details:not(.file-diff) > :not(summary)").filter((part) => !shown(part)).length,
    cut: all("article pre > code").filter((code) => shown(code) && code.scrollWidth > code.clientWidth + 1)
      .map((code) => code.textContent.slice(0, 60)),
    useless: all(tools).filter(shown).length,
    diffs: all(".file-diff[data-folded] > pre").filter(shown).length,
    paper: getComputedStyle(document.body).getPropertyValue("--paper").trim(),
  };
}"""


@pytest.mark.parametrize("path", [pytest.param(path, marks=unless_page_changed(path)) for path in PAGES])
@pytest.mark.parametrize("tab", [WIDE_AND_LIGHT], indirect=True, ids=["one visit"])
def test_a_page_on_every_screen_and_on_paper(tab: Any, address: str, path: str) -> None:
    """Wide and light, narrow and dark, and a lesson on paper, in one visit: loading a page is expensive.

    All that it loads comes from the site, and is small; axe finds nothing serious; on a phone nothing is
    wider than the screen; a lesson is printed with its answers unfolded, its listings whole, black on white.
    """
    loaded: dict[str, int] = {}
    tab.on("response", lambda answer: loaded.update({answer.url: weight(answer)}))
    heard = complaints(tab)

    tab.goto(f"{address}/{path}")

    assert barriers(tab, without=COLOURED, looks=False if path.startswith(KOREAN) else None) == []
    assert {url for url in loaded if not url.startswith((address, "data:"))} == set()
    assert sum(loaded.values()) < HEAVIEST, loaded
    assert not any("search_index" in url for url in loaded)

    tab.locator("[data-md-component=palette] label:visible").click()
    tab.set_viewport_size(NARROW_AND_DARK["viewport"])
    assert tab.evaluate("document.body.dataset.mdColorScheme") == "slate"
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    assert path.startswith(KOREAN) or barriers(tab, without=COLOURED, looks=True) == []

    if "chapters/" in path:
        tab.set_viewport_size({"width": 680, "height": 960})  # A4 less its margins
        tab.emulate_media(media="print")
        tab.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        printed = tab.evaluate(ON_PAPER)
        assert printed == {"folded": 0, "cut": [], "useless": 0, "diffs": 0, "paper": "#fbf9f4"}
    assert heard == []


@pytest.mark.parametrize("path", ["index.html", "ko/index.html", "chapters/03.html", "ko/chapters/03.html"])
@pytest.mark.parametrize("tab", [NARROW_AND_DARK], indirect=True, ids=["narrow and dark"])
def test_a_page_from_a_folder_is_dark_where_the_system_is(
    tab: Any, built_site: tuple[Path, str], path: str
) -> None:
    """By `file://`, as a pack is opened."""
    heard = complaints(tab)
    tab.goto((built_site[0] / path).as_uri())

    assert tab.evaluate("document.body.dataset.mdColorScheme") == "slate"
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    assert heard == []


EMPTY = "() => !document.querySelector('.md-search-result__item')"
#: The results are there, or the page says that there are none.
SEARCHED = """() => document.querySelector(".md-search-result__item")
  || /No matching|없습니다/.test(document.querySelector(".md-search-result__meta").textContent)"""


def search(tab: Any, words: str) -> set[str]:
    """Return the addresses that the search of the open page finds, of its first ten results."""
    tab.keyboard.press("/")
    type_into_search(tab, "", until=EMPTY)  # or what was found before would be taken for the results
    type_into_search(tab, words, until=SEARCHED)
    links = tab.eval_on_selector_all(".md-search-result__link", "all => all.map(one => one.href)")
    return {re.sub(r"[?#].*", "", link) for link in links}


def type_into_search(tab: Any, words: str, until: str) -> None:
    tab.fill("input[name=query]", words)
    # What a Korean input method sends at the end, and `fill` does not.
    tab.evaluate("document.querySelector('input[name=query]').dispatchEvent(new Event('keyup'))")
    tab.wait_for_function(until, timeout=10_000)


SAME = {
    "블루프린트": ["블루프린트를", "블루프린트에서는"],
    "뷰": ["뷰를", "뷰가", "뷰에서"],
    "훅": ["훅을", "훅과"],
    "앱": ["앱을", "앱이"],
    "비밀 키": ["비밀키", "비밀키를"],
    "에러 핸들러": ["에러핸들러", "에러핸들러가"],
}


@pytest.mark.parametrize("place", ["server", "folder"])
def test_korean_is_found_whatever_particle_it_has(
    tab: Any, address: str, built_site: tuple[Path, str], place: str
) -> None:
    """뷰를 finds what 뷰 finds, and 비밀키 what 비밀 키 finds: Korean pages that have the words."""
    start = f"{address if place == 'server' else built_site[0].as_uri()}/"
    tab.goto(f"{start}ko/index.html")

    for words, others in SAME.items():
        found = search(tab, words)
        assert found, words
        for other in others if place == "server" else others[:1]:
            assert search(tab, other) == found, other
        for link in found:
            page = link.removeprefix(start)
            text = (built_site[0] / page).read_text(encoding="utf-8")
            assert page.startswith("ko/"), page
            assert any(word in text for word in words.split()), page
    assert f"{start}ko/chapters/01.html" in search(tab, "블루프린트를")


def test_a_whole_word_that_ends_like_a_particle_is_not_cut(tab: Any, address: str) -> None:
    """경로 is not 경 and a particle, 결과 is not 결 and one."""
    tab.goto(f"{address}/ko/index.html")
    for words in ("경로", "결과"):
        search(tab, words)
        marked = tab.eval_on_selector_all(".md-search-result mark", "all => all.map(one => one.textContent)")
        assert marked
        assert all(words in mark for mark in marked), marked


def test_the_search_stays_in_the_language_of_the_page(tab: Any, address: str) -> None:
    """`create_app` is on pages of both languages."""
    for lang in ("", "ko/"):
        tab.goto(f"{address}/{lang}index.html")
        found = {link.removeprefix(f"{address}/") for link in search(tab, "create_app")}
        assert f"{lang}chapters/02.html" in found
        assert all(path.startswith("ko/") == bool(lang) for path in found), found


def test_the_keyboard_is_enough(tab: Any, address: str) -> None:
    """The first Tab offers to skip the navigation, and the focus is visible."""
    tab.goto(f"{address}/chapters/01.html")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.matches('.md-skip')")

    tab.keyboard.press("Enter")
    tab.keyboard.press("Tab")

    inside, outline = tab.evaluate(
        "[document.querySelector('article').contains(document.activeElement),"
        " getComputedStyle(document.activeElement).outlineStyle]"
    )
    assert inside and outline != "none"


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb`` as WCAG 2.2 defines it."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["default", "slate"])
def test_every_colour_of_code_can_be_read_where_it_may_stand(scheme: str) -> None:
    """In a listing and in a diff, also on the changed words: at least 4.5 to 1 (WCAG 1.4.3)."""
    css = (DOCS / "assets/extra.css").read_text(encoding="utf-8")
    colours: dict[str, str] = {}
    for name in ("default", scheme):  # the dark scheme defines only what differs
        block = css[css.index(f'[data-md-color-scheme="{name}"] {{') :].partition("}")[0]
        colours |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    inks = [name for name in colours if name.startswith("md-code-hl-") and name.endswith("-color")]
    for ink in (name for name in [*inks, "ink"] if name != "md-code-hl-color"):
        for paper in ("md-code-bg-color", "add-wash", "add-word", "del-wash", "del-word"):
            dark, bright = sorted((luminance(colours[ink]), luminance(colours[paper])))
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, f"{ink} on {paper}"
