"""A small course of its own for the tests: the real course/, stand-ins for what it serves and installs."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from kit.wheels import make_wheel

from course.setup.venv import missing_modules

ROOT = Path(__file__).resolve().parents[2]

FINAL = """
import json, os
import click
from flask import Flask, request

app = Flask(__name__)


@app.get("/health/live")
def live():
    return {"status": "live"}


@app.post("/v2/auth/login")
def login():
    return {"access_token": request.get_json()["password"]}


@app.cli.group()
def db():
    pass


@db.command()
def upgrade():
    pass


@app.cli.command()
def demo():
    click.echo(json.dumps({"email": "demo@example.com", "password": "it's a \\"demo\\" pass"}))


if __name__ == "__main__":
    app.run(host=os.environ["HOST"], port=int(os.environ["PORT"]))
"""

#: The locks of the course; without a package in uv.txt, pip installs what a test locks.
LOCKS = ("requirements.txt", "requirements-07.txt", "tests/requirements.txt", "course/setup/uv.txt")

#: Makes `.venv` in a tenth of a second: it borrows the packages, pip among them, of the one the tests run in.
BORROW = f"""
def make_venv():
    import subprocess, sys, sysconfig
    from pathlib import Path
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(install.VENV)], check=True)
    own = sysconfig.get_path("purelib", "venv", {{"base": str(install.VENV), "installed_base": ""}})
    Path(own, "borrowed.pth").write_text({sysconfig.get_path("purelib")!r}, encoding="utf-8")
install.make_venv = make_venv
"""


class Program(subprocess.Popen[str]):
    """A program that is killed if the test that started it fails."""

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        if kind is not None and self.poll() is None:
            self.terminate()
            try:
                self.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        super().__exit__(kind, *error)


class Course:
    """A folder with a course in it, and what a learner does there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "course", folder / "course", ignore=ignored)
        others = shutil.ignore_patterns("instance", "__pycache__", "0*")  # what is served here is the start
        shutil.copytree(ROOT / "chapters", folder / "chapters", ignore=others)
        (folder / "tests").mkdir()
        for lock in LOCKS:
            (folder / lock).write_text("# nothing yet\n", encoding="utf-8")

    @property
    def marker(self) -> Path:
        return self.folder / ".venv" / "course-ready.json"

    def start(self, *arguments: str, **variables: str) -> Program:
        """Start `python -m course` with the Python that the learner would have."""
        return self.python("-m", "course", *arguments, **variables)

    def python(self, *arguments: str, **variables: str) -> Program:
        """Start Python in the folder, its output decoded as it comes."""
        base = getattr(sys, "_base_executable", sys.executable)
        return Program(
            [base, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1", **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )

    def run(self, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run `python -m course` to its end; return the exit status and its output."""
        with self.start(*arguments, **variables) as process:
            output, _ = process.communicate(timeout=60)
        return process.returncode, output

    def set_up(self, command: str = "up", *, quickly: bool = False, **variables: str) -> tuple[int, str]:
        """Run the set-up alone, as ``command`` does first; ``quickly`` borrows pip."""
        code = f"""
import sys
from course import main
from course.setup import install
main.hand_over = lambda command: sys.exit(0)
{BORROW if quickly else ""}
sys.exit(main.main({command.split()!r}))
"""
        self.need_venv()
        with self.python("-c", code, **variables) as process:
            output, _ = process.communicate(timeout=60)
        return process.returncode, re.sub(r"^(downloading|installing|compiling) .*\n", "", output, flags=re.M)

    def need_venv(self) -> None:
        """Skip the test where Python makes no environments: some systems ship it in parts."""
        if missing := missing_modules():
            pytest.skip(f"this Python lacks {', '.join(missing)}: install one that has it")

    def pretend_set_up(self) -> None:
        """Make a finished `.venv` that borrows the packages of the one the tests run in."""
        code = f"""
from course.setup import install
{BORROW}
install.make_venv()
install.mark_finished()
"""
        self.need_venv()
        with self.python("-c", code) as process:
            output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output

    def lock(self, wheel: Path, sha256: str | None = None, file: str = "requirements.txt") -> dict[str, str]:
        """Lock one package and return the variables by which pip finds it without a network."""
        digest = sha256 or hashlib.sha256(wheel.read_bytes()).hexdigest()
        name = wheel.name.partition("-")[0]
        (self.folder / file).write_text(f"{name}==1.0 \\\n    --hash=sha256:{digest}\n", encoding="utf-8")
        return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheel.parent), "PIP_CONFIG_FILE": os.devnull}


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the commands speak English, whatever the machine speaks; a test may choose another language."""
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A course that was never set up, in a folder whose name has a space and Korean in it."""
    folder = tmp_path / "강의 폴더"
    folder.mkdir()
    return Course(folder)


@pytest.fixture
def ready_course(course: Course) -> Course:
    """A course that is set up, with a small service and a small site to serve."""
    (course.folder / "final").mkdir()
    (course.folder / "final" / "run.py").write_text(FINAL, encoding="utf-8")
    (course.folder / "docs").mkdir()
    (course.folder / "docs" / "index.md").write_text("# The course\n", encoding="utf-8")
    (course.folder / "mkdocs.yml").write_text("site_name: A course\n", encoding="utf-8")
    course.pretend_set_up()
    return course


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A package of one empty module."""
    return make_wheel(tmp_path / "wheels", "tiny", {"tiny.py": b""})
