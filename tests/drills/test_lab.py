"""The lab in every stage and both languages, with two Pythons at once, and in Firefox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.browser import chromium
from kit.firefox import firefox
from kit.lab_reader import LOOP, Reader, planted, work_through

from course.lessons.faults import all_faults
from course.lessons.stages import FINAL_NUMBER, all_stages, find_stage

#: Those that tests/site/test_lab.py does not open.
STAGES = [stage.name for stage in all_stages() if stage.number < FINAL_NUMBER and stage.number not in (0, 3)]

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_runs_and_is_judged_in_the_page(reader: Reader, stage: str) -> None:
    """Broken in one language; checked and explained in the other."""
    first, second = ("en", "ko") if find_stage(stage).number % 2 else ("ko", "en")
    work_through(reader, stage, first, second, again=False)


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


def test_two_workers_find_together_what_one_finds_alone(reader: Reader) -> None:
    """The second is started while the reader reads; both are ended by Stop, and work again after it."""
    path, broken, test = planted(find_stage("02"))
    reader.page.add_init_script(COUNT_WORKERS)
    reader.visit("02_factory_and_config")
    reader.open()
    reader.write(path, broken)
    alone = reader.check()
    assert [state for key, state in alone.items() if key.startswith(test)] == ["failed"], alone
    headline = reader.lab.locator(".lab-next .lab-explanation h3").inner_text()
    elsewhere = reader.lab.locator(".lab-elsewhere").count()
    assert reader.page.evaluate("shares") == [[0, 1]]

    for started in (2, 4):
        reader.page.locator(f'html[data-workers="{started}"]').wait_for()
        reader.page.evaluate("shares.length = 0")
        assert reader.check() == alone
        assert reader.page.evaluate("shares") == [[0, 2], [1, 2]]
        assert reader.lab.locator(".lab-next .lab-explanation h3").inner_text() == headline
        assert reader.lab.locator(".lab-elsewhere").count() == elsewhere > 0
        in_order = [test for test in reader.results() if test.startswith("test_02")]
        reader.press_check()
        reader.lab.locator(".lab-results li").nth(8).wait_for()
        so_far = list(reader.results())
        assert so_far == [test for test in in_order if test in so_far]
        reader.lab.locator(".lab-stop").click()
        reader.wait()
        assert "You stopped it" in reader.lab.locator(".lab-next").inner_text()


def test_a_loop_is_ended_and_its_line_shown(reader: Reader) -> None:
    """After ten seconds, by Python itself."""
    reader.visit("start")
    reader.open()
    reader.write("app.py", LOOP)
    reader.send("GET", "/loop")
    error = reader.lab.locator(".lab-error").inner_text()
    assert "10 seconds" in error and re.search("app.py, line [89]", error), error


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


def test_it_works_in_firefox(address: str, site_with_lab: Path) -> None:
    """From a server under the site's policy, and from a folder: a request gets its response."""
    with firefox() as browser:
        for where in (address, site_with_lab.as_uri()):
            browser.visit(f"{where}/chapters/02.html")
            browser.click(".lab-opener button")
            browser.wait("document.querySelector('dialog.lab[data-engine=ready]') !== null")
            browser.click(".lab-request .lab-primary")
            status = browser.wait("document.querySelector('.lab-status, .lab-answer .lab-error')?.innerText")
            assert status.startswith("200 OK"), status
