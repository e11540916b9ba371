"""Every page is reached from the first one, and from the groups of the navigation."""

from __future__ import annotations

import re

import pytest

from course.site.expand import expand
from course.site.page import LANGUAGES, Page, all_pages


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_first_page_links_to_every_page(lang: str) -> None:
    page = Page("index.md", lang)
    text = expand("<!-- pages -->", page)
    assert set(re.findall(r'href="([^"]+)\.html"', text)) == {
        path.removesuffix(".md") for path in all_pages() if path != "index.md"
    }
    assert "<!-- pages -->" in page.file.read_text(encoding="utf-8")


def test_the_groups_have_a_name_in_both_languages() -> None:
    named = {
        lang: re.findall(r"<b>(.*?)</b>", expand("<!-- pages -->", Page("index.md", lang)))
        for lang in LANGUAGES
    }
    assert named["en"] == ["Start here", "Chapters", "The final service", "Learn more", "Teach"]
    assert len(named["ko"]) == 5
    assert all(re.search("[가-힣]", name) for name in named["ko"])
