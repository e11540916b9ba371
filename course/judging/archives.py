"""Unpacks what learners hand in: a zip as Windows, macOS, Linux or the lab makes it."""

from __future__ import annotations

import atexit
import re
import shutil
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from unicodedata import normalize
from zipfile import BadZipFile, ZipFile, ZipInfo

from course.errors import Failure
from course.lessons.own_files import PARTS_OF_VENV, is_own_path
from course.messages import say

MOST_FILES = 2_000  # the largest chapter has 41
MOST_BYTES = 50_000_000  # unpacked
_CHUNK = 1 << 16
_UNREADABLE = (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError, ValueError)


def unpack(archive: Path) -> Path:
    """Unpack the author's files of a zip into a new folder, which lasts as long as the program; return it.

    Raises:
        Failure: it is no zip, needs a password, is too large, or a path in it leads out of the folder.
    """
    target = Path(mkdtemp(prefix="course-"))
    atexit.register(shutil.rmtree, target, ignore_errors=True)
    try:
        with ZipFile(archive) as opened:
            members = {path: info for info, path in _members(opened)}
            names = [path for path in members if _is_wanted(path, members)]
            if any(members[path].flag_bits & 1 for path in names):
                raise Failure(say("zip.password", archive=archive))
            _check_paths(archive, members)
            _write(archive, opened, {path: members[path] for path in names}, target)
    except _UNREADABLE:
        raise Failure(say("zip.unreadable", archive=archive)) from None
    return target


def _members(opened: ZipFile) -> Iterator[tuple[ZipInfo, PurePosixPath]]:
    """Yield the files and folders of a zip, with the paths that their author gave them."""
    for info in opened.infolist():
        name = info.filename
        if not info.flag_bits & 0x800:  # not marked as UTF-8: macOS writes that, and Windows its code page
            name = _decode(name.encode("cp437"))
        path = PurePosixPath(normalize("NFC", name).replace("\\", "/"))
        if path.parts:
            yield info, path


def _decode(name: bytes) -> str:
    for encoding in ("utf-8", "cp949"):
        try:
            return name.decode(encoding)
        except UnicodeDecodeError:
            continue
    return name.decode("cp437")


def _check_paths(archive: Path, members: dict[PurePosixPath, ZipInfo]) -> None:
    for path in members:
        if path.is_absolute() or ".." in path.parts or re.match("[A-Za-z]:", str(path)):
            raise Failure(say("zip.outside", archive=archive, name=path))


def _is_wanted(path: PurePosixPath, members: dict[PurePosixPath, ZipInfo]) -> bool:
    """Return whether a member is the author's: no link, and not of an environment."""
    if stat.S_ISLNK(members[path].external_attr >> 16) or not is_own_path(path):
        return False
    return not any(
        part.lower() in PARTS_OF_VENV and PurePosixPath(*path.parts[:depth], "pyvenv.cfg") in members
        for depth, part in enumerate(path.parts)
    )


def _write(archive: Path, opened: ZipFile, members: dict[PurePosixPath, ZipInfo], target: Path) -> None:
    """Write the members; what a zip says of its own size is not believed."""
    left = MOST_BYTES
    if len(members) > MOST_FILES:
        raise _too_large(archive)
    files = {path for path, info in members.items() if not _is_folder(info)}
    if any(parent in files for path in members for parent in path.parents):
        raise BadZipFile("a file that is a folder as well")
    for path, info in members.items():
        file = target / path
        if _is_folder(info):
            file.mkdir(parents=True, exist_ok=True)
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        with opened.open(info) as source, file.open("wb") as copy:
            while chunk := source.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise _too_large(archive)
                copy.write(chunk)


def _is_folder(info: ZipInfo) -> bool:
    return info.filename.endswith(("/", "\\"))


def _too_large(archive: Path) -> Failure:
    return Failure(say("zip.large", archive=archive, files=MOST_FILES, size=MOST_BYTES // 1_000_000))
