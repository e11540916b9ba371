"""Stretch task 1.2: a third version of the API, whose pages are linked by a header (RFC 8288)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from kit.adapter import Stage, expect

NEXT = re.compile(r'<([^>]*)>; rel="?next"?')


def get(stage: Stage, path: str) -> tuple[Any, str | None]:
    """Return what a page holds, and the address of the next."""
    answer = stage.app.test_client().get(path)
    link = NEXT.fullmatch(answer.headers.get("Link", ""))
    return expect(answer, 200), link and link[1]


def test_a_page_is_a_bare_array(stage: Stage) -> None:
    """Version 3 lists an array, as version 1 did, and a page of it, as version 2 does."""
    mina = stage.sign_up("김미나")
    stage.sign_up("이서준")

    items, _ = get(stage, "/v3/accounts?limit=1")

    assert [item["name"] for item in items] == [mina.name]


def test_the_next_page_is_in_a_header(stage: Stage) -> None:
    """Link has the address of the next page, of this version; following it lists every account once."""
    names = [stage.sign_up(name).name for name in ("하나", "둘", "셋")]
    found, path = [], "/v3/accounts?limit=2"
    while path:
        items, path = get(stage, path)
        found += [item["name"] for item in items]
        assert path is None or path.startswith("/v3/accounts?"), path
        assert len(found) <= len(names), "the last page has a Link too"

    assert found == names


def test_everything_else_is_inherited(stage: Stage) -> None:
    """Creating, reading, renaming and deleting work below /v3, and Location names it."""
    client = stage.app.test_client()
    made = client.post("/v3/accounts", json={"email": "mina@example.com", "name": "김미나"})
    expect(made, 201)
    path = made.headers["Location"]

    assert path.startswith("/v3/accounts/")
    assert expect(client.get(path), 200)["name"] == "김미나"
    assert expect(client.patch(path, json={"name": "미나"}), 200)["name"] == "미나"
    expect(client.delete(path), 204)
    expect(client.get(path), 404)


@pytest.mark.parametrize("limit", ["0", "101", "all"])
def test_a_wrong_limit_is_refused(stage: Stage, limit: str) -> None:
    """The checks of version 2 hold, too."""
    expect(stage.app.test_client().get(f"/v3/accounts?limit={limit}"), 400)


@pytest.mark.kept_before
def test_the_older_versions_are_as_they_were(stage: Stage) -> None:
    """Version 1 lists an array without pages, version 2 items and next, and neither has a Link."""
    stage.sign_up()
    client = stage.app.test_client()

    assert isinstance(expect(client.get("/v1/accounts"), 200), list)
    assert set(expect(client.get("/v2/accounts"), 200)) == {"items", "next"}
    assert "Link" not in client.get("/v2/accounts?limit=1").headers
