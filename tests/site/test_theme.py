"""Listings that are kept aside while a page is built, and what is corrected in a finished page."""

from __future__ import annotations

from course.site import theme

DIFF = '<details class="file-diff"><pre class="diff highlight"><code><del>a</del></code></pre></details>'
LISTING = (
    '<pre><span></span><code><span class="k">def</span> f():\n    <span class="k">pass</span>\n</code></pre>'
)


def test_a_listing_comes_back_as_it_was() -> None:
    """In its place, after Markdown and the search have processed only its text."""
    kept: list[str] = []
    page = theme.keep_diffs(f"text\n{DIFF}\nmore", kept)
    page = theme.prepare_search(f"{page}{LISTING}{LISTING.replace('f()', 'g()')}", kept)

    assert "<span" not in page and "<del" not in page
    assert "<code>def f():\n    pass\n</code>" in page
    assert theme.put_back(page, kept) == f"text\n{DIFF}\nmore{LISTING}{LISTING.replace('f()', 'g()')}"


def test_a_request_and_its_answer_are_not_searched() -> None:
    """The page says a request three times, for three programs; its response explains nothing."""
    tabs, answer = '<div class="tabbed-set tabbed-alternate">', '<div class="language-http answer highlight">'
    html = theme.prepare_search(f"<p>text</p>{tabs}</div>{answer}</div>", [])

    assert html.count(" data-search-exclude>") == 2 and "<p>text</p>" in html


def test_names_break_where_a_reader_expects_it() -> None:
    """A test after its underscores, an option not at all."""
    html = theme.correct('<code class="test">test_a_b</code> <code>run --again</code>', "en")

    assert '<code class="test">test_<wbr>a_<wbr>b</code>' in html
    assert '<code>run <span class="whole">--again</span></code>' in html
