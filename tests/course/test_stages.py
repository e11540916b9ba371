"""A chapter changes what `chapters/stages.toml` lists, and nothing else."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import ModuleType

import pytest
from kit.adapter import Stage as Judged
from kit.loading import LoadedStage

from course.lessons.own_files import own_files
from course.lessons.stages import FINAL_NUMBER, Stage, all_stages, find_stage, stage_before

TESTS = Path(__file__).resolve().parents[1]
CHAPTERS = [stage for stage in all_stages() if stage.number < FINAL_NUMBER]


def files(stage: Stage) -> dict[str, bytes]:
    """Return the files of a stage, without what running it leaves behind."""
    return {
        name: path.read_bytes()
        for name, path in own_files(stage.path).items()
        if not name.startswith("steps/")
    }


@pytest.mark.parametrize("stage", CHAPTERS, ids=lambda stage: stage.name)
def test_a_chapter_changes_what_it_lists(stage: Stage) -> None:
    """Added, changed and removed files are those listed; every other is byte-identical to the one before."""
    before = files(stage_before(stage)) if stage.number else {}
    now = files(stage)

    assert sorted(now.keys() - before.keys()) == sorted(stage.added)
    assert sorted(before.keys() - now.keys()) == sorted(stage.removed)
    assert sorted(name for name in now.keys() & before.keys() if now[name] != before[name]) == sorted(
        stage.changed
    )


def test_every_folder_is_a_stage() -> None:
    """No folder of chapters/ is left out of the list, and the list is in order."""
    folders = sorted(path.name for path in CHAPTERS[0].path.parent.iterdir() if path.is_dir())

    assert sorted(stage.name for stage in CHAPTERS) == folders
    assert [stage.number for stage in all_stages()] == sorted(stage.number for stage in all_stages())


@pytest.mark.parametrize("stage", CHAPTERS, ids=lambda stage: stage.name)
def test_a_file_is_short_enough_to_read(stage: Stage) -> None:
    """A module of a chapter has at most 120 lines, and a file of tests, which is a list, 150."""
    lengths = {name: content.count(b"\n") for name, content in files(stage).items() if name.endswith(".py")}

    long = {name: n for name, n in lengths.items() if n > (150 if name.startswith("tests/") else 120)}
    assert long == {}


@pytest.mark.parametrize("stage", CHAPTERS[2:], ids=lambda stage: stage.name)
def test_a_stage_is_imported_again_only_if_it_remembers(stage: Stage, tmp_path: Path) -> None:
    """No stage does: importing one for each test would cost a third of the suite's time."""
    loaded = LoadedStage(stage.name, stage.number, stage.path, tmp_path)

    def package_of_a_test() -> ModuleType:
        judged = Judged(loaded)
        judged.sign_up()
        judged.close()
        return loaded.package

    first = package_of_a_test()
    assert package_of_a_test() is first
    first.left_by_a_test = True  # type: ignore[attr-defined]
    again = package_of_a_test()
    assert again is not first
    assert package_of_a_test() is again


@pytest.mark.parametrize("stage", CHAPTERS, ids=lambda stage: stage.name)
def test_a_stage_runs_by_itself(stage: Stage) -> None:
    """A stage imports its own modules relatively, and otherwise only what the chapters are taught with."""
    allowed = {
        "flask",
        "flask_jwt_extended",
        "flask_sqlalchemy",
        "sqlalchemy",
        "ujson",
        "werkzeug",
        "click",
        "jwt",
    }
    for name, content in files(stage).items():
        if not name.endswith(".py") or not name.startswith("app"):
            continue
        for node in ast.walk(ast.parse(content)):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                imported = [node.module or ""]
            for module in imported:
                root = module.split(".")[0]
                assert root in allowed or root in sys.stdlib_module_names, (
                    f"{stage.name}/{name} imports {module}"
                )


def superseded_marks() -> list[tuple[str, ast.Call]]:
    """Return every `@superseded(...)` of the shared suite with the test it marks."""
    found = []
    for file in sorted(TESTS.glob("test_0*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            for mark in getattr(node, "decorator_list", []):
                if isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "superseded":
                    found.append((f"{file.name}::{node.name}", mark))
    return found


@pytest.mark.parametrize(("test", "mark"), superseded_marks(), ids=[test for test, _ in superseded_marks()])
def test_what_supersedes_a_test_exists(test: str, mark: ast.Call) -> None:
    """A superseded test names a stage that exists and the test that proves the new behaviour."""
    stage = find_stage(ast.literal_eval(mark.args[0]))
    by = next(keyword.value for keyword in mark.keywords if keyword.arg == "by")
    successor = _constant(test, by)
    file, _, name = successor.partition("::")

    assert stage.number > int(test[5:7])
    source = (TESTS / file).read_text(encoding="utf-8")
    assert f"def {name}(" in source, f"{test} is superseded by {successor}, which does not exist"


def _constant(test: str, node: ast.expr) -> str:
    """Return the text of ``node``: a literal, or a constant at the top of the test's file."""
    if not isinstance(node, ast.Name):
        return str(ast.literal_eval(node))
    tree = ast.parse((TESTS / test.split("::")[0]).read_text(encoding="utf-8"))
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and statement.targets[0].id == node.id:
            return str(ast.literal_eval(statement.value))
    raise AssertionError(f"{test}: {node.id} is not a constant of its file")
