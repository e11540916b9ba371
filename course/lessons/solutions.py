"""Solutions in other styles, right and wrong ones: they test the judge, as named faults test the suite.

A solution is a patch on the finished stage, in tests/course/solutions/right/NN/ or wrong/NN/, where NN is
`start`, `01` and so on. A right one is written as other people write Flask, and has to be judged complete.
A wrong one is a plausible mistake, and has to be caught by the test that its head names:

    en: Pages are counted by offset: after a deletion the next page skips an account.
    ko: 페이지를 순번으로 나눠서, 하나를 삭제하면 다음 페이지가 다른 계정을 건너뜁니다.
    caught by: test_01_views_and_blueprints.py::test_a_deletion_between_two_pages_skips_nobody
    diff -u app/v2.py app/v2.py
    ...
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from course.lessons.patches import apply_patch, read_patch
from course.lessons.stages import Stage, find_stage
from course.paths import ROOT

SOLUTIONS = ROOT / "tests" / "course" / "solutions"


@dataclass(frozen=True)
class Solution:
    """One solution: its stage, a sentence in both languages, and its patch.

    ``caught_by`` is the test that a wrong one fails, as `file.py::function`; None for a right one.
    """

    name: str
    stage: Stage
    text: dict[str, str]
    caught_by: str | None
    patch: str

    @property
    def right(self) -> bool:
        """Whether it has to be judged complete."""
        return self.caught_by is None

    def plant(self, folder: Path) -> None:
        """Make ``folder``, a copy of the stage, this solution.

        Raises:
            StalePatch: the patch no longer fits the stage.
        """
        apply_patch(self.patch, folder)


def all_solutions() -> list[Solution]:
    """Return all solutions, the right ones first, chapter by chapter."""
    return [
        _read(file) for kind in ("right", "wrong") for file in sorted(SOLUTIONS.glob(f"{kind}/*/*.patch"))
    ]


def _read(file: Path) -> Solution:
    fields, patch = read_patch(file)
    wrong = file.parent.parent.name == "wrong"
    return Solution(
        name=file.stem,
        stage=find_stage(file.parent.name),
        text={"en": fields["en"], "ko": fields["ko"]},
        caught_by=fields["caught by"] if wrong else None,
        patch=patch,
    )
