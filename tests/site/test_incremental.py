"""A dirty build, as `up` makes one after a save: changed pages are new, all others as they were."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course.setup.environment import environment
from course.site.incremental import complete_index, made_from, read_index

ROOT = Path(__file__).resolve().parents[2]
OLD = {"index.html", "ko/chapters/02.html"}  # pages whose text has changed


@pytest.fixture(scope="module")
def built_again(built_site: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site after a dirty build; before it `OLD` were made stale, and another page was marked."""
    folder = tmp_path_factory.mktemp("again") / "site"
    shutil.copytree(built_site[0], folder)
    for path in OLD:
        page = folder / path
        html = page.read_text(encoding="utf-8")
        page.write_text(re.sub(r'(name="made-from" content=")\w+', r"\1old", html) + "old", encoding="utf-8")
    with (folder / "article.html").open("a", encoding="utf-8") as page:
        page.write("<!-- left alone -->")
    for file in [*(folder / "assets/lab").glob("*/course.bin")]:  # none if the lab cannot be built
        file.parent.rename(file.parent.with_name("former"))
        lesson = folder / "chapters/01.html"
        html = lesson.read_text(encoding="utf-8")
        lesson.write_text(html.replace(file.parent.name, "former"), encoding="utf-8")
    command = [sys.executable, "-m", "mkdocs", "build", "--dirty", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return folder


def test_a_dirty_build_makes_the_same_site(built_site: tuple[Path, str], built_again: Path) -> None:
    """Every file, including search and lab; a page whose text did not change was not touched."""
    untouched = built_again / "article.html"
    assert untouched.read_text(encoding="utf-8").endswith("<!-- left alone -->")
    untouched.write_bytes((built_site[0] / "article.html").read_bytes())

    def files(folder: Path) -> dict[str, bytes]:
        return {
            file.relative_to(folder).as_posix(): file.read_bytes()
            for file in folder.rglob("*")
            if file.is_file() and not file.name.startswith("search_index") and "sitemap" not in file.name
        }

    was, now = files(built_site[0]), files(built_again)
    assert sorted(was) == sorted(now)
    assert [path for path in was if was[path] != now[path]] == []


def test_the_search_still_knows_every_page(built_site: tuple[Path, str], built_again: Path) -> None:
    def by_location(site: Path) -> dict[str, dict[str, str]]:
        entries = read_index(site)
        assert len({entry["location"] for entry in entries}) == len(entries)
        return {entry["location"]: entry for entry in entries}

    assert by_location(built_again) == by_location(built_site[0])
    assert (built_again / "search/search_index.js").read_text(encoding="utf-8").startswith("var __index = {")


def test_a_section_that_is_gone_is_not_found_any_more(tmp_path: Path) -> None:
    """The old sections of a rebuilt page are gone from the index; those of other pages stay."""
    before = [{"location": "a.html#gone", "text": ""}, {"location": "b.html", "text": "b"}]
    (tmp_path / "search").mkdir()
    index = tmp_path / "search/search_index.json"
    index.write_text('{"config": {}, "docs": [{"location": "a.html", "text": "new"}]}', encoding="utf-8")

    complete_index(tmp_path, before)

    assert [entry["location"] for entry in read_index(tmp_path)] == ["b.html", "a.html"]


def test_a_page_that_was_never_built_is_made_from_nothing(tmp_path: Path) -> None:
    assert made_from(tmp_path / "new.html") == ""
