"""Stretch task 1.1: the list of accounts for a spreadsheet, by content negotiation (RFC 9110, section 12)."""

from __future__ import annotations

import csv
import io

import pytest
from kit.adapter import Stage, expect

CSV = {"Accept": "text/csv"}


def rows(stage: Stage, path: str = "/v2/accounts") -> list[list[str]]:
    answer = stage.client.get(path, headers=CSV)
    assert answer.status_code == 200, f"{answer.status_code}: {answer.text[:200]}"
    assert answer.mimetype == "text/csv", f"Content-Type: expected text/csv, got {answer.content_type}"
    return list(csv.reader(io.StringIO(answer.get_data().decode("utf-8"))))


def test_a_spreadsheet_gets_csv(stage: Stage) -> None:
    """A client that accepts text/csv gets a header line and a line for each account, in UTF-8."""
    mina = stage.sign_up("김미나")
    comma = stage.sign_up("Kim, Mina")

    header, *lines = rows(stage)

    assert header == ["id", "email", "name"]
    assert lines == [[str(one.id), one.email, one.name] for one in (mina, comma)]


def test_the_pages_are_the_same(stage: Stage) -> None:
    """limit and after cut the CSV as they cut the JSON."""
    first, second = stage.sign_up("하나"), stage.sign_up("둘")

    assert [row[2] for row in rows(stage, "/v2/accounts?limit=1")[1:]] == [first.name]
    assert [row[2] for row in rows(stage, f"/v2/accounts?after={first.id}")[1:]] == [second.name]


@pytest.mark.kept_before
@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/*"])
def test_json_stays_what_one_gets(stage: Stage, accept: str | None) -> None:
    """Who asks for nothing, for anything or for JSON gets JSON."""
    answer = stage.client.get("/v2/accounts", headers={"Accept": accept} if accept else {})

    assert expect(answer, 200) == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("text/csv;q=0.5, application/json", "application/json"),
        ("application/json;q=0.2, text/csv", "text/csv"),
        ("text/*, application/json;q=0.9", "text/csv"),
    ],
)
def test_the_client_says_what_it_likes_better(stage: Stage, accept: str, wanted: str) -> None:
    """The weights of the header decide, not the order."""
    answer = stage.client.get("/v2/accounts", headers={"Accept": accept})

    assert answer.mimetype == wanted, f"Accept: {accept}: expected {wanted}, got {answer.mimetype}"


@pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0"])
def test_nothing_that_fits_is_a_406(stage: Stage, accept: str) -> None:
    """A client that takes neither is told so, and not sent what it cannot read."""
    expect(stage.client.get("/v2/accounts", headers={"Accept": accept}), 406)


@pytest.mark.parametrize("accept", ["text/csv", "application/json"])
def test_caches_are_told(stage: Stage, accept: str) -> None:
    """Both say Vary: Accept, or a cache would give one client what another asked for."""
    answer = stage.client.get("/v2/accounts", headers={"Accept": accept})

    assert "accept" in answer.headers.get("Vary", "").lower(), f"Vary: {answer.headers.get('Vary')}"


def test_a_name_is_no_formula(stage: Stage) -> None:
    """A name that a spreadsheet would compute gets an apostrophe in front."""
    for name in ('=HYPERLINK("http://example.com")', "+1", "-1", "@SUM(A1)"):
        stage.sign_up(name)

    assert [row[2][:2] for row in rows(stage)[1:]] == ["'=", "'+", "'-", "'@"]


@pytest.mark.kept_before
def test_version_1_answers_json_only(stage: Stage) -> None:
    """The old version goes on as it was."""
    answer = stage.client.get("/v1/accounts", headers=CSV)

    assert expect(answer, 200) == []
