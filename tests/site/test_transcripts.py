"""Every transcript of every page is run and compared with what the page shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.changed import unless_changed

from course.site.page import Page, PageError, Piece, all_pages, read_page, split_page
from course.site.transcripts.replay import Result, mask, replay

#: A page that is replayed in every run, and what else the transcripts of the other pages depend on.
ALWAYS = "chapters/03.md"
REPLAYED = (
    "chapters/",
    "final/",
    "docs/examples/",
    "course/site/",
    "course/lessons/",
    "requirements",
    "tests/kit/",
    "tests/site/test_transcripts.py",
)


def unless_page_changed(path: str) -> list[pytest.MarkDecorator]:
    """Return the mark of a page whose transcripts are those of the last commit."""
    return [] if path == ALWAYS else unless_changed(REPLAYED, (f"docs/en/{path}",))


@pytest.mark.parametrize(
    "path", [pytest.param(path, marks=unless_page_changed(path)) for path in all_pages()]
)
def test_the_transcripts_of(path: str, tmp_path: Path) -> None:
    page, pieces = read_page(path, "en")
    missing = set()
    for result in replay(page, pieces, tmp_path):
        missing |= {result.missing} - {""}
        assert result.same, "\n".join(
            [
                f"docs/en/{path}:{result.piece.line} shows",
                *result.recorded,
                "but this came back (python3 -m course.site update records it):",
                *result.actual,
            ]
        )
    if missing:
        pytest.skip(f"part of {path}: {' and '.join(sorted(missing))}")


def run(markdown: str, scratch: Path, stage: str = "01") -> list[Result]:
    page = Page("page.md", "en", stage)
    return list(replay(page, list(split_page(markdown, page)), scratch))


def test_state_goes_on_until_a_fresh_fence(tmp_path: Path) -> None:
    post = '```http\nPOST /v2/accounts\n{"email": "a@example.com", "name": "A"}\n```\n'
    get = "```http{}\nGET /v2/accounts/{{{{id}}}}\n```\n"
    statuses = [result.actual[0] for result in run(post + get.format(""), tmp_path)]
    assert statuses == ["HTTP/1.1 201 CREATED", "HTTP/1.1 200 OK"]
    missing = "```http fresh\nGET /v2/accounts/1\n```"
    assert run(post + missing, tmp_path)[1].actual[0] == "HTTP/1.1 404 NOT FOUND"


def test_a_field_that_no_answer_had_is_named(tmp_path: Path) -> None:
    with pytest.raises(PageError, match=r"page\.md:1: no answer above has the field 'token'"):
        run("```http\nGET /v2/accounts/{{token}}\n```", tmp_path)


def test_a_page_with_transcripts_needs_a_stage(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="add <!-- stage: 02 -->"):
        run("```http\nGET /\n```", tmp_path, stage="")


def test_a_command_is_compared_with_its_exit_status(tmp_path: Path) -> None:
    (result,) = run("```console\n$ flask no-such-command\n...\n[exit 2]\n```", tmp_path)
    assert result.same
    (result,) = run("```console\n$ flask no-such-command\n...\n```", tmp_path)
    assert not result.same


def test_a_prompt_reads_what_the_fence_types(tmp_path: Path) -> None:
    secret = "a passphrase of a test 1"
    command = "$ flask create-admin --email a@example.com --name A"
    fence = f'```console typed="{secret}" typed="{secret}"\n{command}\n...\na@example.com is an admin\n```\n'
    login = f'```http\nPOST /v2/auth/login\n{{"email": "a@example.com", "password": "{secret}"}}\n```'
    console, http = run(fence + login, tmp_path, stage="02")
    assert console.same, console.actual
    assert http.actual[0] == "HTTP/1.1 200 OK"  # a command and a request share the database


def test_the_examples_of_the_lessons_can_be_run(tmp_path: Path) -> None:
    (result,) = run("```console\n$ python ../../docs/examples/hook_order.py\n```", tmp_path)
    assert "         the view" in result.actual


def test_an_example_needs_no_stage(tmp_path: Path) -> None:
    (result,) = run("```console\n$ python docs/examples/hook_order.py\n```", tmp_path, stage="")
    assert "         the view" in result.actual
    with pytest.raises(PageError, match="add <!-- stage: 02 -->"):
        run("```console\n$ python run.py\n```", tmp_path, stage="")


def test_what_a_transcript_needs_and_is_not_there_leaves_it_as_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_REDIS_URL", "redis://127.0.0.1:1/0")  # no server listens there
    fence = '```console needs="redis"\n$ python docs/examples/hook_order.py\nwas recorded\n```'
    (result,) = run(fence, tmp_path, stage="")
    assert result.same
    assert result.missing.startswith("no Redis answers at 127.0.0.1:1/0: start one")


def test_a_page_may_go_on_with_another_stage(tmp_path: Path) -> None:
    request = "```http\nGET /v1/accounts\n```\n"
    first, second = run(f"{request}<!-- stage: 01 -->\n{request}", tmp_path, stage="start")
    assert first.actual[0] == "HTTP/1.1 404 NOT FOUND"
    assert second.actual[0] == "HTTP/1.1 200 OK"


def test_a_stage_is_left_as_it_was(tmp_path: Path) -> None:
    from course.lessons.stages import find_stage

    before = sorted(find_stage("02").path.rglob("*.sqlite"))
    run("```console\n$ flask routes\n```", tmp_path, stage="02")
    assert sorted(find_stage("02").path.rglob("*.sqlite")) == before


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"access_token":"eyJhbGciOiJI…"}', '{"access_token":"eyJhbGciOiJIUzI1.eyJzdWIi.c2lnbg"}'),
        ('"2026-11-21T08:49:17.538Z"', '"2027-01-02T03:04:05.678Z"'),
        ("[08:49:17] GET", "[23:59:59] GET"),
        ("Sat, 21 Nov 2026 08:49:17 GMT", "Sun, 22 Nov 2026 09:00:00 GMT"),
        ("01a1fd4b-ace2-702a-b26c-fcd862317f9e", "01a1fd4b-ace2-702a-b26c-fcd862317f9f"),
        ("in 0.53s", "in 12 ms"),
        ("Quart    9.7 times", "Quart   12.1 times"),
    ],
)
def test_what_differs_from_run_to_run_is_not_compared(one: str, other: str) -> None:
    assert mask(one) == mask(other)


@pytest.mark.parametrize(
    ("recorded", "actual", "same"),
    [
        (["a", "b"], ["a", "b"], True),
        (["a", "b"], ["a", "c"], False),
        (["a"], ["a", "b"], False),
        (["a", "..."], ["a", "b", "c"], True),
        (["a", "...", "c"], ["a", "c"], True),
        (["...", "c"], ["a", "b"], False),
    ],
)
def test_three_dots_stand_for_any_lines(recorded: list[str], actual: list[str], same: bool) -> None:
    assert Result(Piece("fence", 1, ()), recorded, actual).same is same
