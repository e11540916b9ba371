"""Try it, chapter 1, number 3: a method that version 2's list has alone."""

from __future__ import annotations

import pytest
from kit.adapter import Stage, expect
from kit.clients import expect_status


def test_version_2_patches_its_list(stage: Stage) -> None:
    """PATCH /v2/accounts returns 200."""
    expect(stage.client.patch("/v2/accounts", json={}), 200)


def test_options_names_the_method(stage: Stage) -> None:
    """OPTIONS /v2/accounts lists PATCH in Allow: a MethodView knows its methods."""
    allowed = stage.client.open("OPTIONS", "/v2/accounts").headers.get("Allow", "")

    assert "PATCH" in allowed.split(", "), f"Allow: expected PATCH too, got {allowed}"


@pytest.mark.kept_before
def test_version_1_has_no_such_method(stage: Stage) -> None:
    """PATCH /v1/accounts is still 405: what version 2 adds, version 1 does not get."""
    expect_status(stage.client.patch("/v1/accounts", json={}), 405)
