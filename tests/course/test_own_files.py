"""What is the author's work in a folder, and what editors, systems, environments and the code leave there."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest
from kit.learner import Learner

from course.lessons.own_files import copy_own_files, is_own_path, own_files
from course.lessons.stages import Stage, all_stages, find_stage
from course.paths import ROOT

OWN = [
    *("app/__init__.py", "app/instance.py", "app/lib/dates.py", "app/static/.well-known/security.txt"),
    *(".gitignore", ".dockerignore", ".github/workflows/ci.yml", ".flake8", "config.py", "한국어.md", "2.py"),
    *(
        "Dockerfile",
        "bin/run",
        "data.db.json",
        ".env.example",
        "app/env/__init__.py",
        "app/instance/__init__.py",
        "run.tmpl",
    ),
]
FOREIGN = [
    *("app/__pycache__/x.cpython-311.pyc", "x.pyc", ".coverage", ".coverage.host.1", "htmlcov/index.html"),
    *(".pytest_cache/README.md", ".mypy_cache/x", ".nox/tests/x", "x.egg-info/PKG-INFO", "image.tar"),
    *(".git/HEAD", ".hg/x", ".svn/x", "node_modules/left-pad/index.js", "app/node_modules/x.js"),
    *(".idea/workspace.xml", ".vscode/settings.json", ".vs/x", ".ipynb_checkpoints/x.py", ".anything/x.py"),
    *(".#views.py", "#views.py#", "views.py~", ".views.py.swp", ".views.py.swo", "4913", "5036"),
    *("views.py___jb_tmp___", "views.py___jb_old___", ".goutputstream-AB12", ".~lock.x.odt#", "~$x.docx"),
    *("views.py.tmp", "views.py.tmp.77.1", "views.py.bak", "views.py.orig", ".views.py.kate-swp"),
    *("__MACOSX/._views.py", "._views.py", ".DS_Store", "app/.DS_Store", "Thumbs.db", "THUMBS.DB"),
    *("desktop.ini", "Icon\r", "requests.http", ".nfs000000000001", ".fuse_hidden0001"),
    *("instance/accounts.sqlite", "instance/config.py", "accounts.sqlite", "accounts.sqlite-wal"),
    *("x.sqlite3", "app.db", "app.db-journal", "APP.DB", ".env", ".env.production", ".envrc", ".flaskenv"),
]  # fmt: skip
if sys.platform == "win32":
    FOREIGN.remove("Icon\r")  # a name that Windows does not allow


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"# {name}\n", encoding="utf-8")


def copied(folder: Path, target: Path) -> list[str]:
    copy_own_files(folder, target)
    return sorted(p.relative_to(target).as_posix() for p in target.rglob("*") if not p.is_dir())


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not here")
@pytest.mark.parametrize("stage", all_stages(), ids=lambda stage: stage.name)
def test_all_that_the_course_keeps_of_a_stage_is_its_authors(stage: Stage) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=stage.path, capture_output=True, check=True)

    assert sorted(own_files(stage.path)) == sorted(filter(None, listed.stdout.decode().split("\0")))


def test_what_others_leave_in_a_folder_is_not_the_authors(tmp_path: Path) -> None:
    write(tmp_path / "mine", *OWN, *FOREIGN)

    assert sorted(own_files(tmp_path / "mine")) == sorted(OWN)
    assert copied(tmp_path / "mine", tmp_path / "copy") == sorted(OWN)


@pytest.mark.parametrize(("names", "own"), [(OWN, True), (FOREIGN, False)], ids=["own", "foreign"])
def test_names_alone_tell_most_of_it(names: list[str], own: bool) -> None:
    """In an archive there are only names; an `instance` is known by what lies in it."""
    told = {name: is_own_path(PurePosixPath(name)) for name in names if not name.startswith("instance/c")}

    assert [name for name, one in told.items() if one != own] == []


@pytest.mark.parametrize("name", ["venv", ".venv", "env", "my environment", "app/vendor"])
def test_an_environment_is_known_by_its_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whatever it is called, and without a look at the 25,000 files below it."""
    write(tmp_path, "app.py", f"{name}/pyvenv.cfg", f"{name}/lib/python3.13/site-packages/flask/app.py")
    seen, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: seen.append(Path(path).name) or scandir(path))

    assert list(own_files(tmp_path)) == ["app.py"]
    assert "lib" not in seen


def test_the_folder_itself_may_be_an_environment(tmp_path: Path) -> None:
    """`python -m venv .` makes one of it, without taking the work away."""
    write(tmp_path, "app.py", "app/lib/x.py", "pyvenv.cfg", "bin/python", "lib/python3.13/x.py", "Scripts/x")

    assert list(own_files(tmp_path)) == ["app.py", "app/lib/x.py"]


def test_empty_folders_are_copied(tmp_path: Path) -> None:
    (tmp_path / "mine" / "uploads").mkdir(parents=True)

    copy_own_files(tmp_path / "mine", tmp_path / "copy")

    assert (tmp_path / "copy" / "uploads").is_dir()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows makes links for administrators only")
def test_links_count_if_they_stay_in_the_folder(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    write(tmp_path, "secret.py", "outside/x.py")
    write(
        mine, "app/__init__.py", "app/views.py", ".venv/pyvenv.cfg", ".venv/lib/x.py", ".env", "shared/a.py"
    )
    links = {
        "views.py": "app/views.py",
        "other": "app",
        "app/shared": "../shared",
        "away.py": "../secret.py",
        "absolute.py": str(tmp_path / "secret.py"),
        "away": "../outside",
        "dangling.py": "nowhere.py",
        ".#app.py": "mina@laptop.4711:1700000000",
        "self.py": "self.py",
        "app/up": "..",
        "here": ".",
        "environment": ".venv",
        "packages": ".venv/lib",
        "settings": ".env",
        "shared/back": "../app",
        "etc": "/etc",
        "device.py": "/dev/zero",
    }
    for name, target in links.items():
        (mine / name).symlink_to(target)

    found = [
        *("app/__init__.py", "app/shared/a.py", "app/views.py", "other/__init__.py", "other/views.py"),
        *("shared/a.py", "shared/back/__init__.py", "shared/back/views.py", "views.py"),
    ]
    assert sorted(own_files(mine)) == found
    assert copied(mine, tmp_path / "copy") == found
    assert not [path for path in (tmp_path / "copy").rglob("*") if path.is_symlink()]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows makes links for administrators only")
def test_folders_that_link_to_each_other_have_an_end(tmp_path: Path) -> None:
    for name in "abcdefghijkl":
        write(tmp_path, f"{name}/x.py")
        for other in "abcdefghijkl":
            (tmp_path / name / f"to_{other}").symlink_to(f"../{other}")

    assert len(own_files(tmp_path)) == 12 + 12 * 11


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has none of these in folders")
def test_what_is_no_file_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To read a pipe would wait for ever."""
    write(tmp_path, "app.py")
    os.mkfifo(tmp_path / "pipe.py")
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.py")

        assert list(own_files(tmp_path)) == ["app.py"]


def test_what_cannot_be_read_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "mine", "app.py", "closed.py", "closed/x.py", "locked.py")
    scandir, access, copy = os.scandir, os.access, __import__("shutil").copy2

    def refuse(function):  # type: ignore[no-untyped-def]  # the tests may run as root, to whom all is open
        def refusing(path, *arguments):  # type: ignore[no-untyped-def]
            if Path(path).name in ("closed", "locked.py"):
                raise PermissionError(13, "Permission denied", str(path))
            return function(path, *arguments)

        return refusing

    monkeypatch.setattr(os, "scandir", refuse(scandir))
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path).name != "closed.py" and access(path, mode)
    )
    monkeypatch.setattr("shutil.copy2", refuse(copy))

    assert list(own_files(tmp_path / "mine")) == ["app.py", "locked.py"]
    assert copied(tmp_path / "mine", tmp_path / "copy") == ["app.py"]


def test_a_copy_may_be_edited(tmp_path: Path) -> None:
    """Though what it was copied from is read-only, on a stick for example."""
    write(tmp_path / "mine", "app/views.py")
    (tmp_path / "mine/app/views.py").chmod(0o444)

    copy_own_files(tmp_path / "mine", tmp_path / "copy")

    assert (tmp_path / "copy/app/views.py").stat().st_mode & 0o200


#: What pytest would read in the folder or above it.
CONFIGURATIONS = {
    "pytest.ini": "[pytest]\naddopts = --nonsense\n",
    "tox.ini": "[pytest]\naddopts = --nonsense\n",
    "setup.cfg": "[tool:pytest]\naddopts = --nonsense\n",
    "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--nonsense'\n",
    "conftest.py": "raise RuntimeError('conftest.py was loaded')\n",
    "sitecustomize.py": "raise RuntimeError('sitecustomize.py was loaded')\n",
    "pip.conf": "[install]\ntarget = elsewhere\n",
}


def litter(folder: Path) -> None:
    """Put into ``folder`` what a year of work with all editors and systems would leave there."""
    write(folder, *FOREIGN, "my env/pyvenv.cfg", "my env/lib/python3.13/site-packages/flask/app.py")
    for name, text in CONFIGURATIONS.items():
        for place in (folder, folder.parent, folder.parent.parent):
            (place / name).write_text(text, encoding="utf-8")
    if sys.platform != "win32":
        os.mkfifo(folder / "app" / "pipe.py")
        (folder / "app" / ".#v1.py").unlink(missing_ok=True)
        (folder / "app" / ".#v1.py").symlink_to("mina@laptop.4711:1700000000")
        (folder / "loop").symlink_to(".")


def test_a_littered_folder_is_judged_and_compared_like_a_clean_one(tmp_path: Path) -> None:
    clean, littered = Learner(tmp_path / "clean"), Learner(tmp_path / "home" / "littered")
    for learner in (clean, littered):
        own = learner.has(find_stage("1"))
        with (own / "app" / "v1.py").open("a", encoding="utf-8") as file:
            file.write("\n# mine\n")
    litter(own)

    assert own_files(own).keys() == own_files(clean.workspace / own.name).keys() | CONFIGURATIONS.keys()
    for command in (("check", "1"), ("diff", "1", "--mine")):
        assert littered.run(*command) == clean.run(*command)


def test_no_other_module_has_a_rule_of_its_own() -> None:
    """One place says what is copied: nothing in the course copies or walks a folder by itself."""
    allowed = {
        "course/lessons/own_files.py",
        "course/commands/pack.py",
        "course/commands/site.py",
    }
    found = [
        name
        for path in sorted((ROOT / "course").rglob("*.py"))
        if (name := path.relative_to(ROOT).as_posix()) not in allowed and not name.startswith("course/site/")
        if any(
            word in path.read_text(encoding="utf-8") for word in ("copytree", "os.walk", "ignore_patterns")
        )
    ]
    assert found == []
