"""What the browser tests rely on: errors in the console and accessibility problems are noticed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kit.browser import barriers, chromium, complaints


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One for this file."""
    with chromium() as found:
        yield found


GOOD = "<html lang='en'><title>t</title><main><h1>Title</h1><label>Name <input></label></main>"
BARRIERS = {
    "none": (GOOD, None),
    "an input without a name": (GOOD.replace("<label>Name <input></label>", "<input>"), "label"),
    "grey on white": (GOOD.replace("<h1>", "<h1 style='color: #aaa'>"), "color-contrast"),
    "no language": (GOOD.replace(" lang='en'", ""), "html-has-lang"),
}


@pytest.mark.parametrize(("html", "rule"), BARRIERS.values(), ids=BARRIERS)
def test_a_barrier_is_found(browser: Any, html: str, rule: str | None) -> None:
    """Reported by the name of its rule; a page without any reports nothing."""
    with browser.new_context() as context:
        page = context.new_page()
        page.set_content(f"<!doctype html>{html}")
        found = barriers(page)

    assert len(found) == (rule is not None) and all(f"({rule})" in line for line in found), found


COMPLAINTS = {
    "nothing": ("", ""),
    "a script that fails": ("<script>null.name</script>", "error: "),
    "what it logs as an error": ("<script>console.error('broken')</script>", "console: broken"),
    "what a policy forbids": (
        "<meta http-equiv='Content-Security-Policy' content=\"style-src 'none'\"><style>p {}</style>",
        "Content Security Policy",
    ),
}


@pytest.mark.parametrize(("html", "complaint"), COMPLAINTS.values(), ids=COMPLAINTS)
def test_a_complaint_is_heard(browser: Any, html: str, complaint: str) -> None:
    """A page without errors reports nothing."""
    with browser.new_context() as context:
        page = context.new_page()
        heard = complaints(page)
        page.set_content(GOOD + html)

    assert [complaint in line for line in heard] == [True] * bool(complaint), heard
