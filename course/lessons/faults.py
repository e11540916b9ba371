"""Named faults: small deliberate bugs that test a test suite, the course's own or a learner's.

A fault is a patch in tests/strength/faults/NN/, made against chapter NN, or in faults/final/. Its first lines
describe the bug in both languages and name the test that must fail, with the case if it has many. The test
belongs to the shared suite, to tests/final/, or to tests/drills/. Faults of the course's own code are in
faults/course/, see tests/strength/test_course_faults.py.

    en: An unknown e-mail gets a 404, so anyone can find out who has an account.
    ko: 없는 이메일에 404로 답해서, 누가 가입했는지 알아낼 수 있습니다.
    caught by: test_02_factory_and_config.py::test_a_wrong_password_and_an_unknown_email_get_the_same_answer
    diff -u app/auth.py app/auth.py
    --- app/auth.py
    +++ app/auth.py
    ...
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from course.lessons.patches import StalePatch, apply_patch, read_patch
from course.lessons.stages import Stage, find_stage
from course.paths import ROOT

FAULTS = ROOT / "tests" / "strength" / "faults"


@dataclass(frozen=True)
class Fault:
    """One deliberate bug: its stage, a sentence in both languages, the test that fails, and its patch."""

    name: str
    stage: Stage
    text: dict[str, str]
    caught_by: str
    patch: str

    def plant(self, folder: Path) -> None:
        """Put this fault into ``folder``, a copy of the stage.

        Raises:
            StaleFault: the patch no longer fits the stage.
        """
        try:
            apply_patch(self.patch, folder)
        except StalePatch as error:
            raise StaleFault(f"the fault {self.name!r} of {self.stage.name}: {error}") from None


class StaleFault(Exception):
    """A fault's patch no longer fits its stage."""


def all_faults() -> list[Fault]:
    """Return all faults, chapter by chapter, with those of `final` last."""
    return [_read(file) for file in sorted(FAULTS.glob("*/*.patch")) if file.parent.name != "course"]


def _read(file: Path) -> Fault:
    fields, patch = read_patch(file)
    return Fault(
        name=file.stem,
        stage=find_stage(file.parent.name),
        text={"en": fields["en"], "ko": fields["ko"]},
        caught_by=fields["caught by"],
        patch=patch,
    )
