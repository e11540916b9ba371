"""Stretch task 5.1: a hook that counts what each request asks of the database."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from kit.adapter import Stage


def count(answer: Any) -> int:
    found = answer.headers.get("X-Query-Count")
    assert found is not None and found.isdecimal(), f"X-Query-Count: expected a number, got {found!r}"
    return int(found)


def test_every_answer_says_how_often_it_asked(stage: Stage) -> None:
    """X-Query-Count is a number: at least one for an account, none for an address that is not there."""
    mina = stage.sign_up()

    assert count(mina.client.get("/v2/accounts/me")) >= 1
    assert count(stage.client.get("/v2/nowhere")) == 0


def test_each_request_counts_for_itself(stage: Stage) -> None:
    """The same request, the same number: nothing is left from the one before."""
    mina = stage.sign_up()

    assert len({count(mina.client.get("/v2/accounts/me")) for _ in range(3)}) == 1


def test_applications_count_apart(stage: Stage) -> None:
    """Two applications in one process do not count each other's queries, or each of them twice."""
    mina = stage.sign_up()
    alone = count(mina.client.get("/v2/accounts/me"))
    stage.new_app()

    assert count(mina.client.get("/v2/accounts/me")) == alone


def test_a_list_asks_as_often_for_many_as_for_one(stage: Stage) -> None:
    """What the count is for: a query for each row of a list would show here."""
    client = stage.admin
    few = count(client.get("/v2/accounts?limit=100"))
    for _ in range(5):
        stage.sign_up()

    assert count(client.get("/v2/accounts?limit=100")) == few


def test_the_log_has_it(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """The access log's line has the same number, as queries."""
    caplog.set_level(logging.INFO, logger="access")
    mina = stage.sign_up()
    caplog.clear()

    answer = mina.client.get("/v2/accounts/me")

    assert json.loads(caplog.records[-1].getMessage()).get("queries") == count(answer)


def test_work_outside_of_a_request_is_fine(stage: Stage) -> None:
    """A command asks the database, too, and there is no request to count for."""
    result = stage.create_admin("admin@example.com", "관리자")

    assert result.exit_code == 0, result.output
    assert count(stage.client.get("/v2/nowhere")) == 0
