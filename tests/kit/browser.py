"""A real browser for the tests: the system's Chromium, its errors, and the accessibility of a page.

A file of tests opens one browser, in a fixture of its own, and each test a context in it, which knows nothing
of the others. Not one browser for the whole run, because its thread has an event loop while it is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from course.setup.browser import find_chromium

if TYPE_CHECKING:  # a learner who runs the tests of a chapter has no playwright
    from playwright.sync_api import Browser, Page

HOW = "no Chromium here: install one or name it with the variable CHROMIUM"
#: The rules of WCAG 2.2 up to level AA, and what axe recommends besides.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: The rules that another theme or width can break in the same document.
LOOKS = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]


#: Without a graphics card Chromium imitates one, which costs a third of a test's processor time.
PLAIN = ("--no-sandbox", "--disable-gpu", "--disable-software-rasterizer", "--disable-gpu-rasterization")


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """Open the browser; if there is none, the test is skipped.

    Args:
        arguments: further arguments, `--host-resolver-rules=...` for example.
    """
    program = find_chromium()
    if program is None:
        pytest.skip(HOW)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*PLAIN, *arguments])
        yield browser
        browser.close()


def complaints(page: Page) -> list[str]:
    """Return a list that collects the errors that the browser reports on ``page`` from now on.

    Errors of scripts, violations of a policy (CSP), and missing files. A response of 400 or more to
    `fetch` does not count: a page may expect it, and tell its user.
    """
    heard: list[str] = []
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    page.on(
        "console",
        lambda message: (
            heard.append(f"console: {message.text}")
            if message.type == "error" and "Failed to load resource" not in message.text
            else None
        ),
    )
    page.on(
        "response",
        lambda answer: (
            heard.append(f"{answer.status}: {answer.url}")
            if answer.status >= 400 and answer.request.resource_type != "fetch"
            else None
        ),
    )
    return heard


def barriers(page: Page, *, without: str = "", looks: bool | None = None) -> list[str]:
    """Return the accessibility problems of ``page``, a line for each that axe calls serious or critical.

    Args:
        without: a selector of what is left out, because another test covers it.
        looks: True checks only what a theme or a width can break, False everything else.
    """
    from axe_playwright_python.sync_playwright import Axe

    asked = {"type": "rule", "values": LOOKS} if looks else {"type": "tag", "values": RULES}
    left_out = {rule: {"enabled": False} for rule in LOOKS} if looks is False else {}
    options = {"resultTypes": ["violations"], "runOnly": asked, "rules": left_out, "preload": False}
    context = {"exclude": [[without]]} if without else None
    # The list of pages is scrolled to the page that is shown, and a link that is cut counts as too small.
    page.evaluate("document.querySelectorAll('.md-sidebar__scrollwrap').forEach((e) => e.scrollTo(0, 0))")
    axe = Axe()
    if page.evaluate("!window.axe"):  # half a megabyte
        page.evaluate(axe.axe_script)
    found = page.evaluate("([where, how]) => axe.run(where ?? document, how)", [context, options])[
        "violations"
    ]
    return [
        f"{violation['impact']}: {violation['help']} ({violation['id']}): {node['html'][:200]}"
        for violation in found
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]
