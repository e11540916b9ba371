"""The site: built into `.course/site` when something it is made from has changed."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from course.errors import Failure
from course.paths import ROOT, STATE
from course.setup.programs import PYTHON, output_of

BUILT = STATE / "site"
INPUTS = ("mkdocs.yml", "requirements.txt", "README.md", "docs", "chapters", "final", "tests", "course")
#: When one of these is another, every page may be: all is built, not only the pages that say something new.
FRAME = ("mkdocs.yml", "requirements.txt", "docs/figures/card.html", "docs/lab/messages", "course/site")
CHANGING = {"__pycache__", "instance", ".pytest_cache", ".mypy_cache"}  # written by running, not by writing
STAMP = "site.stamp"  # the digests of FRAME and INPUTS when the site was built


def build_site() -> bool:
    """Build the site into `.course/site` if it is not there or older than its inputs; return whether it was.

    Raises:
        Failure: mkdocs failed. What was built before is still there.
    """
    now, stamp = digests(), STATE / STAMP
    was = stamp.read_text(encoding="utf-8").split() if stamp.is_file() and _is_built() else []
    if was == now:
        return False
    if not (ROOT / "mkdocs.yml").is_file():
        raise Failure("mkdocs.yml is missing: restore it with git checkout mkdocs.yml, or clone again.")
    if was[:1] == now[:1]:
        stamp.write_text(f"{now[0]} unfinished", encoding="utf-8")
        _mkdocs("--dirty", BUILT)
    else:
        fresh = STATE / "site.new"  # built aside, so that nobody is ever served half a site
        _mkdocs("--clean", fresh)
        shutil.rmtree(BUILT, ignore_errors=True)
        fresh.rename(BUILT)
    stamp.write_text(" ".join(now), encoding="utf-8")
    return True


def digests() -> list[str]:
    """Return what is different as soon as a file of FRAME is, and one of INPUTS."""
    return [_digest(ROOT, FRAME), _digest(ROOT, INPUTS)]


def _is_built() -> bool:
    return (BUILT / "index.html").is_file()


def _mkdocs(how: str, folder: Path) -> None:
    output_of(
        [PYTHON, "-m", "mkdocs", "build", how, "--site-dir", str(folder)],
        ROOT,
        purpose="The site could not be built",
        log="site.log",
        reason=r"ERROR +- +(?:Config value '\w+': )?(.+)",
    )


def remarks() -> list[str]:
    """Return what the last build said besides: a part that is left out, a link that leads nowhere."""
    log = STATE / "site.log"
    said = log.read_text(encoding="utf-8") if log.is_file() else ""
    return re.findall(r"The site is built without the lab: .*|(?<=WARNING -  )(?!A 'dirty' build).*", said)


def _digest(root: Path, names: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for file in sorted(_files(root, names)):
        state = file.stat()
        digest.update(f"{file.relative_to(root).as_posix()} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _files(root: Path, names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        top = root / name
        if top.is_file():
            yield top
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if name not in CHANGING]
            yield from (Path(folder, file) for file in files)
