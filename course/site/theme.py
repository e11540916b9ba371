"""Corrections of what the theme and Markdown write, and listings kept aside while a page is built."""

from __future__ import annotations

import re

from course.site.page import say

#: What the theme and mkdocs.yml write into Korean pages, and what it should be.
_KOREAN = {
    'title="Link to this section"': 'title="이 부분으로 가는 링크"',
    "맨위로": "맨 위로",
    '"언어설정"': '"언어 선택"',
    '"네비게이션"': '"내비게이션"',
    '"상단/헤더"': '"머리말"',
    '"하단/푸터"': '"꼬리말"',
}

_ALTERNATE = re.compile(r'\s*<link rel="alternate" href="[^"]*" hreflang="[^"]*">')
_ANSWER = re.compile(r'<div class="[^"]*\banswer\b.*?</div>', re.DOTALL)
_COMMA = re.compile(r'(<span class="p">[^<]*,</span>)')
_NAME = re.compile(r"(?<!</span>)<code>[^<]*</code>")
_OPTION = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*")
_TEST = re.compile(r'<code class="test">[^<]*</code>')
_REPEATED = re.compile(r'(<div class="(?:tabbed-set |[^"]*\banswer\b)[^"]*")')

_DIFF = re.compile(r'<pre class="diff .*?</pre>')
_LISTING = re.compile(r"<pre(?! data-kept)\b.*?</pre>", re.DOTALL)
_COLOUR = re.compile(r"</?(?!code\b)\w[^>]*>")
_KEPT = re.compile(r'<pre data-kept="(\d+)">.*?</pre>', re.DOTALL)


def keep_diffs(markdown: str, kept: list[str]) -> str:
    """Return a page without the colours of its diffs, which are added to ``kept`` for `put_back`.

    Markdown and the search parse each element of a page, and most elements are the colours of code.
    """
    return _keep(_DIFF, markdown, kept)


def prepare_search(html: str, kept: list[str]) -> str:
    """Return the content of a page for the search: each text once, and listings without colours.

    A request for three programs and its response are not searched. The listings are added to ``kept``.
    """
    return _keep(_LISTING, _REPEATED.sub(r"\1 data-search-exclude", html), kept)


def _keep(pattern: re.Pattern[str], text: str, kept: list[str]) -> str:
    def plain(listing: re.Match[str]) -> str:
        kept.append(listing[0])
        return f'<pre data-kept="{len(kept) - 1}">{_COLOUR.sub("", listing[0])}</pre>'

    return pattern.sub(plain, text)


def put_back(html: str, kept: list[str]) -> str:
    """Return a page with the listings that were kept aside."""
    return _KEPT.sub(lambda place: kept[int(place[1])], html)


def correct(html: str, lang: str) -> str:
    """Return a finished page with what the theme lacks or says wrongly.

    Its script would ask every link to the other language for a sitemap that this site lacks, and the switch
    of languages does not need those links. Its search has no name for a screen reader, and its links to
    sections have one in English alone. A long word may break: the JSON of a response after its commas, the
    name of a test after its underscores. `--option` may not break after its hyphens.
    """
    html = _ALTERNATE.sub("", html)
    name = say("search", lang)
    html = html.replace('role="dialog">', f'role="dialog" aria-label="{name}">', 1)
    for written, meant in _KOREAN.items() if lang == "ko" else ():
        html = html.replace(written, meant)
    html = _NAME.sub(lambda name: _OPTION.sub(r'<span class="whole">\g<0></span>', name[0]), html)
    html = _TEST.sub(lambda name: name[0].replace("_", "_<wbr>"), html)
    return _ANSWER.sub(lambda answer: _COMMA.sub(r"\1<wbr>", answer[0]), html)
