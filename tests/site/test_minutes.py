"""How long a page takes: what counts, and what does not."""

from __future__ import annotations

import pytest

from course.lessons.stages import all_stages, find_stage
from course.site.directives.slides import chapters_with_slides
from course.site.expand import TIMED, expand
from course.site.page import LANGUAGES, Page
from course.site.reading import Amount, amount_of, lines_to_type, minutes_to_type

LISTING = '```python title="app.py" linenums="1"\n' + "x = 1\n" * 10 + "```\n"
TRANSCRIPT = "```{ .console }\n$ flask routes\n" + "line\n" * 24 + "```\n"


@pytest.mark.parametrize(
    ("lang", "markdown"),
    [
        ("en", "word " * 220),
        ("ko", "낱말 " * 187),
        ("en", LISTING),
        ("ko", TRANSCRIPT),
    ],
    ids=["220 words", "187 Korean words", "10 lines of code", "25 lines of a transcript"],
)
def test_this_is_a_minute(lang: str, markdown: str) -> None:
    assert amount_of(markdown).minutes(lang) == 1
    assert amount_of("\n\n".join([markdown] * 7)).minutes(lang) == 7


@pytest.mark.parametrize(
    "markdown",
    [
        '??? example "All of it"\n    ' + LISTING.replace("\n", "\n    "),
        "## For instructors {#instructors}\n\nSay this.",
        '<details class="file-diff" id="a" data-folded data-search-exclude><pre>x&#10;y</pre></details>',
        '<figure class="figure"><svg><text>words in a picture</text></svg></figure>',
        '```python title="app.py"\n\n\n```',
        "|---|---:|",
        f'<div class="translation" markdown="1">\n\n{LISTING}\n\n</div>',
    ],
    ids=[
        "a folded box",
        "what instructors read",
        "a folded diff",
        "a picture",
        "blank lines",
        "a rule",
        "a translation",
    ],
)
def test_this_takes_no_time(markdown: str) -> None:
    assert amount_of(markdown) == Amount()


def test_a_request_is_read_in_one_of_its_tabs() -> None:
    tabs = "".join(
        f'=== "{name}"\n\n    ```bash\n    curl -i x\n    ```\n\n'.replace('=== "curl"', '===! "curl"')
        for name in ("curl", "PowerShell", "HTTP")
    )
    assert amount_of(tabs).transcript == 1


def test_links_count_as_their_words_and_answers_of_questions_are_read() -> None:
    assert amount_of("See [this page](a/long/address.md#part).").prose == 3
    assert amount_of('??? question "Why?"\n    For this reason.').prose == 5


def test_the_new_lines_of_an_unfolded_diff_are_code() -> None:
    lines = "<span>x</span>&#10;<del>y</del>&#10;<ins>z</ins>&#10;<ins>w</ins>"
    markdown = f'<details class="file-diff" id="a" open data-search-exclude><pre>{lines}</pre></details>'
    assert amount_of(markdown) == Amount(code=2)


def test_chapter_1_is_typed_from_nothing() -> None:
    """So its lines to type are all those of its files that are not blank."""
    folder = find_stage("01").path
    lines = [line for file in folder.rglob("*.py") for line in file.read_text("utf-8").splitlines()]
    assert lines_to_type("01") == sum(bool(line.strip()) for line in lines)
    assert minutes_to_type(20, 60) == 30


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("path", [*TIMED, *(f"chapters/{n}.md" for n in chapters_with_slides())])
def test_a_page_says_its_minutes_below_its_title(path: str, lang: str) -> None:
    page = Page(path, lang)
    markdown = expand(page.file.read_text(encoding="utf-8"), page)
    title, rest = next((a, b) for a, b in [markdown.split("\n\n", 1)])
    assert title.lstrip().startswith("# ")
    said = rest.split("\n")[0]
    assert said.startswith('<p class="minutes">')
    assert str(amount_of(markdown.replace(said, "")).minutes(lang)) in said


def test_the_table_of_instructors_has_every_chapter() -> None:
    page = Page("instructors.md", "en")
    table = expand("<!-- minutes -->", page)
    assert table.count("chapters/") == len([stage for stage in all_stages() if 1 <= stage.number <= 7])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_path_through_the_final_code_takes_about_twenty_minutes(lang: str) -> None:
    page = Page("final-code.md", lang)
    markdown = expand(page.file.read_text(encoding="utf-8"), page)
    path = markdown[markdown.index("{#path}") : markdown.index("{#made}")]
    assert 15 <= amount_of(path).minutes(lang) <= 22
