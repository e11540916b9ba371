"""The steps of chapter 6: the service as it stood while two features were built test first.

| step | state |
|---|---|
| 1 | the specification, `spec.md`, beside the service of the chapter before |
| 2 | its tests as well: red |
| 3 | dummy answers, `steps/3_dummy.patch` |
| 4 | the real code, `steps/4_real.patch`: green |
| 5 | the chapter as it is, refactored; the tests are untouched |
"""

from __future__ import annotations

import shutil
from pathlib import Path

from course.lessons.patches import apply_patch
from course.lessons.stages import LEFT_BEHIND, Stage, stage_before

STEPS = range(1, 6)
#: What a copy for somebody to run goes without.
LEFT_OUT = shutil.ignore_patterns(*LEFT_BEHIND, "steps")


def build_step(stage: Stage, step: int, folder: Path) -> None:
    """Put the state of ``step`` into ``folder``, which must not exist.

    Args:
        stage: chapter 6, the only one that has steps.
        step: one of `STEPS`.

    Raises:
        StalePatch: a step's patch does not fit the chapter before any more.
    """
    if step == max(STEPS):
        shutil.copytree(stage.path, folder, ignore=LEFT_OUT)
        return
    shutil.copytree(stage_before(stage).path, folder, ignore=LEFT_OUT)
    shutil.copy(stage.path / "spec.md", folder)
    if step >= 2:
        shutil.copy(stage.path / "pytest.ini", folder)
        shutil.copytree(stage.path / "tests", folder / "tests", ignore=LEFT_OUT)
    for patch in sorted((stage.path / "steps").glob(f"{step}_*.patch")):
        apply_patch(patch.read_text(encoding="utf-8"), folder)
