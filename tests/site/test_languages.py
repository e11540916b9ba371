"""The two languages have the same pages and the same blocks, and change together."""

from __future__ import annotations

from pathlib import Path

import pytest

from course.site import page as pages
from course.site import pairs
from course.site.page import LANGUAGES, PageError, all_pages


def test_both_languages_have_the_same_pages() -> None:
    assert all_pages("ko") == all_pages("en")


@pytest.mark.parametrize("path", all_pages())
def test_the_languages_move_together(path: str) -> None:
    assert pairs.one_sided(path) + pairs.unrecorded(path) == []


@pytest.mark.parametrize("path", all_pages("ko"))
def test_the_korean_page_uses_the_words_of_the_glossary(path: str) -> None:
    assert pairs.forbidden_words(path) == []


ENGLISH = """\
# Title

A paragraph with a [link](other.md).

## Part {#part}

- one
- two

```http
GET /
```
"""
KOREAN = """\
# 제목

[링크](other.md)가 있는 문단.

## 부분 {#part}

- 하나
- 둘

```http
GET /
```
"""


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of documents with one page in both languages, paired."""
    monkeypatch.setattr(pages, "DOCS", tmp_path)
    monkeypatch.setattr(pairs, "LOCK", tmp_path / "translations.lock")
    for lang, text in (("en", ENGLISH), ("ko", KOREAN)):
        (tmp_path / lang).mkdir()
        (tmp_path / lang / "page.md").write_text(text, encoding="utf-8")
    pairs.record(["page.md"])
    return tmp_path


def change(docs: Path, lang: str, old: str, new: str) -> None:
    file = docs / lang / "page.md"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_pair_is_content(docs: Path) -> None:
    assert pairs.one_sided("page.md") == pairs.unrecorded("page.md") == []


@pytest.mark.parametrize(
    ("lang", "old", "new", "sentence"),
    [
        ("en", "A paragraph", "Another one", 'docs/en/page.md:3: "Another one with a [link](other.md).'),
        ("ko", "문단", "단락", "its English did not"),
        ("en", "- two", "- three", 'docs/en/page.md:7: "- one - three'),
    ],
)
def test_a_block_that_moved_alone_is_named_and_refused(
    docs: Path, lang: str, old: str, new: str, sentence: str
) -> None:
    change(docs, lang, old, new)
    assert len(pairs.one_sided("page.md")) == 1
    assert sentence in pairs.one_sided("page.md")[0]
    with pytest.raises(PageError, match="bring that along"):
        pairs.record(["page.md"])
    pairs.record(["page.md"], allow_one_sided=True)
    assert pairs.one_sided("page.md") == []


def test_blocks_that_moved_together_are_recorded(docs: Path) -> None:
    change(docs, "en", "A paragraph", "Another one")
    change(docs, "ko", "문단", "단락")
    assert pairs.one_sided("page.md") == []
    assert "is new" in pairs.unrecorded("page.md")[0]
    pairs.record(["page.md"])
    assert pairs.unrecorded("page.md") == []


@pytest.mark.parametrize(
    ("lang", "old", "new", "sentence"),
    [
        ("ko", "\n- 둘", "", "'list of 1' is here where docs/en/page.md:7 has 'list of 2'"),
        ("ko", "## 부분 {#part}", "### 부분 {#part}", "'heading 3 {#part}' is here where"),
        ("ko", "{#part}", "{#other}", "'heading 2 {#other}' is here where"),
        ("ko", "GET /", "GET /v1", "'fence http' differs from docs/en/page.md:10: copy it"),
        ("ko", "](other.md)", "](else.md)", "is linked in one language only"),
        ("ko", "```http\nGET /\n```\n", "", "the end is missing: translate 'fence http'"),
        ("en", "```http\nGET /\n```\n", "", "'fence http' is not in English"),
    ],
)
def test_pages_that_differ_in_more_than_words_are_named(
    docs: Path, lang: str, old: str, new: str, sentence: str
) -> None:
    change(docs, lang, old, new)
    with pytest.raises(PageError) as error:
        pairs.compare("page.md")
    assert sentence in str(error.value)


def test_a_heading_needs_an_id(docs: Path) -> None:
    for lang in LANGUAGES:
        change(docs, lang, " {#part}", "")
    with pytest.raises(PageError, match="has no id"):
        pairs.compare("page.md")


def test_the_lock_is_a_line_for_each_pair(docs: Path) -> None:
    lines = pairs.LOCK.read_text(encoding="utf-8").splitlines()
    assert [line.split("  ")[3] for line in lines] == [
        "Title",
        "A paragraph with a [link](other.md).",
        *lines_of(),
    ]


def lines_of() -> list[str]:
    return ["Part part", "- one - two"]


def test_a_forbidden_word_is_named_but_not_in_code(docs: Path) -> None:
    (docs / "glossary.toml").write_text(
        '[[terms]]\nen = "view"\nko = "뷰"\nnot = ["화면 함수"]\n', encoding="utf-8"
    )
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr(pairs, "DOCS", docs)
        change(docs, "ko", "문단", "`화면 함수` 문단")
        assert pairs.forbidden_words("page.md") == []
        change(docs, "ko", "문단", "화면 함수 문단")
        assert "the glossary says 뷰, not 화면 함수" in pairs.forbidden_words("page.md")[0]
