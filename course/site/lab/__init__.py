"""The lab in the site: a button on the page of each chapter, and the files that it loads into the browser.

`<!-- lab: 03 -->` becomes the button. Where the lab cannot be built, the page is complete without it.
"""

from __future__ import annotations

import base64
import re
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Literal

from course.lessons.stages import FINAL_NUMBER, find_stage
from course.site.lab.bundle import SOURCE, build_bundle
from course.site.lab.stages import course_files, key_of
from course.site.page import Page, Piece

FOLDER = "assets/lab"
PARTS = ("worker.js", "python.bin", "stdlib.bin", "packages.bin")  # of the bundle, what only the worker needs

_OPENER = re.compile(r'<div data-lab="([^"]+)"></div>')


def opener(page: Page, piece: Piece) -> str:
    """Return the place of the button; `add_openers` puts it there if there is a lab."""
    stage = find_stage(piece.argument)
    if stage.number == FINAL_NUMBER:
        raise page.error(piece.line, "the final service is not in the lab: name a chapter, or start")
    return f'\n<div data-lab="{stage.name}"></div>\n'


@dataclass(frozen=True)
class Lab:
    """The lab, built: the folder that seldom changes, and the files that change with the course."""

    bundle: Path
    course: dict[str, bytes]

    @property
    def parts(self) -> dict[str, int]:
        """The files that a browser downloads when the lab is opened: bytes by the path below `FOLDER`."""
        sizes = {f"{self.bundle.name}/{name}": (self.bundle / name).stat().st_size for name in PARTS}
        return sizes | {f"{key_of(self.course)}/course.bin": len(self.course["course.bin"])}

    def loaded_by(self, stage: str) -> list[str]:
        """Return what the button of a stage loads first, by the path below `FOLDER`."""
        seldom, course = self.bundle.name, key_of(self.course)
        return [f"{seldom}/lab.css", f"{seldom}/lab.js", f"{course}/parts.js", f"{course}/{stage}.js"]

    @property
    def size(self) -> int:
        """Bytes of all that opening one stage downloads."""
        page = sum((self.bundle / name).stat().st_size for name in ("lab.css", "lab.js"))
        return page + sum(self.parts.values()) + max(map(len, self.course.values()))


def build_lab() -> Lab:
    """Return the lab, built if it is not there yet.

    Raises:
        NoLab: it cannot be built here.
    """
    return Lab(build_bundle(), course_files())


def add_openers(html: str, path: str, lab: Lab | Literal["coming"] | None) -> str:
    """Return a page with buttons at the places that `opener` has left; without them if there is no lab.

    Args:
        path: of the page, from the root of the site.
        lab: "coming" while its bundle is being built.
    """
    if lab is None:
        return _OPENER.sub("", html)
    root = "../" * path.count("/")
    lang = "ko" if path.startswith("ko/") else "en"
    messages = _messages(lang)
    if lab == "coming":
        return _OPENER.sub(f'<div class="lab-opener"><p>{escape(messages["coming"])}</p></div>', html)
    size = f"{lab.size / 1e6:.0f}"

    def button(place: re.Match[str]) -> str:
        data = {"stage": place[1], "where": f"{root}{FOLDER}/", "load": " ".join(lab.loaded_by(place[1]))}
        data |= {name: messages[name] for name in ("shared", "unable", "failed")}
        attributes = "".join(f' data-{name}="{escape(text)}"' for name, text in data.items())
        stage = find_stage(place[1])
        label = messages["open"].format(title=stage.title[lang])
        return (
            f'<div class="lab-opener"{attributes}>'
            f'<button type="button" class="md-button md-button--primary" hidden>{escape(label)}</button>'
            f"<p>{escape(messages['size'].format(size=size))}</p></div>"
        )

    html, count = _OPENER.subn(button, html)
    script = f'<script src="{root}assets/lab-opener.js"></script></body>'
    return html.replace("</body>", script) if count else html


def write_lab(lab: Lab, site: Path) -> None:
    """Put the lab into a built site, each part also as a script: a page of a folder can fetch nothing.

    Pages of an earlier build that are still there get this lab instead of theirs.
    """
    seldom, course = lab.bundle.name, key_of(lab.course)
    former = [folder.name for folder in (site / FOLDER).glob("*") if folder.name not in (seldom, course)]
    _write_new(site / FOLDER / course, lambda folder: _write_course(lab, folder))
    _write_new(site / FOLDER / seldom, lambda folder: _write_bundle(lab, folder))
    parts = ", ".join(f'{{path: "{path}", bytes: {size}}}' for path, size in lab.parts.items())
    (site / FOLDER / course / "parts.js").write_text(f"window.labParts = [{parts}];\n", encoding="utf-8")
    for name in former:
        now = course if (site / FOLDER / name / "course.bin").is_file() else seldom
        for page in site.rglob("*.html"):
            html = page.read_text(encoding="utf-8")
            if f"{name}/" in html:
                page.write_text(html.replace(f"{name}/", f"{now}/"), encoding="utf-8", newline="\n")
        shutil.rmtree(site / FOLDER / name)


def _write_new(folder: Path, write: Callable[[Path], None]) -> None:
    """Make a folder that does not exist yet, whole or not at all."""
    if folder.is_dir():
        return
    unfinished = folder.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    write(unfinished)
    unfinished.rename(folder)


def _write_course(lab: Lab, folder: Path) -> None:
    for name, content in lab.course.items():
        (folder / name).write_bytes(content)
    _write_as_script(folder / "course.bin")


def _write_bundle(lab: Lab, folder: Path) -> None:
    shutil.copytree(lab.bundle, folder, dirs_exist_ok=True)
    for name in PARTS:
        _write_as_script(folder / name)


def _write_as_script(part: Path) -> None:
    text = base64.b64encode(part.read_bytes()).decode()
    part.with_name(f"{part.name}.js").write_text(f'window.labPart = "{text}";\n', encoding="ascii")


@cache
def _messages(lang: str) -> dict[str, str]:
    text = (SOURCE / "messages" / f"{lang}.toml").read_text(encoding="utf-8")
    table: dict[str, str] = tomllib.loads(text)["opener"]
    return table
