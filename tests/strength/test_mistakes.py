"""Mistakes that learners really make are named, in both languages, when a behaviour fails by them.

A mistake is a patch in mistakes/, made against the chapter whose number it begins with. Its first lines are
words that the explanation must have, and the behaviour that is explained. A file that is saved in another
encoding is named there, too: `saved as: app/v2.py utf-16`.
"""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from course import messages
from course.judging.explain import explain
from course.judging.mistakes import MISTAKES, Work, recognise
from course.judging.protocol import Finding
from course.judging.results import Result
from course.judging.runner import judge
from course.lessons.behaviours import all_behaviours
from course.lessons.own_files import copy_own_files
from course.lessons.patches import apply_patch, read_patch
from course.lessons.stages import Stage, find_stage
from course.messages import LANGUAGES

FOLDER = Path(__file__).parent / "mistakes"
LIMIT = {"endless_loop": 2.0}  # seconds for one test; all others end


@dataclass(frozen=True)
class Mistake:
    """One mistake: the chapter it is made in, its explanation, and the behaviour."""

    name: str
    stage: Stage
    told: dict[str, str]
    test: str
    patch: str
    saved_as: tuple[str, ...] = ()  # file, encoding

    def make_in(self, folder: Path) -> None:
        """Make the mistake in a copy of the finished chapter."""
        copy_own_files(self.stage.path, folder)
        apply_patch(self.patch, folder)
        if self.saved_as:
            file, encoding = self.saved_as
            (folder / file).write_text((folder / file).read_text(encoding="utf-8"), encoding=encoding)


def all_mistakes() -> list[Mistake]:
    return [read(file) for file in sorted(FOLDER.glob("*.patch"))]


def read(file: Path) -> Mistake:
    fields, patch = read_patch(file)
    told = {lang: fields[lang] for lang in LANGUAGES}
    return Mistake(
        file.stem[3:],
        find_stage(file.stem[:2]),
        told,
        fields["told for"],
        patch,
        tuple(fields.get("saved as", "").split()),
    )


@pytest.mark.parametrize("mistake", all_mistakes(), ids=lambda mistake: mistake.name)
def test_a_mistake_is_named(mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "_chosen", [])
    folder = tmp_path / mistake.stage.name
    mistake.make_in(folder)

    limit = LIMIT.get(mistake.name, 100.0)
    result = judge(folder, mistake.stage, tests=(mistake.test,), limit=limit).results[mistake.test]

    assert not result.passed
    for lang in LANGUAGES:
        messages.choose(lang)
        told = "\n".join(text for _, text in explain(result, folder))
        assert mistake.told[lang] in told
        assert "Traceback" not in told


def test_the_routes_of_the_first_file_do_not_explain_a_class_without_post(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "_chosen", ["en"])
    stage, test = find_stage("01"), "test_00_start.py::test_creating_answers_201_and_where_the_account_is"
    folder = copy_own_files(stage.path, tmp_path / stage.name)
    shutil.copy(find_stage("start").path / "app.py", folder)  # the learner has not deleted it yet
    views = folder / "app" / "v1.py"
    views.write_text(views.read_text(encoding="utf-8").replace("def post(", "def later("), encoding="utf-8")

    told = "\n".join(text for _, text in explain(judge(folder, stage, tests=(test,)).results[test], folder))

    assert "405" in told
    assert "`route` alone" not in told


def test_there_are_twenty_and_more_over_all_chapters() -> None:
    mistakes = all_mistakes()

    assert len(mistakes) >= 20
    assert {mistake.stage.number for mistake in mistakes} >= set(range(1, 7))


@pytest.mark.parametrize(
    ("module", "line", "file", "told"),
    [
        (
            "app.decorators",
            "from .decorators.bodies import x",
            "decorators/bodies.py",
            "Your `decorators` is in",
        ),
        ("decorators", "from decorators.bodies import x", "app/decorators/bodies.py", "needs a dot"),
        (
            "app.decorators",
            "from .decorators.bodies import x",
            "app/v1.py",
            "not written it yet, or a letter",
        ),
        ("flask_limiter", "import flask_limiter", "app/v1.py", "or the import lacks the dot"),
    ],
)
def test_a_module_that_is_not_found_is_told_by_where_it_is(
    module: str, line: str, file: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "_chosen", ["en"])
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text("", encoding="utf-8")
    finding = Finding(raised=f"ModuleNotFoundError: No module named {module!r}", place=("app/v1.py", 1, line))

    mistake = recognise(Result(all_behaviours(find_stage("03"))[0], "failed", finding), Work(tmp_path))

    assert mistake is not None and told in mistake.text


def test_a_mistake_is_told_in_both_languages_and_by_known_conditions() -> None:
    conditions = {"raised", "line", "file", "sent", "received", "expected", "got", "message", "wanted"}
    conditions |= {"printed", "view", "test", "state", "needed", "source", "lacks", "files", "misplaced"}
    conditions |= {"urls", "unregistered", "ruleless", "meant", "unreadable", "unwritten"}
    for mistake in tomllib.loads(MISTAKES.read_text(encoding="utf-8"))["mistakes"]:
        assert mistake.keys() - {"at", "first"} == {"name", "if", "en", "ko"}
        assert mistake["if"] and mistake["if"].keys() <= conditions, mistake["name"]
        assert mistake["ko"].endswith(("요.", "다.")), mistake["name"]
