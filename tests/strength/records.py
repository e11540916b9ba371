"""The results of mutants and faults, kept in a file so that an interrupted score can go on."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeGuard

from course.paths import ROOT


@dataclass(frozen=True)
class Record:
    """The result of a mutant or a fault: "killed" by a test, "stopped" because one hung, or "survived".

    ``whole``, ``code`` and ``test`` are the digests of what the result depends on, see `Digests`.
    """

    key: str
    outcome: str
    killer: str = ""  # the id of the test
    why: str = ""  # the last line of what that test says
    whole: str = ""
    code: str = ""
    test: str = ""


@dataclass(frozen=True)
class Digests:
    """What a record depends on besides the mutant.

    Where tests change, a mutant that another test killed would be killed again: `code` and that test are the
    same. One that survived must be tried on all of them again: the `whole` has changed.
    """

    whole: str
    code: str  # of the stage, the packages, and what all tests share
    tests: dict[str, str]  # for each test, of it and of everything in its file that is not a test

    @classmethod
    def of(cls, folder: Path, tests: Iterable[Path], shared: Iterable[Path]) -> Digests:
        """Return the current digests.

        Args:
            folder: of the stage.
            tests: files and folders with tests.
            shared: other files that the tests use.
        """
        files = [path for file in tests for path in _python_in(file)]
        judging = [path for path in files if path.name.startswith("test_")]
        code = [sys.version.split()[0], (ROOT / "requirements.txt").read_text(encoding="utf-8")]
        others = [path for path in files if path not in judging]
        for path in [*filter(Path.is_file, shared), *others, *_python_in(folder)]:
            code += [path.name, path.read_text(encoding="utf-8")]
        digests: dict[str, str] = {}
        for path in judging:
            body = ast.parse(path.read_text(encoding="utf-8")).body
            around = "".join(ast.unparse(node) for node in body if not _is_a_test(node))
            for node in filter(_is_a_test, body):
                digests[f"{path.name}::{node.name}"] = digest(around + ast.unparse(node))
        texts = [part for path in judging for part in (path.name, path.read_text(encoding="utf-8"))]
        return cls(digest("\0".join([*code, *texts])), digest("\0".join(code)), digests)

    def of_killer(self, killer: str) -> str:
        """Return the digest of a test by its id."""
        return self.tests.get(killer.split("[")[0].rpartition("/")[2], "")

    def hold(self, record: Record) -> bool:
        """Whether an earlier result still holds."""
        if record.whole == self.whole:
            return True
        return bool(record.test) and (record.code, record.test) == (self.code, self.of_killer(record.killer))


def digest(text: str) -> str:
    """Return 16 hexadecimal digits that change with the text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_records(file: Path) -> Iterator[Record]:
    """Yield what is in a file of records; nothing if there is none."""
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else ():
        with suppress(ValueError, TypeError):  # the last line of an interrupted run may be incomplete
            yield Record(**json.loads(line))


def line_of(record: Record) -> str:
    """Return the line of a file for this record."""
    return json.dumps(asdict(record), ensure_ascii=False) + "\n"


def _is_a_test(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    return isinstance(node, ast.FunctionDef) and node.name.startswith("test_")


def _python_in(file: Path) -> list[Path]:
    return sorted(file.rglob("*.py")) if file.is_dir() else [file]
