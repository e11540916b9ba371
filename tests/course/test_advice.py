"""What a check tells a learner to do next: what stops the code, what broke, or the step to build."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.learner import Learner
from strength.test_mistakes import Mistake, all_mistakes

from course import messages
from course.judging.advice import Advice, next_step
from course.judging.protocol import Finding
from course.judging.results import Result, Verdict
from course.judging.runner import judge
from course.lessons.behaviours import all_behaviours, behaviours_of
from course.lessons.stages import Stage, find_stage
from course.lessons.steps import build_step

MISTAKES: dict[str, Mistake] = {f"{m.stage.number:02}_{m.name}": m for m in all_mistakes()}
#: They take longer than all others together, and no mistake here is told for them.
START_PROGRAMS = {
    "test_two_sign_ups_at_once_make_one_account",
    "test_who_starts_production_reads_a_sentence",
}
CREATING = "test_creating_answers_201_and_where_the_account_is"


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "_chosen", ["en"])


@pytest.mark.parametrize(
    ("mistake", "headline", "told", "step"),
    [
        # A request that prepares other behaviours is told for the one that it is about.
        ("01_status_forgotten", "Next: POST /accounts returns 201", CREATING, "store"),
        ("01_method_nested", "Next: POST /accounts returns 201", CREATING, "store"),
        # What stops the code is told as itself.
        ("01_print_instead_of_return", "First, an exception in your code.", "", "store"),
        ("01_name_not_written_yet", "First, an exception in your code.", "", "version-2"),
        ("01_blueprint_is_unknown", "First, something that ", "", "base-view"),
        ("01_missing_colon", "Your code does not start", "", "base-view"),
        ("02_import_forgotten", "First, an exception in your code.", "", "secrets"),
        ("02_command_not_registered", "First, something that ", "", "create-admin"),
        # What a later step adds is told as that step, not as what needs it earlier.
        (
            "02_no_login_yet",
            "Next: A log-in returns a token",
            "test_logging_in_gives_an_access_token",
            "login",
        ),
        ("02_no_command_yet", "Next: flask create-admin", "test_create_admin_makes_an_admin", "create-admin"),
    ],
)
def test_a_fault_is_told_as_itself(mistake: str, headline: str, told: str, step: str, tmp_path: Path) -> None:
    stage = MISTAKES[mistake].stage
    folder = tmp_path / stage.name
    MISTAKES[mistake].make_in(folder)

    tests = tuple(b.test for b in all_behaviours(stage) if b.function not in START_PROGRAMS)
    advice = next_step(judge(folder, stage, tests=tests, limit=100), stage, [], folder)

    assert advice is not None and advice.headline.startswith(headline)
    assert told in ("", advice.result.behaviour.function)
    assert advice.lesson is not None and advice.lesson.anchor == step
    assert bool(advice.why and advice.hints) == bool(told), "hints would be about something else"
    received = advice.result.finding.received if advice.result.finding else ""
    assert received.partition("  ")[2] == "Internal Server Error" or not received.startswith("500 text/html")


def verdict_on(stage: Stage, failed: dict[str, Finding]) -> Verdict:
    """Return a verdict in which the named tests failed, and all others passed."""
    return Verdict(
        {
            b.test: Result(b, "failed", failed[b.function]) if b.function in failed else Result(b, "passed")
            for b in all_behaviours(stage)
        }
    )


def advice_on(key: str, failed: dict[str, Finding], folder: Path, ever: tuple[str, ...] = ()) -> Advice:
    stage = find_stage(key)
    advice = next_step(verdict_on(stage, failed), stage, ever, folder)
    assert advice is not None
    return advice


def test_steps_come_in_the_order_of_the_lesson(tmp_path: Path) -> None:
    failed = {name: Finding(expected="1", got="2") for name in ("test_role_required_asks_for_a_role",)}
    failed["test_validated_hands_over_what_was_checked"] = Finding(expected="1", got="2")

    advice = advice_on("3", failed, tmp_path)

    assert advice.lesson is not None and (advice.lesson.anchor, advice.lesson.step) == ("arguments", 2)


def test_what_fails_for_lack_of_a_later_url_waits_for_it(tmp_path: Path) -> None:
    """That others stay logged in is of chapter 6's third step; it takes a log-out, which its fourth adds."""
    stage, folder = find_stage("6"), tmp_path / "06_test_driven_development"
    build_step(stage, 0, folder)
    verdict = judge(folder, stage, tests=tuple(b.test for b in behaviours_of(6)), limit=100)

    advice = next_step(verdict, stage, [], folder)

    assert advice is not None and advice.result.behaviour.function == "test_logging_out_ends_the_token"
    assert advice.lesson is not None and advice.lesson.anchor == "green"


def test_an_exception_that_a_later_step_handles_waits_for_it(tmp_path: Path) -> None:
    """After its first step chapter 4 crashes on a body nested too deep, which is the matter of its fifth."""
    stage, folder = find_stage("4"), tmp_path / "04_error_handlers"
    build_step(stage, 1, folder)
    verdict = judge(folder, stage, tests=tuple(b.test for b in behaviours_of(4)), limit=100)
    assert any(result.finding and result.finding.crash for result in verdict.not_passed)

    advice = next_step(verdict, stage, [], folder)

    assert advice is not None and advice.headline.startswith("Next: ")
    assert advice.lesson is not None and (advice.lesson.anchor, advice.lesson.step) == ("handlers", 2)

    later = tmp_path / "later"
    build_step(stage, 4, later)
    after_the_fourth = judge(later, stage, tests=tuple(b.test for b in behaviours_of(4)), limit=100)
    advice = next_step(after_the_fourth, stage, [], later)
    assert advice is not None and advice.headline.startswith("Next: ") and advice.hints
    assert advice.lesson is not None and advice.lesson.step == 5

    deep = next(result for result in verdict.not_passed if result.finding and result.finding.crash)
    lost = next_step(verdict, stage, [deep.behaviour.test], folder)
    assert lost is not None and lost.headline == "First, an exception in your code.", "it was handled before"


def test_a_regression_leads_to_the_step_that_is_being_worked_on(tmp_path: Path) -> None:
    """And neither to the lesson nor to the hints of the chapter that promised it."""
    failed = {
        "test_a_deleted_account_is_gone": Finding(sent="GET /v1/accounts", received="200", expected="404"),
        "test_rate_limited_counts": Finding(expected="[200, 429]", got="[200, 200]"),
    }

    advice = advice_on("3", failed, tmp_path)

    assert advice.headline.startswith("This has worked since the first file and no longer does: DELETE")
    assert advice.regression and advice.why and not advice.hints
    assert advice.lesson is not None and advice.lesson.page.endswith("03.md")
    assert advice.lesson.anchor == "rate-limit"


def test_if_all_fail_on_the_way_the_request_is_named(tmp_path: Path) -> None:
    refused = Finding(sent="POST /v1/accounts  {}", received="400 text/html", expected="201", on_the_way=True)
    refused.view = ("app/v1.py", 1, "def post(self):")

    advice = advice_on("1", {"test_version_1_lists_a_bare_array": refused}, tmp_path)

    assert advice.headline == (
        "Next: GET /v1/accounts returns an array. On the way to that, POST /v1/accounts fails."
    )
    assert not advice.why and not advice.hints
    assert advice.lesson is not None and advice.lesson.anchor == "base-view", "the first that writes v1.py"


def test_a_code_that_refuses_on_purpose_has_no_exception_by_mistake(tmp_path: Path) -> None:
    ended = Finding(
        raised="SystemExit: JWT_SECRET_KEY is missing", place=("app/__init__.py", 1, ""), crash=True
    )

    advice = advice_on("2", {"test_production_starts_with_a_good_secret": ended}, tmp_path)

    assert advice.headline.startswith("Next: Production starts with a secret")


def test_a_check_says_which_files_changed_since_a_behaviour_passed(tmp_path: Path) -> None:
    learner = Learner(tmp_path / "내 작업")
    stage = find_stage("1")
    own = learner.has(stage)
    assert learner.run("check", "1")[0] == 0
    views = own / "app" / "views.py"
    right = views.read_text(encoding="utf-8")
    views.write_text(right.replace("ensure_ascii=False", "ensure_ascii=True"), encoding="utf-8")
    (own / "app" / "notes.py").write_text("", encoding="utf-8")

    for _ in range(2):  # a second check of the same files does not forget it
        status, output = learner.run("check", "1")

        assert status == 1
        assert "This passed in an earlier check, but a change since then broke it: A Korean name" in output
        assert "changed    app/notes.py, app/views.py" in output

    views.write_text(right, encoding="utf-8")
    assert "Everything passed: chapter 1 needs no hint." in learner.run("hint", "1")[1]
    views.write_text(right.replace("ensure_ascii=False", "ensure_ascii=True"), encoding="utf-8")
    assert "Hint 1 of 3" in learner.run("hint", "1")[1], "the files have changed, so it looks again"


def test_what_begin_left_out_has_not_changed(tmp_path: Path) -> None:
    """A chapter begins with the files of the one before, and without the patches of its steps."""
    learner = Learner(tmp_path / "내 작업")
    assert learner.run("begin", "3")[0] == 0
    factory = learner.workspace / "03_view_decorators" / "app" / "__init__.py"
    factory.write_text(factory.read_text(encoding="utf-8").replace("def create_app", "def create"), "utf-8")

    _, output = learner.run("check", "3")

    (changed,) = [line.split() for line in output.splitlines() if line.startswith("  changed ")]
    assert changed == ["changed", "app/__init__.py"]


def test_what_the_code_printed_is_shown(tmp_path: Path) -> None:
    learner = Learner(tmp_path / "내 작업")
    v1 = learner.has(find_stage("1")) / "app" / "v1.py"
    code = v1.read_text(encoding="utf-8")
    noise = "        for number in range(9):\n            print('line', number)\n"
    code = code.replace("        location = url_for", f"{noise}        location = url_for")
    v1.write_text(code.replace("account.to_dict(), 201", "account.to_dict(), 200"), encoding="utf-8")

    _, output = learner.run("check", "1", "--only", "0.7")

    shown = "\n".join(f"{label:<13}line {n}" for n, label in enumerate(["  printed", "", "", "", ""], 4))
    assert shown in output and "line 3" not in output


def test_one_behaviour_or_one_step_can_be_checked(tmp_path: Path) -> None:
    learner = Learner(tmp_path / "내 작업")
    v2 = learner.has(find_stage("1")) / "app" / "v2.py"

    status, output = learner.run("check", "1", "--only", "step4")
    assert status == 0
    last = len(behaviours_of(1))
    assert "passed    9  The blueprint v2 serves" in output and "8 of 8 behaviours passed." in output
    assert "The chapter is done" not in output

    v2.write_text(v2.read_text(encoding="utf-8") + "\nx = (\n", encoding="utf-8")
    status, output = learner.run("check", "1", "--only", str(last))
    assert status == 1
    assert "0 of 1 behaviours passed." in output and "Your code does not start" in output

    for wrong in ("0", str(last + 1), "step9", "one"):
        status, output = learner.run("check", "1", "--only", wrong)
        assert status == 1 and f"name a behaviour by its number in the list, 1 to {last}" in output
    assert learner.run("check", "1", "--only", "1", "--watch")[0] == 2
    assert ", 0 of " in learner.run("progress")[1], "one behaviour is no progress of a chapter"


def test_a_file_that_a_chapter_replaced_is_named(tmp_path: Path) -> None:
    learner = Learner(tmp_path / "내 작업")
    own = learner.has(find_stage("1"))
    (own / "app.py").write_text("", encoding="utf-8")

    status, output = learner.run("check", "1")

    assert status == 0
    assert "app.py is still in your folder, but nothing uses it any more: delete it." in output
