"""A reader who uses the lab in a page of the site, and the scenarios that more than one file tests."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from kit.browser import complaints

from course.lessons.faults import Fault, all_faults
from course.lessons.stages import Stage, find_stage

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 100_000  # milliseconds: other tests may keep the machine busy
SHORT_TIMEOUT = 5_000  # once the lab has failed to start, the next tests do not wait as long
#: Keeps the second Python from starting, which it does by itself on a computer with two processors.
ONE_PYTHON = 'Object.defineProperty(navigator, "hardwareConcurrency", { value: 1, configurable: true });'

#: An application for `start` that hangs, crashes, and tries to escape.
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


class Reader:
    """A reader with a page of the site open."""

    timeout = TIMEOUT

    def __init__(self, page: Any, address: str) -> None:
        self.page, self.address = page, address
        self.requested: list[str] = []
        self.complaints = complaints(page)
        page.set_default_timeout(Reader.timeout)
        page.on("request", lambda request: self.requested.append(request.url))

    def visit(self, stage: str, lang: str = "en", fragment: str = "") -> None:
        number = max(1, find_stage(stage).number)
        self.page.goto("about:blank")
        self.page.goto(f"{self.address}/{'ko/' if lang == 'ko' else ''}chapters/{number:02}.html{fragment}")
        self.opener = self.page.locator(f'.lab-opener[data-stage="{stage}"]')
        self.lab = self.page.locator("dialog.lab[open]")

    def open(self, *, ready: bool = True) -> None:
        self.opener.locator("button").click()
        self.lab.wait_for()
        if ready:
            self.wait()

    def wait(self) -> None:
        """Wait until Python is ready for the next request."""
        try:
            self.page.locator('dialog.lab[open][data-engine="ready"]').wait_for()
        except Exception:
            Reader.timeout = SHORT_TIMEOUT
            raise

    def start_over(self) -> None:
        """Discard every change."""
        self.lab.locator('[data-tab="keep"]').click()
        self.lab.locator(".lab-keep button").nth(2).click()
        self.lab.locator(".lab-keep button").nth(3).click()

    def write(self, path: str, text: str) -> None:
        """Replace a file by typing."""
        self.lab.locator(f'[data-path="{path}"]').click()
        self.lab.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)

    def text(self) -> str:
        """Return the text in the editor, as far as it is on the screen."""
        return "\n".join(self.lab.locator(".cm-line").all_inner_texts())

    def send(self, method: str, path: str, body: str = "") -> str:
        """Send a request, and return the status line of the response, or the error shown instead."""
        self.lab.locator('[data-tab="request"]').click()
        self.lab.locator(".lab-request select").first.select_option(method)
        self.lab.locator(".lab-request .lab-line input").fill(path)
        self.lab.locator(".lab-request textarea").last.fill(body)
        return self.press_send()

    def press_send(self) -> str:
        self.lab.locator(".lab-request .lab-primary").click()
        shown = self.lab.locator(".lab-answer").locator(".lab-status strong, .lab-error").first
        shown.wait_for()
        return str(shown.inner_text())

    def press_check(self) -> None:
        self.lab.locator('[data-tab="check"]').click()
        self.lab.locator(".lab-panel:visible .lab-primary").click()

    def check(self) -> dict[str, str]:
        """Check the files, and return the state of each behaviour by its test."""
        self.press_check()
        self.lab.locator(".lab-next .lab-sum, .lab-next .lab-error").first.wait_for()
        return self.results()

    def results(self) -> dict[str, str]:
        """Return the state of each behaviour that is certain, by its test."""
        states = "rows => Object.fromEntries(rows.map((row) => [row.dataset.test, row.dataset.state]))"
        return dict(self.lab.locator("[data-test]").evaluate_all(states))

    def assert_content(self) -> None:
        """Assert that nothing came from elsewhere, and that the browser has not complained."""
        ours = (self.address, "blob:", "data:", "about:")
        assert [url for url in self.requested if not url.startswith(ours)] == []
        assert self.complaints == []


def work_through(reader: Reader, name: str, before: str, lang: str, *, again: bool = True) -> None:
    """Break a stage and reload: it is still broken. Check: red for the right reason. Undo: all green.

    The first missing behaviour is explained at once, the check goes on behind it, and a hint stays open.

    Args:
        before, lang: the languages in which the stage is broken, and in which the rest is done.
        again: check once more after Undo; otherwise the one check has to find all else green.
    """
    stage = find_stage(name)
    path, broken, test = planted(stage)
    reader.visit(name, before)
    assert [url for url in reader.requested if "/lab" in url] == [f"{reader.address}/assets/lab-opener.js"]
    reader.open(ready=False)
    reader.write(path, broken)

    reader.visit(name, lang)
    reader.open()
    reader.lab.locator(f'[data-path="{path}"]').click()
    assert reader.lab.locator(f'[data-path="{path}"] .lab-mark-yours').count() == 1
    reader.press_check()
    reader.lab.locator(".lab-explanation button").last.click()  # a hint
    over = reader.lab.locator(".lab-next .lab-sum")
    assert stage.number < 2 or over.count() == 0, "the check was over before its explanation"
    headline = reader.lab.locator(".lab-explanation h3").inner_text()
    over.wait_for()
    missing = reader.lab.locator('[data-state="failed"]')
    sentences = missing.evaluate_all("rows => rows.map((row) => row.lastChild.textContent.trim())")
    assert any(sentence in headline for sentence in sentences), (headline, sentences)
    assert bool(re.search("[가-힣]{2}", headline)) == (lang == "ko"), headline
    assert reader.lab.locator(".lab-explanation").count() == 1
    assert reader.lab.locator(".lab-explanation dt").count() >= 1
    # When all is known, another behaviour may be nearer to the fault: that one is explained then.
    same = reader.lab.locator(".lab-explanation h3").inner_text() == headline
    assert reader.lab.locator(".lab-explanation .lab-hints li").count() == same
    found = reader.results()
    assert [state for key, state in found.items() if key.startswith(test)] == ["failed"], found
    assert "unknown" not in found.values()

    reader.lab.locator('[data-tab="request"]').click()
    lesson = reader.lab.locator(".lab-lesson .lab-ready")
    if lesson.count():
        lesson.first.click()
        sent = reader.press_send()
        assert re.match(r"[1-5]\d\d ", sent)
    reader.lab.locator(".lab-filebar button").first.click()  # undo my changes
    if again:
        found = reader.check()
        assert set(found.values()) == {"passed"}, [test for test, state in found.items() if state != "passed"]
        assert reader.lab.locator(".lab-done").count() == 1
    else:
        assert list(found.values()).count("failed") <= 3, found
        assert set(found.values()) == {"passed", "failed"}


def planted(stage: Stage) -> tuple[str, str, str]:
    """Return a file with a named fault of the stage in it, and the test that must notice it."""
    if stage.number == 0:
        text = (stage.path / "app.py").read_text(encoding="utf-8")
        return "app.py", text.replace("status=201", "status=200"), "test_00_start.py::test_creating"
    for fault in all_faults():
        changed = set(re.findall(r"^\+\+\+ (\S+)", fault.patch, re.M))
        if fault.stage == stage and len(changed) == 1 and not _needs_threads(fault):
            (path,) = changed
            with TemporaryDirectory() as scratch:
                shutil.copytree(stage.path / "app", Path(scratch, "app"))
                fault.plant(Path(scratch))
                return path, Path(scratch, path).read_text(encoding="utf-8"), fault.caught_by
    raise LookupError(stage.name)


def _needs_threads(fault: Fault) -> bool:
    file, _, name = fault.caught_by.partition("::")
    text = (ROOT / "tests" / file).read_text(encoding="utf-8")
    above = text[: text.index(f"def {name}(")].rpartition("\n\n\n")[2]
    outside = not re.search(r"^\+\+\+ app/\S+\.py$", fault.patch, re.M)
    return "mark.threads" in above or outside


@pytest.fixture
def reader(browser: Any, address: str, site_with_lab: Path) -> Iterator[Reader]:
    """A reader with a browser of their own, in which nothing is stored."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(ONE_PYTHON)
    reader = Reader(context.new_page(), address)
    yield reader
    context.close()
    reader.assert_content()
