"""No check opens a database that it did not make, and nothing of the machine changes a verdict."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.databases import PostgreSQL

from course.judging.isolation import WITHOUT_PLUGINS
from course.judging.results import Verdict
from course.judging.runner import judge
from course.lessons.own_files import copy_own_files
from course.lessons.stages import find_stage
from course.paths import ROOT, VENV
from course.setup.install import ready

STAGE = find_stage("7")
#: One test in the judge's process and one that starts another, each with an application that makes tables.
LOGS_OUT = "test_06_test_driven_development.py::test_logging_out_ends_the_token"
WITHOUT_ARGUMENT = "test_02_factory_and_config.py::test_the_factory_needs_no_argument"
STARTS_ANOTHER = "test_07_continuous_integration.py::test_a_commit_is_text"
OWN = 'SQLALCHEMY_DATABASE_URI = "sqlite://"\n'
SETTINGS = "instance/config.toml"
READS_FILE = """
import os
from pathlib import Path
_file = Path(__file__).with_name("{name}")
for _line in _file.read_text().split() if _file.exists() else []:
    os.environ.setdefault(*_line.split("=", 1))
"""
VARIABLES = ("FLASK_SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_DATABASE_URI", "DATABASE_URL")
#: A program that opens a database, as code of a service may start it.
PROGRAM = "import sqlite3; sqlite3.connect({file!r}).execute('CREATE TABLE t (c)').connection.commit()"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A learner's folder, complete."""
    return copy_own_files(STAGE.path, tmp_path / STAGE.name)


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Path]:
    """A database that is somebody's: afterwards every byte has to be as before."""
    file = tmp_path / "real.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, email TEXT)")
        connection.execute("INSERT INTO account VALUES (1, 'somebody@example.com')")
    connection.close()
    before = file.read_bytes()
    yield file
    assert file.read_bytes() == before
    assert list(tmp_path.glob("real.sqlite?*")) == []


def url_of(file: Path) -> str:
    return f"sqlite:///{file.as_posix()}"


def configure(own: Path, old: str, new: str) -> None:
    """Replace a text of the learner's configuration."""
    config = own / "config.py"
    text = config.read_text(encoding="utf-8")
    assert old in text
    config.write_text(text.replace(old, new), encoding="utf-8")


def check(own: Path) -> Verdict:
    return judge(own, STAGE, tests=(LOGS_OUT, STARTS_ANOTHER), limit=100)


@pytest.mark.parametrize("way", [*VARIABLES, SETTINGS, ".env", ".flaskenv"])
def test_a_right_folder_is_right_whatever_leads_to_another_database(
    own: Path, real: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables, a file of settings in `instance`, files of variables that the code reads itself."""
    url = url_of(real)
    if way in VARIABLES:
        monkeypatch.setenv(way, url)
    elif way == SETTINGS:
        (own / way).parent.mkdir()
        (own / way).write_text(f'SQLALCHEMY_DATABASE_URI = "{url}"\n', encoding="utf-8")
    else:
        (own / way).write_text(f"DATABASE_URL={url}\n", encoding="utf-8")
        configure(own, "import os\n", READS_FILE.format(name=way))
    name = way if way in VARIABLES else "DATABASE_URL"
    for usual in ('"sqlite:///accounts.sqlite"', '"sqlite://"'):
        configure(own, usual, f'os.environ.get("{name}", {usual})')

    verdict = judge(own, STAGE, tests=(LOGS_OUT, WITHOUT_ARGUMENT, STARTS_ANOTHER), limit=100)

    assert [(result.behaviour.test, result.finding) for result in verdict.not_passed] == []


def test_the_database_of_production_is_not_opened(own: Path, real: Path) -> None:
    """The class that the others inherit from may name it: no test needs it."""
    configure(own, "sqlite:///accounts.sqlite", url_of(real))

    assert check(own).not_passed == []


def test_a_database_in_the_class_for_tests_is_not_opened(own: Path, real: Path) -> None:
    """Where the code itself names the database for tests, no test opens it, in no process."""
    configure(own, OWN, f'SQLALCHEMY_DATABASE_URI = "{url_of(real)}"\n')

    check(own)


@pytest.mark.parametrize("spelling", ["{0}", "{0}?timeout=1", "sqlite:///file:{1}?uri=true"])
def test_a_database_in_the_class_for_development_is_not_opened(own: Path, real: Path, spelling: str) -> None:
    """The factory without an argument takes that class, so the test is refused what the class names."""
    configure(own, "sqlite:///accounts.sqlite", spelling.format(url_of(real), real.as_posix()))

    (refused,) = judge(own, STAGE, tests=(WITHOUT_ARGUMENT,), limit=100).not_passed

    assert refused.finding is not None
    assert "which this test did not make" in refused.finding.raised


def test_a_program_that_the_code_starts_opens_no_database(own: Path, real: Path) -> None:
    """A command of the service's own, or a job in the background."""
    with (own / "app" / "__init__.py").open("a", encoding="utf-8") as file:
        program = PROGRAM.format(file=str(real))
        file.write(f"\nimport subprocess\n\nsubprocess.run([sys.executable, '-c', {program!r}])\n")

    assert check(own).not_passed == []


def test_a_program_that_the_code_starts_may_make_a_temporary_database(own: Path) -> None:
    """A smoke test makes one, and is done with it before the test ends."""
    program = "from tempfile import mktemp; " + PROGRAM.replace("{file!r}", "mktemp()")
    command = f"[sys.executable, '-c', {program!r}]"
    with (own / "app" / "__init__.py").open("a", encoding="utf-8") as file:
        file.write(f"\nimport subprocess\n\nsubprocess.run({command}, check=True)\n")

    assert judge(own, STAGE, tests=(LOGS_OUT,), limit=100).not_passed == []


def test_a_server_of_the_machine_gets_no_connection(own: Path) -> None:
    """A Redis or a mail server that runs here is somebody's."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        address = server.getsockname()
        with (own / "app" / "__init__.py").open("a", encoding="utf-8") as file:
            file.write(f"\nimport socket\n\nsocket.create_connection({address!r})\n")

        (refused, *_) = judge(own, STAGE, tests=(LOGS_OUT,), limit=100).not_passed

        with pytest.raises(BlockingIOError):
            server.accept()
    assert refused.finding is not None
    assert "a server that this test did not start" in refused.finding.raised


@pytest.mark.parametrize("chapter", ["6", "7"])
def test_a_chapters_own_tests_open_no_other_database(
    chapter: str, real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run by hand, without a judge, on a machine where everything names the real one."""
    stage = find_stage(chapter)
    folder = copy_own_files(stage.path, tmp_path / "mine")
    url = url_of(real)
    for name in VARIABLES:
        monkeypatch.setenv(name, url)
    for name in (".env", ".flaskenv"):
        (folder / name).write_text("".join(f"{each}={url}\n" for each in VARIABLES), encoding="utf-8")
    (folder / SETTINGS).parent.mkdir()
    (folder / SETTINGS).write_text(f'SQLALCHEMY_DATABASE_URI = "{url}"\n', encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *WITHOUT_PLUGINS]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def elsewhere() -> Iterator[tuple[PostgreSQL, str]]:
    """A database of PostgreSQL that is somebody's."""
    try:
        server = PostgreSQL()
    except Exception as error:
        pytest.skip(f"there is no server of PostgreSQL: {error}")
    name = server.new_name()
    server.make(name)
    yield server, name
    server.take_back(name)
    server.close()


def test_a_database_on_a_server_is_not_opened(own: Path, elsewhere: tuple[PostgreSQL, str]) -> None:
    """Nor a database of PostgreSQL, whose driver is not written in Python."""
    import psycopg

    server, name = elsewhere
    url = server.url_of(name)
    configure(own, OWN, f'SQLALCHEMY_DATABASE_URI = "{url.replace("postgresql:", "postgresql+psycopg:")}"\n')

    check(own)
    configure(own, "sqlite:///accounts.sqlite", url.replace("postgresql:", "postgresql+psycopg:"))
    judge(own, STAGE, tests=(WITHOUT_ARGUMENT,), limit=100)

    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert tables == []


#: A Korean Windows writes in it, unless told otherwise.
CODE_PAGE = "cp949"
#: What a machine may have set for other projects.
OF_THE_MACHINE = {
    "PYTHONOPTIMIZE": "2",
    "PYTHONWARNINGS": "error",
    "PYTEST_ADDOPTS": "--collect-only",
    "PYTEST_PLUGINS": "a_plugin_that_is_not_there",
    "FLASK_DEBUG": "1",
    "FLASK_APP": "another.wsgi",
    "FLASK_PAGE_SIZE": "1",
    "TZ": "Asia/Seoul",
    "LANG": "C",
    "LC_ALL": "C",
    "PYTHONIOENCODING": CODE_PAGE,
}


@pytest.mark.parametrize("right", [True, False], ids=["a right folder", "a wrong folder"])
def test_nothing_of_the_machine_changes_a_verdict(right: bool, tmp_path: Path) -> None:
    """With these variables and a fake `flask` on PYTHONPATH, a verdict is what it is without them."""
    if not ready():
        pytest.skip("the course would first install what its lock names")
    stage = find_stage("start")
    own = copy_own_files(stage.path, tmp_path / stage.name)
    if not right:
        text = (own / "app.py").read_text(encoding="utf-8")
        assert "201" in text
        (own / "app.py").write_text(text.replace("201", "200"), encoding="utf-8")
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "flask.py").write_text("raise SystemExit('not the flask of the course')\n")
    env = os.environ | OF_THE_MACHINE | {"PYTHONPATH": str(tmp_path / "fake")}
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    command = [str(python), "-m", "course", "check", str(own)]

    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, encoding=CODE_PAGE)

    assert (done.returncode == 0) == right, done.stdout + done.stderr
    assert "behaviours passed" in done.stdout
