"""The lab in a browser, under the policy that the site asks for: two stages, and everything a page can do.

Every stage in both languages, two Pythons at once and Firefox are in tests/drills/test_lab.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.browser import barriers, chromium
from kit.changed import LAB, unless_changed
from kit.lab_reader import LOOP, ONE_PYTHON, Reader, work_through

from course.judging.submissions import find_submission
from course.lessons.own_files import own_files
from course.lessons.stages import find_stage
from course.lessons.steps import names_of, state_after

pytestmark = [pytest.mark.timeout(300), *unless_changed(LAB)]

START, DECORATORS = ("start", "en"), ("03_view_decorators", "ko")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def readers(browser: Any, address: str, site_with_lab: Path) -> Iterator[Callable[[str, str], Reader]]:
    """Readers by stage and language, each with a page for several tests: Python takes seconds to start."""
    known: dict[tuple[str, str], Reader] = {}

    def reader_of(stage: str, lang: str) -> Reader:
        if (stage, lang) not in known:
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            context.add_init_script(ONE_PYTHON)
            known[stage, lang] = Reader(context.new_page(), address)
        return known[stage, lang]

    yield reader_of
    for reader in known.values():
        reader.page.context.close()


@pytest.fixture
def opened(readers: Callable[[str, str], Reader], request: pytest.FixtureRequest) -> Iterator[Reader]:
    """The lab of a stage, open, with the files of the course; `indirect` says which."""
    reader = readers(*request.param)
    if not reader.requested:
        reader.visit(*request.param)
        reader.open()
    reader.start_over()
    reader.lab.locator('[data-tab="request"]').click()
    yield reader
    reader.assert_content()


@pytest.mark.parametrize(("stage", "lang"), [START, DECORATORS])
def test_a_stage_runs_and_is_judged_in_the_page(
    readers: Callable[[str, str], Reader], stage: str, lang: str
) -> None:
    """Broken, checked, explained and repaired."""
    reader = readers(stage, lang)
    work_through(reader, stage, lang, lang)
    reader.assert_content()


@pytest.mark.parametrize("opened", [START], indirect=True)
def test_what_goes_wrong_is_told_by_the_readers_lines(opened: Reader) -> None:
    """An exception and a file that cannot be read: each with its file and line."""
    opened.write("app.py", LOOP)

    assert opened.send("GET", "/crash").startswith("500")
    assert "KeyError: 'mina'" in opened.lab.locator(".lab-error").inner_text()
    assert "app.py, line 21" in opened.lab.locator(".lab-error").inner_text()
    assert "a word before" in opened.lab.locator(".lab-answer").inner_text()
    opened.lab.locator(".lab-place").click()
    assert 'return {}["mina"]' in opened.lab.locator(".lab-marked").inner_text()

    opened.write("app.py", "def app(:\n")
    opened.send("GET", "/")
    told = opened.lab.locator(".lab-error").inner_text()
    assert "SyntaxError" in told and "app.py, line 1" in told, told


@pytest.mark.parametrize("opened", [START], indirect=True)
def test_what_hangs_where_python_cannot_look_is_ended_by_the_button(opened: Reader) -> None:
    """A regular expression that never ends: Stop ends the worker, and the next request works."""
    opened.write("app.py", LOOP)
    opened.lab.locator(".lab-request .lab-line input").fill("/wait")
    opened.lab.locator(".lab-request .lab-primary").click()
    opened.lab.locator(".lab-stop").click()
    opened.wait()
    assert "You stopped it" in opened.lab.locator(".lab-answer").inner_text()
    assert opened.send("GET", "/leave") == "200 OK"
    ways = json.loads(opened.lab.locator(".lab-body").inner_text())
    assert set(ways.values()) <= {"None", "undefined", "jsnull"}, ways


@pytest.mark.parametrize("opened", [DECORATORS], indirect=True)
def test_a_token_of_a_login_is_offered(opened: Reader) -> None:
    empty = opened.lab.locator(".lab-request ~ .lab-note .lab-button")
    empty.click()
    opened.lab.locator(".lab-request textarea").first.fill("")
    account = '{"email": "mina@example.com", "name": "김미나", "password": "a long passphrase of mine"}'
    assert opened.send("POST", "/v2/accounts", account) == "201 CREATED"
    assert opened.send("GET", "/v2/accounts/me") == "401 UNAUTHORIZED"
    assert opened.send("POST", "/v2/auth/login", account) == "200 OK"
    opened.lab.locator(".lab-token select").select_option(index=1)
    assert opened.send("GET", "/v2/accounts/me") == "200 OK"
    assert "김미나" in opened.lab.locator(".lab-body").inner_text()
    assert opened.lab.locator(".lab-history li").count() >= 4

    empty.click()
    opened.lab.locator(".lab-request textarea").first.fill("")
    assert opened.send("POST", "/v2/auth/login", account) == "401 UNAUTHORIZED"


@pytest.mark.parametrize("opened", [DECORATORS], indirect=True)
def test_a_chapter_can_be_worked_through_from_its_beginning(opened: Reader) -> None:
    """From the state before: new files are listed, and a comparison shows what to write."""
    opened.lab.locator(".lab-starts select").select_option("before")
    ghost = opened.lab.locator('[data-path="app/decorators/access.py"]')
    assert "아직 없는 파일" in str(ghost.get_attribute("aria-label"))
    ghost.click()
    opened.lab.locator(".lab-filebar select").select_option("after")
    assert "def " in opened.lab.locator(".cm-deletedChunk").first.inner_text()
    opened.lab.locator(".lab-starts select").select_option("after")
    assert opened.lab.locator(".lab-mark-yours").count() == 0


@pytest.mark.parametrize("opened", [DECORATORS], indirect=True)
def test_the_work_can_begin_at_any_step(opened: Reader) -> None:
    """The files are those of the state after the step, and what a reader changes there stays there."""
    starts = opened.lab.locator(".lab-starts select")
    after = state_after(find_stage("03"), 2)
    starts.select_option("step2")
    opened.lab.locator('[data-path="app/decorators/bodies.py"]').click()
    assert opened.text().split() == after["app/decorators/bodies.py"].split()
    assert opened.lab.locator("[data-path]:not(.lab-absent)").count() == len(after)

    opened.write("app/decorators/bodies.py", "# mine\n")
    starts.select_option("step3")
    assert "# mine" not in opened.text() and opened.lab.locator(".lab-mark-yours").count() == 0
    starts.select_option("step2")
    assert opened.text().startswith("# mine")
    opened.lab.locator(".lab-filebar button").first.click()  # undo my changes
    starts.select_option("after")


@pytest.mark.parametrize("opened", [DECORATORS], indirect=True)
def test_everybody_can_use_it(opened: Reader) -> None:
    """With the keyboard alone, on a phone, and without serious problems for screen readers."""
    page, lab = opened.page, opened.lab
    lab.locator(".lab-close").click()
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        opened.opener.locator("button").focus()
        page.keyboard.press("Enter")
        lab.locator('[data-tab="request"]').click()
        lab.locator(".lab-ready").first.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        lab.locator(".lab-status").wait_for()
        lab.locator('[data-tab="request"]').focus()
        page.keyboard.press("ArrowRight")
        assert lab.locator('[data-tab="check"]').get_attribute("aria-selected") == "true"
        assert page.evaluate("document.querySelector('dialog.lab').scrollWidth") <= width

        if width > 760:  # a comparison has buttons of its own
            lab.locator(".lab-filebar select").select_option("before")
            lab.locator('[data-path="app/__init__.py"]').click()
            lab.locator(".lab-take").first.wait_for()
        for scheme in ("default", "slate"):
            page.evaluate(f"document.body.setAttribute('data-md-color-scheme', '{scheme}')")
            for tab in ("request", "check", "keep"):
                lab.locator(f'[data-tab="{tab}"]').click()
                assert barriers(page, without=".md-container") == [], (width, scheme, tab)
        page.keyboard.press("Escape")
        assert lab.count() == 0
    opened.opener.locator("button").click()


@pytest.mark.parametrize("opened", [DECORATORS], indirect=True)
def test_the_work_can_be_taken_along_and_handed_on(opened: Reader, tmp_path: Path) -> None:
    """The zip holds what `course check` judges; the link shows another reader the same files."""
    stage = find_stage("03")
    opened.write("app/decorators/access.py", "# mine\n")
    opened.lab.locator('[data-tab="keep"]').click()
    with opened.page.expect_download() as download:
        opened.lab.locator(".lab-keep button").first.click()
    assert download.value.suggested_filename == f"{stage.name}.zip"
    zipped = tmp_path / "work.zip"
    download.value.save_as(zipped)
    _, folder = find_submission(str(zipped))
    assert folder.name == stage.name and sorted(own_files(folder)) == sorted(names_of(stage.path))
    changed = {
        n for n, file in own_files(folder).items() if file.read_bytes() != (stage.path / n).read_bytes()
    }
    assert changed == {"app/decorators/access.py"}

    opened.lab.locator(".lab-keep button").nth(1).click()
    link = opened.lab.locator(".lab-keep input").input_value()
    opened.page.evaluate("localStorage.clear()")
    opened.visit(stage.name, "ko", fragment=link[link.index("#") :])
    assert "누군가 고친 파일" in opened.opener.inner_text()
    assert opened.opener.locator("button").evaluate(
        "(button) => { const { x, y } = button.getBoundingClientRect();"
        " return document.elementFromPoint(x + 9, y + 9) === button; }"
    )  # and is not under the header
    opened.open(ready=False)
    opened.lab.locator('[data-path="app/decorators/access.py"]').click()
    assert opened.text().startswith("# mine")

    opened.lab.locator('[data-tab="keep"]').click()
    opened.lab.locator(".lab-keep button").nth(2).click()
    opened.lab.locator(".lab-keep button").nth(3).click()
    assert opened.lab.locator(".lab-mark-yours").count() == 0


def test_it_opens_from_a_folder(browser: Any, site_with_lab: Path) -> None:
    """By `file://`, where a page cannot fetch anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(ONE_PYTHON)
    reader = Reader(context.new_page(), site_with_lab.as_uri())
    reader.visit("01_views_and_blueprints", "ko")
    reader.open()
    assert reader.send("GET", "/v1/accounts") == "200 OK"
    context.close()
    reader.assert_content()


def test_a_browser_that_cannot_run_it_says_so(reader: Reader) -> None:
    reader.page.add_init_script("delete window.WebAssembly")
    reader.visit("01_views_and_blueprints")
    assert "cannot run the lab" in reader.opener.inner_text()
    assert not reader.opener.locator("button").is_visible()


class Tab:
    """A tab of one browser with the lab of `start` open; its Python need not be ready."""

    def __init__(self, context: Any, address: str, lang: str = "en") -> None:
        self.reader = Reader(context.new_page(), address)
        self.reader.visit("start", lang)
        self.reader.open(ready=False)
        self.notice = self.reader.lab.locator("[data-state].lab-offer")

    def type(self, text: str) -> None:
        self.reader.write("app.py", text)

    @property
    def stored(self) -> str:
        """What this browser keeps of app.py."""
        kept = self.reader.page.evaluate("localStorage.getItem('effective-flask-lab:start')")
        return str(json.loads(kept)["edits"]["after"]["app.py"])


@pytest.fixture
def context(browser: Any, site_with_lab: Path) -> Iterator[Any]:
    opened = browser.new_context(viewport={"width": 1280, "height": 900})
    opened.add_init_script(ONE_PYTHON)
    yield opened
    opened.close()


def test_two_tabs_of_one_chapter_overwrite_nothing(context: Any, address: str) -> None:
    """The later one is told, each can take over with either's files, and the other is told at once."""
    first = Tab(context, address)
    first.type("# first\n")
    second = Tab(context, address)
    second.notice.wait_for()
    assert "open in another tab" in second.notice.inner_text()
    assert second.reader.lab.locator(".lab-bench[inert]").count() == 1
    assert first.notice.is_hidden()

    second.notice.locator("button").nth(0).click()  # with the files of the other tab
    first.notice.wait_for()
    second.notice.wait_for(state="hidden")
    assert second.reader.text().startswith("# first")
    second.type("# second\n")
    assert second.stored == "# second\n"

    first.notice.locator("button").nth(1).click()  # with its own files
    second.notice.wait_for()
    assert first.stored == "# first\n"
    second.notice.locator("button").nth(1).click()
    first.notice.wait_for()
    assert second.stored == "# second\n"


def test_a_tab_that_slept_overwrites_nothing_either(context: Any, address: str) -> None:
    """It has heard nothing of the other, and finds what that has stored."""
    tab = Tab(context, address)
    tab.type("# mine\n")
    tab.reader.page.evaluate(
        """() => {
            const key = "effective-flask-lab:start", kept = JSON.parse(localStorage.getItem(key));
            kept.edits.after["app.py"] = "# theirs\\n";
            localStorage.setItem(key, JSON.stringify(kept));
        }"""
    )

    tab.type("# mine again\n")

    tab.notice.wait_for()
    assert tab.stored == "# theirs\n"


def test_a_tab_alone_is_left_alone(context: Any, address: str) -> None:
    """After a reload, and beside a tab with another chapter or with a lab that was closed with its page."""
    first = Tab(context, address)
    first.type("# mine\n")
    other = Reader(context.new_page(), address)
    other.visit("01_views_and_blueprints")
    other.open(ready=False)
    first.reader.page.close()

    again = Tab(context, address)

    assert again.reader.lab.locator(".lab-bench:not([inert])").count() == 1
    assert again.notice.is_hidden() and again.stored == "# mine\n"
    assert other.lab.locator(".lab-bench:not([inert])").count() == 1


NO_STORAGE = {
    "refused": "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no'); } });",
    "without space": "Storage.prototype.setItem = () => { throw new DOMException('full'); };",
}


@pytest.mark.parametrize("refusal", NO_STORAGE)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_browser_that_keeps_nothing_is_named_at_once(
    context: Any, address: str, refusal: str, lang: str, tmp_path: Path
) -> None:
    context.add_init_script(NO_STORAGE[refusal])
    tab = Tab(context, address, lang)

    assert ("keeps nothing" if lang == "en" else "저장하지 않습니다") in tab.notice.inner_text()
    tab.type("# mine\n")
    assert tab.notice.is_visible()
    if (refusal, lang) == ("refused", "en"):
        tab.reader.wait()
        with tab.reader.page.expect_download() as download:
            tab.notice.locator("button").click()
        download.value.save_as(tmp_path / "start.zip")
        _, folder = find_submission(str(tmp_path / "start.zip"))
        assert (folder / "app.py").read_text(encoding="utf-8") == "# mine\n"
