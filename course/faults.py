"""Named faults: small defects on purpose that prove a test suite, the course's own or a learner's.

A fault is a patch in tests/faults/NN/, made against chapter NN. Its first lines say in both languages what is
wrong, and which test of the shared suite must notice:

    en: An unknown e-mail answers 404, so anybody can ask who has an account.
    ko: 없는 이메일에 404로 답해서, 누가 가입했는지 알아낼 수 있습니다.
    caught by: test_02_factory_and_config.py::test_a_wrong_password_and_an_unknown_email_get_the_same_answer
    diff -u app/auth.py app/auth.py
    --- app/auth.py
    +++ app/auth.py
    ...
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import whatthepatch

from course.stages import ROOT, Stage, find_stage

FAULTS = ROOT / "tests" / "faults"


@dataclass(frozen=True)
class Fault:
    """One defect: its name, the stage it is made against, what it does in both languages, and its patch."""

    name: str
    stage: Stage
    text: dict[str, str]
    caught_by: str
    patch: str

    def plant(self, folder: Path) -> None:
        """Change the files of ``folder``, a copy of the stage, so that they have this fault.

        Raises:
            StaleFault: the code it was made against has changed.
        """
        for change in whatthepatch.parse_patch(self.patch):
            file = folder / change.header.new_path
            lines = file.read_text(encoding="utf-8").splitlines()
            for _, hunk in groupby(change.changes, key=lambda line: line.hunk):
                lines = self._replace(lines, list(hunk), change.header.new_path)
            file.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")

    def _replace(self, lines: list[str], hunk: list[Any], where: str) -> list[str]:
        """Change one place, wherever it has moved to since the patch was made."""
        old = [line.line for line in hunk if line.old is not None]
        new = [line.line for line in hunk if line.new is not None]
        found = [start for start in range(len(lines)) if lines[start : start + len(old)] == old]
        if len(found) != 1:
            problem = "is gone" if not found else "is there more than once: add context to the patch"
            raise StaleFault(f"the fault {self.name!r} of {self.stage.name}: its place in {where} {problem}")
        return lines[: found[0]] + new + lines[found[0] + len(old) :]


class StaleFault(Exception):
    """A fault's patch does not apply to the code of today."""


def all_faults() -> list[Fault]:
    """Return every fault there is, chapter by chapter."""
    return [_read(file) for file in sorted(FAULTS.glob("*/*.patch"))]


def _read(file: Path) -> Fault:
    head, mark, patch = file.read_text(encoding="utf-8").partition("diff -u ")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    return Fault(
        name=file.stem,
        stage=find_stage(file.parent.name),
        text={"en": fields["en"], "ko": fields["ko"]},
        caught_by=fields["caught by"],
        patch=mark + patch,
    )
