"""Runs the tests of a chapter on that chapter and on every later stage, final included.

`tests/test_03_view_decorators.py` holds for the stages 3 to final. With `--stage PATH` the tests judge any
one folder instead, a learner's for example: those of its chapter and of all before it.
"""

from __future__ import annotations

import gc
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
for folder in (ROOT, ROOT / "tests"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from kit.adapter import LoadedStage, Stage  # noqa: E402
from kit.guard import guard, guard_programs, release  # noqa: E402

from course.judging.routing import build_urls_later  # noqa: E402
from course.lessons.stages import FINAL_NUMBER, UnknownStage, all_stages, find_stage  # noqa: E402

#: Variables, besides those of Flask, by which a service finds its database and other servers.
OF_THE_MACHINE = {"DATABASE_URL", "SQLALCHEMY_DATABASE_URI", "REDIS_URL", "SMTP_URL", "COMMIT", "BUILT_AT"}
CHAPTER_TEST = re.compile(r"test_(\d\d)_\w+\.py$")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("course")
    group.addoption("--stage", type=Path, help="judge this folder instead of the course's own stages")
    group.addoption(
        "--stage-as", metavar="NAME", help="the stage that it is; by default its folder's name says"
    )
    group.addoption(
        "--database",
        choices=["sqlite", "postgresql"],
        help="run all tests of final on this one; otherwise SQLite, and those of storage and races on both",
    )
    group.addoption("--stages", metavar="NAMES", help="judge these of the course's own stages alone: a,b,c")


def pytest_configure(config: pytest.Config) -> None:
    build_urls_later()
    config.addinivalue_line(
        "markers",
        "superseded(stage, reason, by): from this stage on another behaviour, proved by the test `by`",
    )
    config.addinivalue_line("markers", "threads: needs threads or programs, so it does not run in a browser")
    config.addinivalue_line("markers", "unaffected: slow, and of nothing that differs from the last commit")
    config.addinivalue_line("markers", "only_on(database): of final, for this database alone")
    config.addinivalue_line("markers", "any_database: of final, the same on each, so one of them is enough")
    folder = config.getoption("--stage")
    if folder is None:
        names = (config.getoption("--stages") or "").split(",")
        stages = [stage for stage in all_stages() if names == [""] or stage.name in names]
        config.stash[JUDGED] = [(stage.name, stage.number, stage.path) for stage in stages]
        return
    try:
        stage = find_stage(config.getoption("--stage-as") or folder.resolve().name)
    except UnknownStage as error:
        raise pytest.UsageError(f"--stage-as: {error}") from None
    if not folder.is_dir():
        raise pytest.UsageError(f"--stage: there is no folder {folder}")
    config.stash[JUDGED] = [(stage.name, stage.number, folder.resolve())]


JUDGED = pytest.StashKey[list[tuple[str, int, Path]]]()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """When a folder is judged, only the tests of its chapter and of earlier ones count."""
    if config.getoption("--stage") is None or collection_path.is_dir():
        return None
    chapter = CHAPTER_TEST.search(collection_path.name)
    _, number, _ = config.stash[JUDGED][0]
    return True if chapter is None or int(chapter[1]) > number else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test every stage it holds for, and if it asks for ``version``, every version of each."""
    chapter = CHAPTER_TEST.search(metafunc.definition.path.name)
    if chapter is None or "stage" not in metafunc.fixturenames:
        return
    cases = [
        pytest.param((name, number, path, version), id=f"{name}-{version}" if version else name)
        for name, number, path in metafunc.config.stash[JUDGED]
        if int(chapter[1]) <= number < superseded_from(metafunc.definition)
        for version in versions(number, "version" in metafunc.fixturenames)
    ]
    metafunc.parametrize("stage", cases, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that do not apply to the one stage judged. In parallel, long tests come first."""
    if hasattr(config, "workerinput"):
        from kit.scheduling import longest_first

        longest_first(items)
    if config.getoption("--stage") is None:
        return
    keep = [
        item
        for item in items
        if isinstance(getattr(item, "callspec", None) and item.callspec.params.get("stage"), tuple)
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in keep])
    items[:] = keep


@pytest.hookimpl(optionalhook=True)  # a learner has no pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each process one test after the other, and those that share something to one process."""
    from kit.scheduling import Scheduling

    return Scheduling(config, log)


def pytest_collection_finish(session: pytest.Session) -> None:
    """In a worker process, exempt the thousands of collected tests from garbage collection.

    Some tests run a pytest of their own, which collects garbage several times, each time over all of this.
    And look for garbage less often: every 700 objects cost a twentieth of the time of the tests of final.
    """
    if hasattr(session.config, "workerinput"):
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000)


def superseded_from(test: pytest.Item) -> int:
    """Return the number of the stage from which ``test`` no longer holds."""
    mark = test.get_closest_marker("superseded")
    return find_stage(mark.args[0]).number if mark else FINAL_NUMBER + 1


def versions(number: int, wanted: bool) -> list[str | None]:
    """Return the versions of the API to test a stage by: `start` has none, and final retired version 1."""
    if not wanted or number == 0:
        return [None]
    return ["v2"] if number == FINAL_NUMBER else ["v1", "v2"]


@pytest.fixture(scope="session", autouse=True)
def _guarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test opens a database or a server that it did not make, whatever a configuration says."""
    judged = request.config.getoption("--stage") is not None
    guard(tmp_path_factory.getbasetemp(), only=judged)
    if judged:
        guard_programs(tmp_path_factory.getbasetemp())
    for name in [name for name in os.environ if name.startswith("FLASK_") or name in OF_THE_MACHINE]:
        del os.environ[name]  # what a test needs it sets itself
    yield
    release()


@pytest.fixture(scope="session")
def loaded_stages(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, LoadedStage]:
    """The stages loaded so far: a stage is loaded once and makes a new application for each test."""
    return {}


@pytest.fixture
def stage(
    request: pytest.FixtureRequest,
    loaded_stages: dict[Path, LoadedStage],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """A stage with no account in it, as a client sees it."""
    name, number, path, version = request.param
    if path not in loaded_stages:
        loaded_stages[path] = LoadedStage(name, number, path, tmp_path_factory.mktemp("stages"))
    stage = Stage(loaded_stages[path], version)
    yield stage
    stage.close()


class Clock:
    """Every clock: `time`, `monotonic`, `datetime`. They stand still until the test moves them."""

    def __init__(self, frozen: Any) -> None:
        self._frozen = frozen

    def forward(self, seconds: float) -> None:
        """Move all clocks by ``seconds``."""
        self._frozen.tick(seconds)


@pytest.fixture
def clock(request: pytest.FixtureRequest) -> Iterator[Clock]:
    """Stopped clocks, at noon, which the test moves; so hours later it is the same day, whenever it runs."""
    from freezegun import freeze_time  # here, because most tests need none, and a browser loads it slowly

    if "stage" in request.fixturenames:
        stage = request.getfixturevalue("stage")
        stage.app  # noqa: B018 - models that are declared later would have columns of a `datetime` that is none
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    watching = ["limits", "judge"] if sys.platform == "emscripten" else []  # the lab's own
    with freeze_time(noon, ignore=["_pytest.timing", *watching]) as frozen:
        yield Clock(frozen)


@pytest.fixture
def set_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Move the server to another time zone; Windows has no way to do that, and stays where it is."""
    read_zone: Callable[[], None] = getattr(time, "tzset", lambda: None)

    def move(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        read_zone()

    yield move
    monkeypatch.undo()
    read_zone()


@pytest.fixture
def version(stage: Stage) -> str:
    """For a test that holds for every version of the API: it runs once for each."""
    return stage.prefix.strip("/")
