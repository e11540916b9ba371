"""The steps of chapter 6: the service at each step of building two features test first.

| step | state |
|---|---|
| 1 | the specification, `spec.md`, beside the service of the chapter before |
| 2 | the tests too: red |
| 3 | dummy responses, `steps/3_dummy.patch` |
| 4 | the real code, `steps/4_real.patch`: green |
| 5 | the finished chapter, refactored; the tests are unchanged |
"""

from __future__ import annotations

import shutil
from pathlib import Path

from course.lessons.own_files import copy_own_files
from course.lessons.patches import apply_patch
from course.lessons.stages import Stage, stage_before

STEPS = range(1, 6)


def build_step(stage: Stage, step: int, folder: Path) -> None:
    """Write the service as it is at ``step`` into ``folder``, which must not exist.

    Args:
        stage: chapter 6, the only one with steps.
        step: one of `STEPS`.

    Raises:
        StalePatch: a step's patch no longer fits chapter 5.
    """
    if step == max(STEPS):
        copy_own_files(stage.path, folder, but=("steps",))
        return
    copy_own_files(stage_before(stage).path, folder)
    shutil.copy(stage.path / "spec.md", folder)
    if step >= 2:
        shutil.copy(stage.path / "pytest.ini", folder)
        copy_own_files(stage.path / "tests", folder / "tests")
    for patch in sorted((stage.path / "steps").glob(f"{step}_*.patch")):
        apply_patch(patch.read_text(encoding="utf-8"), folder)
