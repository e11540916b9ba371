"""The files of a folder that are its author's work: what is copied, judged, watched, compared and packed.

Folders fill with other things: what editors, systems and version control put there, environments, what
running the code leaves behind. And a learner's databases and secrets are theirs: they never reach the judge.
This is the one place that tells them apart.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from fnmatch import translate
from operator import attrgetter
from pathlib import Path, PurePosixPath

#: Hidden folders are a tool's, except these.
OWN_HIDDEN = {".ci", ".circleci", ".github", ".gitlab", ".well-known"}
#: Other folders that are not the author's: of Python, of tools, of macOS and Windows.
FOLDERS = ("__pycache__", "*.egg-info", "htmlcov", "reached", "node_modules", "__MACOSX", "$RECYCLE.BIN")
REQUESTS_FILE = "requests.http"  # what `begin` adds: the lesson's requests, for an editor
#: Files that are not the author's.
FILES = (
    REQUESTS_FILE,
    # of Python and of the jobs of chapter 7
    *("*.py[co]", ".coverage", ".coverage.*", "image.tar"),
    # of editors: locks, swap files, backups, halves of a save; vim writes 4913 to see whether it may
    *(".#*", "#*#", "*~", ".*.sw?", "*.swp", ".*.kate-swp", "[0-9][0-9][0-9][0-9]", "*.bak", "*.orig"),
    *("*___jb_???___", ".goutputstream-*", ".~lock.*#", "~$*", "*.tmp", "*.tmp.*"),
    # of systems and network drives
    *(".DS_Store", "._*", "Icon\r", "Thumbs.db", "ehthumbs.db", "desktop.ini", ".nfs*", ".fuse_hidden*"),
    # databases and secrets
    *("*.sqlite", "*.sqlite3", "*.db", "*.sqlite-???*", "*.sqlite3-???*", "*.db-???*"),
    *(".env", ".env.*", ".envrc", ".flaskenv"),
)
OWN_FILES = {".env.example", ".env.sample", ".env.template"}  # they show which settings there are
ENVIRONMENT = {"pyvenv.cfg", "conda-meta"}  # a folder with one of these is an environment
#: What `python -m venv .` puts beside the work.
PARTS_OF_VENV = {"bin", "include", "lib", "lib64", "share", "scripts", "pyvenv.cfg"}

_folders, _files = (re.compile("|".join(map(translate, names)), re.I) for names in (FOLDERS, FILES))


def own_files(folder: Path) -> dict[str, Path]:
    """Return the author's files in ``folder`` by their relative paths, a folder's files before its folders.

    A link counts as what it leads to if that is in ``folder`` too. What cannot be read is left out, and what
    is no file: reading from a pipe or a device may never end.
    """
    return {name: path for name, path, is_folder in _Walk(folder).below() if not is_folder}


def copy_own_files(source: Path, target: Path, but: Collection[str] = ()) -> Path:
    """Copy the author's files and folders, empty ones too, to ``target``, which must not exist; return it.

    Args:
        but: the names of folders in ``source`` to leave out.

    Raises:
        OSError: ``target`` exists; the disk is full, ...
    """
    target.mkdir(parents=True)
    for name, path, is_folder in _Walk(source).below(but=but):
        copied = target / name
        if is_folder:
            copied.mkdir()
            continue
        with suppress(FileNotFoundError, PermissionError):  # removed or locked since it was listed
            shutil.copy2(path, copied)
            copied.chmod(path.stat().st_mode | stat.S_IWUSR)  # the copy of a read-only file may be edited
    return target


def is_own_path(path: PurePosixPath) -> bool:
    """Return whether the names in a relative path allow that it is an author's file, in an archive say."""
    return _is_own_file(path.name) and all(map(_is_own_folder, path.parts[:-1]))


def _is_own_file(name: str) -> bool:
    return name in OWN_FILES or not _files.match(name)


def _is_own_folder(name: str) -> bool:
    return name in OWN_HIDDEN or not (name.startswith(".") or _folders.match(name))


class _Walk:
    """Walks through a folder without entering what is not the author's."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder.resolve()

    def below(
        self, name: str = "", above: tuple[Path, ...] = (), but: Collection[str] = ()
    ) -> Iterator[tuple[str, Path, bool]]:
        """Yield files and folders, each with its relative path, its path, and whether it is a folder.

        Args:
            name: the relative path of the folder to walk through.
            above: what leads there: the folders, without links.
        """
        folder = self.folder / name
        real = above[-1] if above else self.root
        try:
            with os.scandir(folder) as scanned:
                entries = sorted(scanned, key=attrgetter("name"))
        except OSError:  # it cannot be read, or is gone
            return
        names = {entry.name for entry in entries}
        if name:
            if names & ENVIRONMENT or (folder.name == "instance" and "__init__.py" not in names):
                return
            yield name, folder, True
        elif "pyvenv.cfg" in names:
            but = {*but, *(part for part in names if part.lower() in PARTS_OF_VENV)}
        folders = []
        for entry in entries:
            inner = f"{name}/{entry.name}" if name else entry.name
            target = self._resolve(entry, real, above, linked=real != self.root / name)
            if entry.name in but or target is None:
                continue
            if not target.is_dir():
                if target.is_file() and os.access(target, os.R_OK) and _is_own_file(entry.name):
                    yield inner, folder / entry.name, False
            elif _is_own_folder(entry.name):
                folders.append((inner, (*above, target)))
        for inner, leads in folders:
            yield from self.below(inner, leads)

    def _resolve(
        self, entry: os.DirEntry[str], folder: Path, above: tuple[Path, ...], linked: bool
    ) -> Path | None:
        """Return an entry of ``folder`` without links; None if it leads nowhere, outside or in a circle.

        Args:
            linked: whether a link led to ``folder``. A second one is not followed: together links of folders
                to each other may have no end.
        """
        if not (entry.is_symlink() or (hasattr(entry, "is_junction") and entry.is_junction())):
            return folder / entry.name
        try:
            target = Path(entry.path).resolve(strict=True)
            inner = PurePosixPath(target.relative_to(self.root).as_posix())
        except (OSError, RuntimeError, ValueError):
            return None
        if target.is_dir():
            inner /= "file"
            if linked or target in (self.root, *above):
                return None
        environment = any((self.root / parent / "pyvenv.cfg").exists() for parent in inner.parents[:-1])
        return target if is_own_path(inner) and not environment else None
