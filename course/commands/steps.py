"""`step`: lays out the steps of a chapter as folders to edit, and takes the edits back."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from course.commands.merging import merge
from course.errors import Failure
from course.lessons.patches import StalePatch, make_patch, patched, read_patch
from course.lessons.stages import Stage, find_chapter, stage_before
from course.lessons.steps import (
    files_of_step,
    forget_states,
    patches_of,
    state_after,
    texts_of,
    write_files,
)
from course.paths import ROOT, STATE, display_path
from course.setup.environment import environment
from course.setup.programs import PYTHON

Files = dict[str, str]  # text by path


def lay_out(key: str) -> int:
    """Write the state after each step of a chapter into a folder of its own, for a maintainer to edit.

    Raises:
        Failure: a patch no longer fits the chapter's code, or the folders have edits that were not taken.
    """
    stage = find_chapter(key)
    shown = display_path(_laid_out(stage))
    if any(before != after for _, before, after in _found(stage)):
        raise Failure(f"{shown} has edits: python3 -m course step {key} --take, or remove the folder")
    _lay_out(stage, key)
    print(f"The steps are in {shown}: edit them, then python3 -m course step {key} --take")
    return 0


def _lay_out(stage: Stage, key: str) -> None:
    folder = _laid_out(stage)
    try:
        states = [state_after(stage, number) for number, _ in enumerate(patches_of(stage), 1)]
    except StalePatch as error:
        raise Failure(
            f"The chapter has changed ({error}): first python3 -m course step {key} --carry HEAD"
        ) from None
    shutil.rmtree(folder, ignore_errors=True)
    for patch, state in zip(patches_of(stage), states, strict=True):
        for kind in ("", ".before"):  # the second is what an edit is compared with
            write_files(state, folder / (kind + patch.stem))


def _found(stage: Stage) -> list[tuple[str, Files, Files]]:
    """Return the name of each step that is laid out, its files as they were written, and as they are now."""
    paths = sorted(_laid_out(stage).glob("[0-9]*_*"), key=lambda path: int(path.name.partition("_")[0]))
    return [(path.name, texts_of(path.with_name(f".before{path.name}")), texts_of(path)) for path in paths]


def take(key: str) -> int:
    """Make the patches of a chapter from the folders that `lay_out` wrote.

    The edit of a step is carried through the later ones; the last one's is written to the chapter. A folder
    that a maintainer added, `3_name`, is a step of its own; one that is gone is no step any more.

    Raises:
        Failure: nothing is laid out, or an edit does not fit a later step.
    """
    stage = find_chapter(key)
    found = _found(stage)
    if not found:
        folder = display_path(_laid_out(stage))
        raise Failure(f"{folder} has no steps: lay them out by python3 -m course step {key}")
    states = [now for _, _, now in found]
    for number, (_, before, _) in enumerate(found):
        if before and before != states[number]:
            edited = dict(states[number])
            for later in range(number + 1, len(states)):
                states[later] = _carried(states[later], before, edited, found[later][0])
    write_files(states[-1], stage.path)
    for name in texts_of(stage.path).keys() - states[-1].keys():
        (stage.path / name).unlink()
    _write(stage, [name for name, _, _ in found], states)
    _lay_out(stage, key)
    print(f"The steps are taken, and laid out again in {display_path(_laid_out(stage))}")
    return 0


def carry_through(key: str, revision: str) -> int:
    """Carry what changed in a chapter, and in the one before it, since ``revision`` into its steps.

    Raises:
        Failure: git does not have the revision.
    """
    stage = find_chapter(key)
    with TemporaryDirectory() as scratch:
        old = _states_at(stage, revision, Path(scratch))
    first, last = texts_of(stage_before(stage).path), texts_of(stage.path)
    if len(old) == 1:
        raise Failure(f"chapter {key} has no steps at {revision}: name a revision that has them")
    states: list[Files] = []
    for number, state in enumerate(old[1:-1], 1):
        files: Files = {}
        for name in sorted({*state, *first, *last}):
            text = _follow(name, state.get(name), (old[0], first), (old[-1], last))
            if text is not None:
                files[name] = text
            if text is not None and text == state.get(name) and _unclear(name, text, old, first, last):
                print(f"step {number}: {name} may need the edit too: see python3 -m course step {key}")
        states.append(files)
    _write(stage, [patch.stem for patch in patches_of(stage)], [*states, last])
    return 0


def record(key: str) -> int:
    """Start the program that records which behaviours each step turns green: the course imports no tests.

    Raises:
        Failure: this is Windows.
    """
    if sys.platform == "win32":
        raise Failure("Steps are recorded by forking, which Windows cannot: run it on Linux or macOS.")
    command = [PYTHON, "-m", "strength.steps", str(find_chapter(key).number)]
    return subprocess.run(command, cwd=ROOT, env=environment(PYTHONPATH=str(ROOT / "tests"))).returncode


def _laid_out(stage: Stage) -> Path:
    return STATE / "steps" / stage.name


def _write(stage: Stage, names: Sequence[str], states: Sequence[Files]) -> None:
    """Write the patch of each step; the heads and the order of the files stay as they were."""
    folder = stage.path / "steps"
    heads = {file.stem: read_patch(file)[0] for file in patches_of(stage)}
    orders = {file.stem: files_of_step(stage, number) for number, file in enumerate(patches_of(stage), 1)}
    before = texts_of(stage_before(stage).path)
    made = {}
    for name, after in zip(names, states, strict=True):
        head = "".join(f"{field}: {text}\n" for field, text in heads.get(name, {}).items())
        made[name] = head + make_patch(before, after, orders.get(name, ()))
        before = after
    for file in patches_of(stage):
        file.unlink()
    folder.mkdir(exist_ok=True)
    for name, patch in made.items():
        (folder / f"{name}.patch").write_text(patch, encoding="utf-8", newline="\n")
    forget_states()


def _carried(state: Files, before: Files, edited: Files, name: str) -> Files:
    """Return ``state`` with the edit that leads from ``before`` to ``edited``."""
    result = dict(state)
    for file in before.keys() | edited.keys():
        old, new = before.get(file), edited.get(file)
        if old == new or state.get(file) == new:
            continue
        if state.get(file) == old:
            result.pop(file, None)
            if new is not None:
                result[file] = new
        elif old is not None and new is not None and file in state:
            result[file], conflict = merge(state[file], old, new)
            if conflict:
                raise Failure(f"the edit of {file} does not fit {name}: make it there too, in your words")
        else:
            raise Failure(f"{file} was added or removed, and {name} has another: make the edit there too")
    return result


def _follow(name: str, text: str | None, first: tuple[Files, Files], last: tuple[Files, Files]) -> str | None:
    """Return a file of a step after its chapter, or the one before, has changed."""
    for old, new in (last, first):
        if text == old.get(name):
            return new.get(name)
    if text is None:
        return None
    for old, new in (last, first):
        if name in old and name in new and old[name] != new[name]:
            merged, conflict = merge(text, old[name], new[name])
            if not conflict:
                return merged
    return text


def _unclear(name: str, text: str, old: Sequence[Files], first: Files, last: Files) -> bool:
    """Whether a file changed at an end of the chapter, and its step did not follow."""
    ends = ((old[0], first), (old[-1], last))
    return any(was.get(name) != now.get(name) and text != now.get(name) for was, now in ends)


def _states_at(stage: Stage, revision: str, scratch: Path) -> list[Files]:
    """Return the states of a chapter at a revision of git, from the stage before to the finished chapter."""
    folders = [one.path.relative_to(ROOT).as_posix() for one in (stage_before(stage), stage)]
    packed = subprocess.run(["git", "archive", revision, "--", *folders], cwd=ROOT, capture_output=True)
    if packed.returncode:
        raise Failure(f"git has no {revision} with this chapter: {packed.stderr.decode(errors='replace')}")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(scratch, filter="data")
    states = [texts_of(scratch / folders[0])]
    files = sorted((scratch / folders[1] / "steps").glob("*.patch"), key=lambda p: int(p.name.split("_")[0]))
    for file in files:
        states.append(patched(read_patch(file)[1], states[-1]))
    return states
