"""The lab as a reader uses it: in a true browser, under the policy that the site asks for, in both languages.

By default each stage is opened in one language, in turns; LAB=all opens every stage in both.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from kit.browser import barriers, chromium
from kit.firefox import firefox
from kit.lab_reader import Reader, served

from course.judging.submissions import unpack
from course.lessons.faults import Fault, all_faults
from course.lessons.stages import FINAL_NUMBER, Stage, all_stages, files_of, find_stage
from course.site.lab import bundle as lab_bundle
from course.site.lab import add_openers
from course.site.lab.bundle import SOURCE, NoLab

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("en", "ko")
STAGES = [stage.name for stage in all_stages() if stage.number < FINAL_NUMBER]

pytestmark = pytest.mark.timeout(300)
WITHOUT_NODE = pytest.mark.skipif(
    shutil.which("npm") is None, reason="the lab needs Node and npm: it is not built and not tested here"
)


@pytest.fixture(scope="session")
def site(built_site: tuple[Path, str]) -> Path:
    folder, log = built_site
    assert "without the lab" not in log, log
    return folder


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    with served(site) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def reader(browser: Any, address: str) -> Iterator[Reader]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    reader = Reader(context.new_page(), address)
    yield reader
    context.close()
    assert not [url for url in reader.asked if not url.startswith((address, "blob:", "data:", "about:"))]
    assert reader.complaints == []


def rounds() -> list[tuple[str, str]]:
    """Return which stage is opened in which language."""
    if os.environ.get("LAB") == "all":
        return [(stage, lang) for stage in STAGES for lang in LANGUAGES]
    return [(stage, LANGUAGES[number % 2]) for number, stage in enumerate(STAGES)]


def planted(stage: Stage) -> tuple[str, str, str]:
    """Return a file with a named fault of the stage in it, and the test that must notice it."""
    if stage.number == 0:
        text = (stage.path / "app.py").read_text(encoding="utf-8")
        return "app.py", text.replace("status=201", "status=200"), "test_00_start.py::test_creating"
    for fault in all_faults():
        changed = set(re.findall(r"^\+\+\+ (\S+)", fault.patch, re.M))
        if fault.stage == stage and len(changed) == 1 and not needs_threads(fault):
            (path,) = changed
            with TemporaryDirectory() as scratch:
                shutil.copytree(stage.path / "app", Path(scratch, "app"))
                fault.plant(Path(scratch))
                return path, Path(scratch, path).read_text(encoding="utf-8"), fault.caught_by
    raise LookupError(stage.name)


def needs_threads(fault: Fault) -> bool:
    file, _, name = fault.caught_by.partition("::")
    text = (ROOT / "tests" / file).read_text(encoding="utf-8")
    above = text[: text.index(f"def {name}(")].rpartition("\n\n\n")[2]
    outside = not re.search(r"^\+\+\+ app/\S+\.py$", fault.patch, re.M)
    return "mark.threads" in above or outside


# -- every chapter -----------------------------------------------------------------------------------


@WITHOUT_NODE
@pytest.mark.parametrize(("name", "lang"), rounds())
def test_a_stage_runs_and_is_judged_in_the_page(reader: Reader, name: str, lang: str) -> None:
    """Break it: check is red for the right reason. Reload: it is still broken. Repair it: green."""
    path, broken, test = planted(find_stage(name))
    reader.visit(name, lang)
    assert [url for url in reader.asked if "/lab" in url] == [f"{reader.address}/assets/lab-opener.js"]

    reader.open()
    reader.write(path, broken)
    reader.press_check()  # the first that is missing is explained at once, and nobody waits for the rest
    reader.lab.locator(f'[data-test^="{test}"][data-state="failed"]').wait_for()
    headline = reader.lab.locator(".lab-explanation h3").inner_text()
    missing = reader.lab.locator('[data-state="failed"]')
    sentences = missing.evaluate_all("rows => rows.map((row) => row.lastChild.textContent.trim())")
    assert any(headline.endswith(sentence) for sentence in sentences), (headline, sentences)
    assert bool(re.search("[가-힣]{2}", headline)) == (lang == "ko"), headline
    assert reader.lab.locator(".lab-explanation dt").count() >= 1

    reader.visit(name, lang)
    reader.open()
    lesson = reader.lab.locator(".lab-lesson .lab-ready")
    if lesson.count():
        lesson.first.click()
        assert re.match(r"[1-5]\d\d ", reader.press_send())
    reader.lab.locator(f'[data-path="{path}"]').click()
    assert reader.lab.locator(f'[data-path="{path}"] .lab-mark-yours').count() == 1

    reader.lab.locator(".lab-filebar button").first.click()  # undo my changes
    assert set(reader.check().values()) == {"passed"}
    assert reader.lab.locator(".lab-done").count() == 1


@WITHOUT_NODE
def test_a_check_goes_on_behind_its_first_explanation(reader: Reader) -> None:
    """To the last behaviour, and what has been read meanwhile stays: the hints that were asked for."""
    path, broken, test = planted(find_stage("02"))
    reader.visit("02_factory_and_config")
    reader.open()
    reader.write(path, broken)
    reader.press_check()
    reader.lab.locator(".lab-explanation button", has_text="Hint 1").click()
    assert reader.lab.locator(".lab-next .lab-sum").count() == 0, "the check was over before its explanation"
    reader.lab.locator(".lab-next .lab-sum").wait_for()
    found = reader.results()
    assert [state for key, state in found.items() if key.startswith(test)] == ["failed"], found
    assert "unknown" not in found.values()
    assert reader.lab.locator(".lab-explanation").count() == 1
    assert reader.lab.locator(".lab-explanation .lab-hints li").count() == 1


#: Counts the workers that have started, and keeps which shares of a check they were asked for.
COUNT_WORKERS = """
Object.defineProperty(navigator, "hardwareConcurrency", { value: 2 });
window.shares = [];
let started = 0;
window.Worker = class extends Worker {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data: { id, kind } }) => {
      if (kind === "done" && id === 1) document.documentElement.dataset.workers = ++started;
    });
  }
  postMessage(asked) {
    if (asked.share) shares.push(asked.share);
    super.postMessage(asked);
  }
};
"""


@WITHOUT_NODE
def test_two_workers_find_together_what_one_finds_alone(reader: Reader) -> None:
    """The second is started while the reader reads; both are ended by Stop, and work again after it."""
    path, broken, test = planted(find_stage("02"))
    reader.page.add_init_script(COUNT_WORKERS)
    reader.visit("02_factory_and_config")
    reader.open()
    reader.write(path, broken)
    alone = reader.check()
    assert [state for key, state in alone.items() if key.startswith(test)] == ["failed"], alone
    told = reader.lab.locator(".lab-next .lab-explanation h3").inner_text()
    elsewhere = reader.lab.locator(".lab-elsewhere").count()
    assert reader.page.evaluate("shares") == [[0, 1]]

    for started in (2, 4):
        reader.page.locator(f'html[data-workers="{started}"]').wait_for()
        reader.page.evaluate("shares.length = 0")
        assert reader.check() == alone
        assert reader.page.evaluate("shares") == [[0, 2], [1, 2]]
        assert reader.lab.locator(".lab-next .lab-explanation h3").inner_text() == told
        assert reader.lab.locator(".lab-elsewhere").count() == elsewhere > 0
        in_order = [test for test in reader.results() if test.startswith("test_02")]
        reader.press_check()
        reader.lab.locator(".lab-results li").nth(8).wait_for()
        told_so_far = list(reader.results())
        assert told_so_far == [test for test in in_order if test in told_so_far]
        reader.lab.locator(".lab-stop").click()
        reader.wait()
        assert "You stopped it" in reader.lab.locator(".lab-next").inner_text()


# -- what the lab can do besides --------------------------------------------------------------------


LOOP = """from flask import Flask

app = Flask(__name__)


@app.get("/loop")
def loop():
    while True:
        pass


@app.get("/wait")
def wait():
    import re
    return str(re.match("(a+)+$", "a" * 60 + "b"))


@app.get("/crash")
def crash():
    print("a word before")
    return {}["mina"]


@app.get("/leave")
def leave():
    import js
    return {"fetch": str(getattr(js, "fetch", None)), "sockets": str(getattr(js, "WebSocket", None))}
"""


@WITHOUT_NODE
def test_what_goes_wrong_is_told_by_the_readers_lines(reader: Reader) -> None:
    """An exception, a loop and a file that cannot be read: each with its file and line."""
    reader.visit("start")
    reader.open()
    reader.write("app.py", LOOP)

    assert reader.send("GET", "/crash").startswith("500")
    assert "KeyError: 'mina'" in reader.lab.locator(".lab-error").inner_text()
    assert "app.py, line 21" in reader.lab.locator(".lab-error").inner_text()
    assert "a word before" in reader.lab.locator(".lab-answer").inner_text()
    reader.lab.locator(".lab-place").click()
    assert 'return {}["mina"]' in reader.lab.locator(".lab-marked").inner_text()

    reader.send("GET", "/loop")
    told = reader.lab.locator(".lab-error").inner_text()
    assert "10 seconds" in told and re.search("app.py, line [89]", told), told

    reader.write("app.py", "def app(:\n")
    reader.send("GET", "/")
    told = reader.lab.locator(".lab-error").inner_text()
    assert "SyntaxError" in told and "app.py, line 1" in told, told


@WITHOUT_NODE
def test_what_hangs_where_python_cannot_look_is_ended_by_the_button(reader: Reader) -> None:
    """A regular expression that never ends: Stop ends the worker, and the next request is answered."""
    reader.visit("start")
    reader.open()
    reader.write("app.py", LOOP)
    reader.lab.locator(".lab-request .lab-line input").fill("/wait")
    reader.lab.locator(".lab-request .lab-primary").click()
    reader.lab.locator(".lab-stop").click()
    reader.wait()
    assert "You stopped it" in reader.lab.locator(".lab-answer").inner_text()
    assert reader.send("GET", "/leave") == "200 OK"
    ways = json.loads(reader.lab.locator(".lab-body").inner_text())
    assert set(ways.values()) <= {"None", "undefined", "jsnull"}, ways


@WITHOUT_NODE
def test_a_token_of_a_login_is_offered(reader: Reader) -> None:
    reader.visit("03_view_decorators")
    reader.open()
    account = '{"email": "mina@example.com", "name": "김미나", "password": "a long passphrase of mine"}'
    assert reader.send("POST", "/v2/accounts", account) == "201 CREATED"
    assert reader.send("GET", "/v2/accounts/me") == "401 UNAUTHORIZED"
    assert reader.send("POST", "/v2/auth/login", account) == "200 OK"
    reader.lab.locator(".lab-token select").select_option(index=1)
    assert reader.send("GET", "/v2/accounts/me") == "200 OK"
    assert "김미나" in reader.lab.locator(".lab-body").inner_text()
    assert reader.lab.locator(".lab-history li").count() == 4

    reader.lab.locator("button", has_text="Empty the service").click()
    reader.lab.locator(".lab-request textarea").first.fill("")
    assert reader.send("POST", "/v2/auth/login", account) == "401 UNAUTHORIZED"


@WITHOUT_NODE
def test_the_work_can_be_taken_along_and_handed_on(reader: Reader, tmp_path: Path) -> None:
    """The zip holds what `course check` judges; the link shows another reader the same files."""
    stage = find_stage("04")
    reader.visit(stage.name)
    reader.open()
    reader.write("app/errors.py", "# mine\n")
    reader.lab.locator('[data-tab="keep"]').click()
    with reader.page.expect_download() as download:
        reader.lab.locator(".lab-keep button").first.click()
    assert download.value.suggested_filename == f"{stage.name}.zip"
    zipped = tmp_path / "work.zip"
    download.value.save_as(zipped)
    folder = unpack(zipped)
    assert folder.name == stage.name and files_of(folder).keys() == files_of(stage.path).keys()
    changed = {
        n for n, file in files_of(folder).items() if file.read_bytes() != (stage.path / n).read_bytes()
    }
    assert changed == {"app/errors.py"}

    reader.lab.locator(".lab-keep button").nth(1).click()
    link = reader.lab.locator(".lab-keep input").input_value()
    reader.page.evaluate("localStorage.clear()")
    reader.visit(stage.name, fragment=link[link.index("#") :])
    assert "This link brings" in reader.opener.inner_text()
    assert reader.opener.locator("button").evaluate(
        "(button) => { const { x, y } = button.getBoundingClientRect();"
        " return document.elementFromPoint(x + 9, y + 9) === button; }"
    )  # and is not under the header
    reader.open(ready=False)
    reader.lab.locator('[data-path="app/errors.py"]').click()
    assert reader.text().startswith("# mine")

    reader.lab.locator('[data-tab="keep"]').click()
    reader.lab.locator(".lab-keep button").nth(2).click()
    reader.lab.locator(".lab-keep button").nth(3).click()
    assert reader.lab.locator(".lab-mark-yours").count() == 0


@WITHOUT_NODE
def test_a_chapter_can_be_worked_through_from_its_beginning(reader: Reader) -> None:
    """From the state before: what is to be made is listed, and a comparison shows the way."""
    reader.visit("02_factory_and_config")
    reader.open(ready=False)
    reader.lab.locator('input[value="before"]').check()
    ghost = reader.lab.locator('[data-path="app/extensions.py"]')
    assert "not there" in str(ghost.get_attribute("aria-label"))
    ghost.click()
    reader.lab.locator(".lab-filebar select").select_option("after")
    assert "SQLAlchemy" in reader.lab.locator(".cm-deletedChunk").first.inner_text()
    reader.lab.locator('input[value="after"]').check()
    assert reader.lab.locator(".lab-mark-yours").count() == 0


@WITHOUT_NODE
def test_the_readers_own_tests_are_graded(reader: Reader) -> None:
    """Chapter 6: the chapter's tests catch its faults, and tests that look at nothing catch none."""
    stage = find_stage("06")
    faults = [fault for fault in all_faults() if fault.stage == stage]
    reader.visit(stage.name)
    reader.open()
    for path in ("tests/test_with_pytest.py", "tests/test_with_unittest.py"):
        reader.write(path, "def test_nothing() -> None:\n    pass\n")
    reader.lab.locator('[data-tab="grade"]').click()
    reader.lab.locator(".lab-panel:visible .lab-primary").click()
    reader.lab.locator(".lab-panel:visible .lab-sum").wait_for()
    rows = reader.lab.locator(".lab-panel:visible [data-state]").all()
    assert [row.get_attribute("data-state") for row in rows] == ["failed"] * len(faults)
    assert faults[0].text["en"] in rows[0].inner_text()


@WITHOUT_NODE
def test_it_opens_from_a_folder(browser: Any, site: Path) -> None:
    """By `file://`, where a page may fetch nothing."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    reader = Reader(context.new_page(), site.as_uri())
    reader.visit("01_views_and_blueprints", "ko")
    reader.open()
    assert reader.send("GET", "/v1/accounts") == "200 OK"
    assert not [url for url in reader.asked if not url.startswith(("file:", "blob:", "data:", "about:"))]
    assert reader.complaints == []
    context.close()


@WITHOUT_NODE
def test_it_works_in_firefox(address: str, site: Path) -> None:
    """From a server under the site's policy, and from a folder: a request is answered."""
    with firefox() as browser:
        for where in (address, site.as_uri()):
            browser.visit(f"{where}/chapters/02.html")
            browser.click(".lab-opener button")
            browser.wait("document.querySelector('dialog.lab[data-engine=ready]') !== null")
            browser.click(".lab-request .lab-primary")
            told = browser.wait("document.querySelector('.lab-status, .lab-answer .lab-error')?.innerText")
            assert told.startswith("200 OK"), told


@WITHOUT_NODE
@pytest.mark.parametrize("width", [1280, 390])
def test_everybody_can_use_it(browser: Any, address: str, width: int) -> None:
    """By the keyboard alone, on a phone, and with nothing serious for those who listen to it."""
    context = browser.new_context(viewport={"width": width, "height": 844})
    reader = Reader(context.new_page(), address)
    reader.visit("05_request_hooks", "ko")
    reader.opener.locator("button").focus()
    reader.page.keyboard.press("Enter")
    reader.lab = reader.page.locator("dialog.lab[open]")
    reader.wait()
    reader.lab.locator(".lab-ready").first.focus()
    reader.page.keyboard.press("Enter")
    reader.page.keyboard.press("Enter")
    reader.lab.locator(".lab-status").wait_for()
    reader.lab.locator('[data-tab="request"]').focus()
    reader.page.keyboard.press("ArrowRight")
    assert reader.lab.locator('[data-tab="check"]').get_attribute("aria-selected") == "true"
    assert reader.page.evaluate("document.querySelector('dialog.lab').scrollWidth") <= width

    if width > 760:  # a comparison has buttons of its own
        reader.lab.locator(".lab-filebar select").select_option("before")
        reader.lab.locator('[data-path="app/__init__.py"]').click()
        reader.lab.locator(".lab-take").first.wait_for()
    for scheme in ("default", "slate"):
        reader.page.evaluate(f"document.body.setAttribute('data-md-color-scheme', '{scheme}')")
        for tab in ("request", "check", "keep"):
            reader.lab.locator(f'[data-tab="{tab}"]').click()
            assert barriers(reader.page, without=".md-container") == [], (scheme, tab)
    reader.page.keyboard.press("Escape")
    assert reader.page.locator("dialog.lab[open]").count() == 0
    context.close()


@WITHOUT_NODE
def test_a_browser_that_cannot_run_it_says_so(reader: Reader) -> None:
    reader.page.add_init_script("delete window.WebAssembly")
    reader.visit("01_views_and_blueprints")
    assert "cannot run the lab" in reader.opener.inner_text()
    assert not reader.opener.locator("button").is_visible()


# -- without a browser -------------------------------------------------------------------------------


def test_without_node_the_pages_are_complete(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lab_bundle, "CACHE", tmp_path)
    monkeypatch.setattr(lab_bundle, "CARRIED", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoLab, match="is not here"):
        lab_bundle.build_bundle()
    page = '<p>before</p><div data-lab="03_view_decorators"></div><p>after</p></body>'
    assert add_openers(page, "chapters/03.html", None) == "<p>before</p><p>after</p></body>"


def test_both_languages_say_the_same() -> None:
    """No message is missing in one language, both have the same places, and each is said somewhere."""
    en, ko = (tomllib.loads((SOURCE / "messages" / f"{lang}.toml").read_text("utf-8")) for lang in LANGUAGES)
    flat = {f"{table}.{name}": text for table in en for name, text in en[table].items()}
    assert flat.keys() == {f"{table}.{name}" for table in ko for name in ko[table]}
    for key, text in flat.items():
        table, _, name = key.partition(".")
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", ko[table][name])), key

    code = "".join(file.read_text(encoding="utf-8") for file in (SOURCE / "src").glob("*.js"))
    said = set(re.findall(r"[\"`](\w+\.\w+)[\"`]", code)) & flat.keys()
    tables = {f"{table}." for table in re.findall(r"say\(`(\w+)\.\$", code)}
    assert {key for key in flat if key not in said and f"{key.split('.')[0]}." not in tables} <= {
        key for key in flat if key.startswith("opener.")
    }
    assert set(re.findall(r"say\(\"([\w.]+)\"", code)) <= flat.keys()


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    from course.errors import Failure

    (tmp_path / "work.zip").write_text("no zip")
    with pytest.raises(Failure, match="is not a zip of one chapter"):
        unpack(tmp_path / "work.zip")
