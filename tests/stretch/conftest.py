"""Judges one folder by the stretch tasks: `pytest tests/stretch/stretch_1_1_csv.py --stage=FOLDER`."""

from __future__ import annotations

import pytest

from course.lessons.stages import find_stage


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "kept_before: holds on the finished chapter too, and must go on to")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test the folder that is judged: that of --stage, else the finished chapter."""
    folder = metafunc.config.getoption("--stage")
    if folder is None:
        stage = find_stage(metafunc.definition.path.stem.split("_")[1])
        folder = stage.path
    else:
        stage = find_stage(metafunc.config.getoption("--stage-as") or folder.resolve().name)
    case = pytest.param((stage.name, stage.number, folder.resolve(), None), id=stage.name)
    metafunc.parametrize("stage", [case], indirect=True)
