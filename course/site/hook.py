"""The hook that mkdocs.yml names: hands each page to `expand`. The only module that knows mkdocs."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # `mkdocs build` does not put it there; `python -m mkdocs` does
    sys.path.insert(0, str(ROOT))

from mkdocs.exceptions import PluginError  # noqa: E402

from course.site.expand import expand  # noqa: E402
from course.site.pieces import Page, PageError  # noqa: E402

_ANSWER = re.compile(r'<div class="[^"]*\banswer\b.*?</div>', re.DOTALL)
_TEST = re.compile(r'<code class="test">[^<]*</code>')
_COMMA = re.compile(r'(<span class="p">[^<]*,</span>)')
_ALTERNATE = re.compile(r'\s*<link rel="alternate" href="[^"]*" hreflang="[^"]*">')
_CHAPTER = re.compile(r"chapters/0*(\d+)\.md$")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Expand what a page includes."""
    lang, _, path = page.file.src_uri.partition("/")
    # Blank lines for the front matter that mkdocs took off, so that an error names the true line.
    missing = page.file.content_string.count("\n") - markdown.count("\n")
    try:
        return expand("\n" * missing + markdown, Page(path, lang))
    except PageError as error:
        raise PluginError(str(error)) from None


def on_env(env: Any, files: Any, **_: Any) -> Any:
    """Number the chapters in the navigation and in the title of the window."""
    for file in files.documentation_pages():
        chapter = _CHAPTER.search(file.src_uri)
        if chapter and file.page and not str(file.page.title).startswith(f"{chapter[1]}. "):
            file.page.title = f"{chapter[1]}. {file.page.title}"
    return env


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Mend what the theme writes.

    Its script would ask every link to the other language for a sitemap that this lacks, and the switch of
    languages does not need them. Its search has no name for those who listen to the page. And what is one
    long word may break: the JSON of an answer after its commas, the name of a test after its underscores.
    """
    output = _ALTERNATE.sub("", output)
    name = "검색" if page.file.src_uri.startswith("ko/") else "Search"
    output = output.replace('role="dialog">', f'role="dialog" aria-label="{name}">', 1)
    output = _TEST.sub(lambda name: name[0].replace("_", "_<wbr>"), output)
    return _ANSWER.sub(lambda answer: _COMMA.sub(r"\1<wbr>", answer[0]), output)


def on_post_template(output_content: str, template_name: str, **_: Any) -> str:
    """Do the same for the page that says that a page is not there."""
    return _ALTERNATE.sub("", output_content) if template_name == "404.html" else output_content


def on_serve(server: Any, **_: Any) -> Any:
    """Build again when a stage changes, not only when a page does."""
    for name in ("chapters", "final", "course/site"):
        server.watch(str(ROOT / name))
    return server
