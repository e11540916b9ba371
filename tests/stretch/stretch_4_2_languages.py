"""Stretch task 4.2: problems in the language of their reader (RFC 9110, sections 8.5 and 12.5.4)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from kit.adapter import PASSWORD, Stage, expect

HANGUL = re.compile("[가-힣]")


def refused(stage: Stage, language: str | None, path: str = "/v2/accounts/me") -> Any:
    return stage.client.get(path, headers={"Accept-Language": language} if language else {})


@pytest.mark.parametrize("language", ["ko", "ko-KR", "ko-KR,ko;q=0.9,en;q=0.8", "fr, ko;q=0.5"])
def test_a_korean_reader_reads_korean(stage: Stage, language: str) -> None:
    """Accept-Language decides about the detail, and Content-Language says what it is."""
    answer = refused(stage, language)

    assert HANGUL.search(expect(answer, 401)["detail"]), answer.text
    assert answer.headers.get("Content-Language") == "ko"


@pytest.mark.parametrize("language", [None, "en", "en-GB, ko;q=0.5", "fr"])
def test_everybody_else_reads_english(stage: Stage, language: str | None) -> None:
    """Where no language fits, English does; and it says so."""
    answer = refused(stage, language)

    assert expect(answer, 401)["detail"] == "log in first"
    assert answer.headers.get("Content-Language") == "en"


def test_every_kind_of_problem_is_translated(stage: Stage) -> None:
    """Whatever a client can bring about: not found, taken, not allowed, wrong fields, wrong type."""
    mina = stage.sign_up()
    korean = {"headers": {"Accept-Language": "ko"}}
    taken = {"email": mina.email, "name": "other", "password": PASSWORD}
    for answer, status in (
        (mina.client.get("/v2/accounts/999999", **korean), 404),
        (mina.client.get("/v2/accounts", **korean), 403),
        (stage.client.post("/v2/accounts", json=taken, **korean), 409),
        (stage.client.post("/v2/accounts", json={}, **korean), 400),
        (stage.client.post("/v2/accounts", data="hello", **korean), 415),
    ):
        assert HANGUL.search(expect(answer, status)["detail"]), answer.text


def test_caches_are_told(stage: Stage) -> None:
    """The answer depends on the header, so Vary names it, in every language."""
    for language in ("ko", "en"):
        assert "accept-language" in refused(stage, language).headers.get("Vary", "").lower()


@pytest.mark.kept_before
def test_programs_read_what_does_not_change(stage: Stage) -> None:
    """Status, title and the names of the fields are for programs: the same in every language."""
    english, korean = (
        expect(stage.client.post("/v2/accounts", json={}, headers={"Accept-Language": language}), 400)
        for language in ("en", "ko")
    )

    assert [english[name] for name in ("type", "title", "status")] == [
        korean[name] for name in ("type", "title", "status")
    ]
    assert [fault["field"] for fault in english["errors"]] == [fault["field"] for fault in korean["errors"]]


@pytest.mark.kept_before
def test_version_1_speaks_english(stage: Stage) -> None:
    """It always did."""
    assert expect(refused(stage, "ko", "/v1/accounts/1"), 401) == {"error": "log in first"}
