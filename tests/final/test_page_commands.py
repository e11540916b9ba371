"""Every command of the pages for operators is run by a test: the drills read most of them from the pages."""

from __future__ import annotations

import re

from kit.page_commands import PAGES, inline_commands, sections

from course.lessons.stages import find_stage
from course.paths import ROOT

FINAL = find_stage("final").path
DRILLS = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests" / "drills").glob("test_*.py"))
OPERATORS = ("deploying.md", "operating.md")
#: The commands in text and tables that no drill reads from a page, and those that a page only shows: the test
#: that runs each, with the words by which it does; or the reason why none does.
OTHERS = {
    "docker compose ps": ("drills/test_compose.py", "docker compose ps"),
    "docker compose up --build": "the page advises against it",
    "docker compose logs": "the page has another command in its place",
    "docker compose exec app1": ("drills/test_compose.py", "docker compose exec -T app1 {named}"),
    "flask --app wsgi": "how commands begin",
    "flask --app wsgi backup FOLDER": ("drills/test_backup.py", 'server.flask("backup", '),
    "flask --app wsgi restore FILE": ("drills/test_backup.py", 'server.flask("restore", '),
    "flask --app wsgi db upgrade": ("kit/server.py", 'self.flask("db", "upgrade")'),
    "flask --app wsgi accounts log-out-everybody": (
        "drills/test_backup.py",
        '"accounts", "log-out-everybody"',
    ),
    "pg_dump": ("drills/test_backup.py", 'run("pg_dump")'),
    "pg_restore": ("drills/test_backup.py", 'run("pg_restore")'),
    "python serve.py": ("kit/server.py", '[self.python, "serve.py"]'),
    "python smoke.py https://accounts.example": (
        "kit/containers.py",
        '[sys.executable, "smoke.py", url, COMMIT]',
    ),
}


def test_every_section_with_commands_has_its_drill() -> None:
    """A drill reads the commands of each section that has some, and pages name no file that is gone."""
    for page in sorted(PAGES.glob("*.md")):
        for section, text in sections(page.name):
            if "```console server" in text:
                assert f'server_commands("{page.name}", "{section}")' in DRILLS, (page.name, section)
    for page in OPERATORS:
        text = (PAGES / page).read_text(encoding="utf-8")
        for name in re.findall(r"`(deploy/[\w./@-]+\.\w+|deploy/systemd/[\w@.-]+)`", text):
            assert (FINAL / name).exists(), name
        assert "--app run " not in re.sub(r"`--app run`", "", text)


def test_every_other_command_is_run_too() -> None:
    """Each in the text is read by a drill or is in `OTHERS`, which has none that the pages lack."""
    found = set()
    for page in OPERATORS:
        for section, text in sections(page):
            for fence in re.findall(r"^```console course\n(.*?)^```$", text, re.M | re.S):
                found |= set(re.findall(r"^\$ (.*)$", fence, re.M))
            if f'inline_commands("{page}", "{section}")' not in DRILLS:
                found |= {" ".join(words) for words in inline_commands(page, section)}
    found = {command.partition(" ")[0] if command.startswith("pg_") else command for command in found}

    assert found == OTHERS.keys()
    for command, by in OTHERS.items():
        if isinstance(by, tuple):
            file, words = by
            assert words in (ROOT / "tests" / file).read_text(encoding="utf-8"), command
