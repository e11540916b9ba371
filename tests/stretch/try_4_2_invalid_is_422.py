"""Try it, chapter 4, number 2: a status that one version alone has."""

from __future__ import annotations

import pytest
from kit.adapter import Stage, expect


def test_version_1_answers_422(stage: Stage) -> None:
    """POST /v1/accounts without a name is 422."""
    expect(stage.client.post("/v1/accounts", json={"email": "mina@example.com"}), 422)


@pytest.mark.kept_before
def test_version_2_stays_as_it_is(stage: Stage) -> None:
    """POST /v2/accounts without a name is still 400."""
    expect(stage.client.post("/v2/accounts", json={"email": "mina@example.com"}), 400)


@pytest.mark.kept_before
def test_other_errors_of_version_1_stay(stage: Stage) -> None:
    """An account that does not exist is still 404, and JSON in the form of version 1."""
    answer = stage.admin.get("/v1/accounts/0")

    assert "error" in expect(answer, 404)
