"""`python -m course` works in every folder while `.venv` is active, and `begin` names the site that runs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from kit.learner import ROOT, Learner

from course import messages
from course.commands.display import plain_console, show_advice
from course.judging import progress
from course.judging.advice import Advice
from course.judging.progress import Progress
from course.judging.results import Result
from course.lessons.behaviours import behaviours_of
from course.lessons.sections import section
from course.lessons.stages import find_chapter
from course.setup import running, venv


def test_the_course_is_found_from_a_learners_folder(tmp_path: Path) -> None:
    """In the folder of a chapter, whose modules are no part of the course."""
    packages = tmp_path / ".venv" / "packages"
    found = packages / "course" / "__init__.py"
    found.parent.mkdir(parents=True)
    found.write_text(venv.FINDER, encoding="utf-8")
    shutil.copytree(ROOT / "course", tmp_path / "course", ignore=shutil.ignore_patterns("__pycache__"))
    work = tmp_path / "workspace" / "01_views_and_blueprints"
    work.mkdir(parents=True)
    for name in ("click", "rich", "messages"):
        (work / f"{name}.py").write_text("raise SystemExit('mine')\n", encoding="utf-8")
    start = f"import sys; sys.prefix = {str(tmp_path / '.venv')!r}; sys.path.insert(1, {str(packages)!r}); "
    start += "from course import paths, cli; print(paths.__file__)"

    done = subprocess.run(
        [sys.executable, "-c", start],
        cwd=work,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert Path(done.stdout.strip()) == tmp_path / "course" / "paths.py"


def test_the_package_that_leads_to_the_course_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(venv, "LEADS_HERE", tmp_path / "course" / "__init__.py")

    venv.make_importable()
    venv.LEADS_HERE.write_text("# mine\n", encoding="utf-8")
    venv.make_importable()

    assert venv.LEADS_HERE.read_text(encoding="utf-8") == "# mine\n"


@pytest.mark.parametrize("served", [True, False])
def test_begin_names_the_port_of_the_site_while_it_is_served(
    served: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "NOTE", tmp_path / "site.port")
    with socket.create_server(("127.0.0.1", 0)) as site:
        port = site.getsockname()[1]
        with running.noted(port):
            if not served:  # `up` was killed, and its note is left
                site.close()
            _, output = Learner(tmp_path / "내 작업").run("begin", "1")

    assert f"http://127.0.0.1:{port if served else 8000}/chapters/01.html" in output
    assert not running.NOTE.exists()


@pytest.mark.parametrize("lang", messages.LANGUAGES)
def test_a_check_names_the_page_of_the_lesson_where_the_learner_reads_it(
    lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the site while it is served; otherwise by its path, which is the same on every copy of the site."""
    monkeypatch.setattr(running, "NOTE", tmp_path / "site.port")
    monkeypatch.setattr(progress, "WORKSPACE", tmp_path)
    monkeypatch.setattr(messages, "_chosen", [lang])
    lesson = section(3, "rate-limit")
    advice = Advice(Result(behaviours_of(3)[0]), headline="", lesson=lesson)
    path = f"{'ko/' if lang == 'ko' else ''}chapters/03.html#rate-limit"

    def told() -> str:
        show_advice(plain_console(), advice, find_chapter("3"), tmp_path, Progress())
        return capsys.readouterr().out.split()[-1]

    assert lesson is not None and told() == path
    with socket.create_server(("127.0.0.1", 0)) as site, running.noted(port := site.getsockname()[1]):
        assert told() == f"http://127.0.0.1:{port}/{path}"


def test_the_note_of_a_later_up_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "NOTE", tmp_path / "site.port")

    with running.noted(8000):
        running.NOTE.write_text("8002", encoding="utf-8")

    assert running.NOTE.read_text(encoding="utf-8") == "8002"
