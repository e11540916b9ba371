"""The directives of a page: what each becomes, and the error when it no longer fits."""

from __future__ import annotations

import re

import pytest

from course.site.directives.listings import find_key, find_symbol
from course.site.expand import expand
from course.site.page import Page, PageError

STAGE_02 = "chapters/02_factory_and_config"
PAGE = Page("page.md", "en")


def expanded(markdown: str, lang: str = "en", path: str = "page.md") -> str:
    return expand(markdown, Page(path, lang))


# -- code ------------------------------------------------------------------------------------------


def test_code_shows_a_symbol_with_its_true_line_numbers() -> None:
    shown = expanded(f"<!-- code: {STAGE_02}/app/models.py#Account.to_dict -->").split("\n")
    number = int(re.search(r'linenums="(\d+)"', shown[0])[1])
    source = (PAGE.file.parents[2] / STAGE_02 / "app/models.py").read_text(encoding="utf-8").split("\n")
    assert shown[1] == source[number - 1].strip()
    assert shown[1].startswith("def to_dict")
    assert 'title="02_factory_and_config/app/models.py · Account.to_dict"' in shown[0]


def test_code_without_a_symbol_shows_the_whole_file() -> None:
    shown = expanded(f"<!-- stage: 02 -->\n<!-- code: {STAGE_02}/config.py -->")
    assert 'title="config.py" linenums="1"' in shown
    assert "class ProductionConfig" in shown


def test_code_keeps_the_indentation_of_its_place() -> None:
    shown = expanded(f"- item\n\n    <!-- code: {STAGE_02}/run.py -->").split("\n")
    assert all(line.startswith("    ") for line in shown[2:] if line)


def test_code_marks_the_line_that_holds_a_text() -> None:
    shown = expanded(f'<!-- code: {STAGE_02}/config.py#TestingConfig hl="TESTING" -->').split("\n")
    marked = int(re.search(r'hl_lines="(\d+)"', shown[0])[1])
    assert "TESTING" in shown[marked]


WORKFLOW = """\
on: push
jobs:
  # about one
  one:
    steps:
      - run: a

  # about two
  two: {needs: one}
"""


@pytest.mark.parametrize(
    ("key", "lines"), [("on", (1, 1)), ("jobs", (2, 9)), ("jobs.one", (3, 6)), ("jobs.two", (8, 9))]
)
def test_a_key_of_yaml_has_the_comments_above_it_and_all_below(key: str, lines: tuple[int, int]) -> None:
    assert find_key(WORKFLOW, key) == lines


@pytest.mark.parametrize("key", ["name", "jobs.three", "on.push"])
def test_a_key_that_is_not_in_the_yaml_is_named(key: str) -> None:
    with pytest.raises(LookupError, match=key):
        find_key(WORKFLOW, key)


SOURCE = """\
# about f
@decorate
@twice(1)
def f():
    pass

class C:
    # about x
    x: int = 1

    @property
    def m(self):
        return (
            1
        )

LIMIT = 3
"""


@pytest.mark.parametrize(
    ("symbol", "lines"),
    [("f", (1, 5)), ("C", (7, 15)), ("C.x", (8, 9)), ("C.m", (11, 15)), ("LIMIT", (17, 17))],
)
def test_a_symbol_has_its_decorators_and_its_comments(symbol: str, lines: tuple[int, int]) -> None:
    assert find_symbol(SOURCE, symbol) == lines


# -- step ------------------------------------------------------------------------------------------


def test_a_step_folds_its_long_files_and_all_if_its_page_wants_that() -> None:
    def shown(argument: str) -> str:
        return expanded(f"<!-- step: {argument} -->", path="chapters/01.md")

    assert " open" in shown("1 app/v1.py") and "data-folded" not in shown("1 app/v1.py")
    assert "data-folded" in shown("2 app/accounts.py") and " open" not in shown("2 app/accounts.py")
    assert " open" in shown("4")
    assert "data-folded" in shown("4 folded") and " open" not in shown("4 folded")


# -- diff and tree ---------------------------------------------------------------------------------


def test_diff_shows_every_file_that_a_stage_adds_changes_or_removes() -> None:
    shown = expanded("<!-- diff: start 01 -->")
    summaries = re.findall(r"<summary><code>(.*?)</code> <span class=\"badge (\w+)\"", shown)
    assert ("app.py", "removed") in summaries
    assert ("app/views.py", "added") in summaries
    assert "<del>" in shown and "<ins>" in shown


def test_diff_of_one_file_marks_the_words_that_changed() -> None:
    shown = expanded("<!-- diff: 01 02 app/v2.py -->", lang="ko")
    assert re.search(r'<ins>.*?<span class="[^"]*\bword">current_app</span>', shown)
    assert "변경" in shown
    assert "줄은 그대로" in shown


def test_diff_lays_two_files_side_by_side() -> None:
    folder = "docs/examples"
    shown = expanded(f"<!-- diff: {folder}/contexts.py {folder}/hook_order.py -->")
    assert "<code>contexts.py → hook_order.py</code>" in shown
    assert "<del>" in shown and "<ins>" in shown


def test_tree_marks_what_is_new_and_says_what_each_file_is_for() -> None:
    shown = expanded("<!-- tree: 02 -->")
    assert re.search(r'config\.py</code><span class="badge added">added</span><span>a class for each', shown)
    assert "<code>v1.py</code><span>version 1" in shown


# -- figures and the map ---------------------------------------------------------------------------


@pytest.mark.parametrize(("lang", "word"), [("en", "configuration"), ("ko", "설정")])
def test_figure_speaks_the_language_of_its_page(lang: str, word: str) -> None:
    shown = expanded("<!-- figure: factory -->", lang=lang)
    assert f">{word}</text>" in shown
    assert "{{" not in shown
    assert 'role="img" aria-labelledby="figure-factory-title figure-factory-desc"' in shown
    assert '<desc id="figure-factory-desc">' in shown


def test_stages_links_to_the_chapters_that_are_written() -> None:
    shown = expanded("<!-- stages -->", path="chapters/01.md")
    assert "[Views and blueprints](../chapters/01.md)" in shown


@pytest.mark.parametrize(("lang", "reason"), [("en", "**Version 1 is retired"), ("ko", "**버전 1은 종료")])
def test_superseded_says_what_ends_why_and_what_holds_instead(lang: str, reason: str) -> None:
    shown = expanded("<!-- superseded -->", lang=lang)
    assert reason in shown
    assert "`GET /v1/accounts`" in shown
    assert "`tests/final/test_v1.py::test_version_1_is_gone`" in shown


def test_superseded_misses_a_translation(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    (tmp_path / "superseded.toml").write_text('"no test has this reason" = "없는 말"', encoding="utf-8")
    monkeypatch.setattr("course.site.directives.superseded.DOCS", tmp_path)
    with pytest.raises(PageError, match="translate it"):
        expanded("<!-- superseded -->")


@pytest.mark.parametrize(
    ("lang", "sentence"), [("en", "It turns red when:"), ("ko", "결함을 심으면 실패합니다:")]
)
def test_a_promise_names_its_standard_its_test_and_what_breaks_it(lang: str, sentence: str) -> None:
    shown = expanded("<!-- promises: sessions -->", lang=lang)
    assert "RFC 9700" in shown and f"{sentence} <em>" in shown
    assert '<code class="test">final/test_refresh.py::test_an_old_token_ends_the_session</code>' in shown


@pytest.mark.parametrize(
    ("proof", "sentence"),
    [
        ('test = "final/test_tokens.py::test_gone"', "there is no test final/test_tokens.py::test_gone"),
        ('test = "final/test_gone.py::test_it"', "there is no test final/test_gone.py::test_it"),
        ('fault = "gone"', "there is no fault gone"),
        ("", "nothing proves"),
    ],
)
def test_a_promise_that_nothing_proves_stops_the_build(
    monkeypatch: pytest.MonkeyPatch, tmp_path, proof: str, sentence: str
) -> None:
    text = f'[[part]]\nid = "a"\n[[part.promise]]\nen = "All."\nko = "다."\nstandard = "none"\n{proof}'
    (tmp_path / "promises.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr("course.site.directives.promises.DOCS", tmp_path)
    with pytest.raises(PageError, match=sentence):
        expanded("<!-- promises: a -->")


def test_a_chapter_has_its_number_at_its_title_and_its_minutes_below() -> None:
    for written in ("# Views {#views}", "# 1. Views {#views}"):
        shown = expanded(f"{written}\n\n# no", path="chapters/01.md")
        title, minutes, other = re.split(r"\n\n+", shown)
        assert title == '# Views {#views data-chapter="1" }'
        assert minutes.startswith('<p class="minutes">')
        assert other == "# no"
    assert "minutes" not in expanded("# Another page {#page}", path="article.md")


# -- transcripts -----------------------------------------------------------------------------------

REQUEST = """<!-- stage: 02 -->
```http
PATCH /v2/accounts/{{id}}
Authorization: Bearer {{access_token}}
{"name": "it's 김미나"}
---
HTTP/1.1 200 OK
Content-Type: application/json

{"id":1}
```"""


def test_http_becomes_curl() -> None:
    assert """curl -i -X PATCH "http://127.0.0.1:5000/v2/accounts/$id" \\
      -H "Authorization: Bearer $access_token" \\
      -H 'Content-Type: application/json' \\
      -d '{"name": "it'"'"'s 김미나"}\'""" in expanded(REQUEST)


def test_http_becomes_powershell() -> None:
    assert """Invoke-RestMethod -Method Patch "http://127.0.0.1:5000/v2/accounts/$id" `
      -Headers @{ 'Authorization' = "Bearer $access_token" } `
      -ContentType 'application/json; charset=utf-8' `
      -Body '{"name": "it''s 김미나"}\'""" in expanded(REQUEST)


def test_the_first_use_of_a_field_says_where_it_comes_from() -> None:
    shown = expanded(f"{REQUEST}\n{REQUEST}", lang="ko")
    assert shown.count("    access_token='...'  # 위 응답에서 복사하세요\n") == 1
    assert shown.count("    $access_token = '...'  # 위 응답에서 복사하세요\n") == 1


def test_http_becomes_itself_and_the_answer_follows() -> None:
    shown = expanded(REQUEST)
    assert "    PATCH /v2/accounts/<id> HTTP/1.1\n    Authorization: Bearer <access_token>\n" in shown
    assert shown.endswith(
        '```{ .http .answer }\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n{"id":1}\n```'
    )


def test_console_shows_powershell_where_it_differs() -> None:
    fence = "```console\n$ FLASK_PAGE_SIZE=50 flask routes\nlines\n```"
    shown = expanded(fence)
    assert "    $ FLASK_PAGE_SIZE=50 flask routes\n    lines" in shown
    assert "    PS> $env:FLASK_PAGE_SIZE = '50'; flask routes\n    lines" in shown
    assert expanded("```console\n$ flask routes\n```") == "```{ .console }\n$ flask routes\n```"


def test_console_course_names_the_python_of_each_system() -> None:
    shown = expanded("```console course\n$ python3 -m course up\n```")
    assert "$ python3 -m course up" in shown
    assert "PS> py -m course up" in shown


# -- what no longer fits ---------------------------------------------------------------------------

WRONG = {
    "a file that is gone": (
        "<!-- code: chapters/start/gone.py -->",
        "there is no file chapters/start/gone.py",
    ),
    "a symbol that is gone": (f"<!-- code: {STAGE_02}/config.py#Gone -->", "has no Gone"),
    "a method that is gone": (f"<!-- code: {STAGE_02}/app/models.py#Account.gone -->", "has no Account.gone"),
    "a text that is gone": (f'<!-- code: {STAGE_02}/config.py hl="gone" -->', "has 'gone': highlight one"),
    "a symbol of no Python": (
        "<!-- code: chapters/stages.toml#stages -->",
        "show chapters/stages.toml whole",
    ),
    "no path": ("<!-- code: -->", "code takes a path"),
    "an open quotation mark": (f'<!-- code: {STAGE_02}/config.py hl="x -->', "close its quotation marks"),
    "no such stage": ("<!-- diff: 01 nine -->", "There is no stage 'nine'"),
    "two files, one gone": (
        "<!-- diff: docs/examples/contexts.py docs/examples/gone.py -->",
        "there is no file docs/examples/gone.py",
    ),
    "one stage": ("<!-- diff: 01 -->", "diff takes two stages"),
    "nothing changed": ("<!-- diff: 02 02 -->", "are the same"),
    "a file not changed": ("<!-- diff: 01 02 app/v1.py -->", "does not change app/v1.py"),
    "a picture not drawn": ("<!-- figure: gone -->", "docs/figures/gone.svg is not there"),
    "an unknown directive": ("<!-- listing: app.py -->", "there is no directive 'listing'"),
    "a comment": ("<!-- to do later -->", "this comment is not a directive"),
    "a listing typed by hand": ("```python\nprint()\n```", "show code by <!-- code: ... -->"),
    "a fence without a name": ("```\nprint()\n```", "show code by <!-- code: ... -->"),
    "a fence left open": ("```http\nGET /", "this fence is never closed"),
    "an answer not recorded": ("```http\nGET /\n```", "run python3 -m course.site update"),
    "no request": ("```http\nhello\n```", "begins with a method and a path"),
    "a word at http": ("```http quick\nGET /\n```", "can be fresh, not 'quick'"),
    "output before a command": ("```console\nhello\n```", "begins with a command"),
    "an unknown need": ('```console needs="luck"\n$ python run.py\n```', "there is no need 'luck'"),
    "an empty console": ("```console\n```", "has no command"),
    "a program that is not run": ("```console\n$ rm -rf /\n```", "rm is not run here"),
    "output that is not compared": (
        "```console course\n$ python3 -m course up\nhello\n```",
        "leave its output out",
    ),
    "a command of the course": ("```console course\n$ python3 -m course fly\n```", "the course has no fly"),
    "server with output": ("```console server\n$ docker ps\nnone\n```", "leave its output out"),
    "a command to be run": ("```console course\n$ flask routes\n```", "drop the word course"),
    "a module of the benchmarks": (
        "```console course\n$ python -m benchmarks.gone\n```",
        "there is no benchmarks.gone in final",
    ),
    "a folder that is gone": (
        "```console course\n$ cd chapters/gone\n```",
        "there is no folder chapters/gone",
    ),
    "no such part of the promises": ("<!-- promises: luck -->", "there is no part 'luck' of promises"),
    "a tree in a list": ("- item\n\n    <!-- tree: 02 -->", "cannot be inside a list"),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_build_stops_at(name: str) -> None:
    markdown, sentence = WRONG[name]
    with pytest.raises(PageError) as error:
        expanded("First line.\n\n" + markdown)
    assert sentence in str(error.value)
    assert re.match(r"docs/en/page\.md:[345]: ", str(error.value))


def test_a_tree_fails_over_a_comment_for_a_file_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    comments = {"app.py": {"en": "all", "ko": "전부"}, "gone.py": {"en": "gone", "ko": "없음"}}
    monkeypatch.setattr("course.site.directives.tree.tree_comments", lambda stage: comments)
    with pytest.raises(PageError, match=r"start has no gone\.py: delete its comment"):
        expanded("<!-- tree: start -->")


def test_a_tree_fails_over_a_file_without_a_comment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course.site.directives.tree.tree_comments", lambda stage: {})
    with pytest.raises(PageError, match=r"start/app\.py has no comment: write one"):
        expanded("<!-- tree: start -->")


def test_a_figure_needs_a_text_alternative(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/mute.svg").write_text("<svg ></svg>", encoding="utf-8")
    monkeypatch.setattr("course.site.directives.drawings.DOCS", tmp_path)
    with pytest.raises(PageError, match="no text alternative"):
        expanded("<!-- figure: mute -->")
