"""Stretch task 4.1: problems that name their type by an address that explains it (RFC 9457)."""

from __future__ import annotations

from typing import Any

import pytest
from kit.adapter import PASSWORD, Stage, expect


def problem(answer: Any, status: int) -> dict[str, Any]:
    body = expect(answer, status)
    assert answer.mimetype == "application/problem+json", answer.content_type
    return body


def of_every_kind(stage: Stage) -> dict[str, dict[str, Any]]:
    """Return a problem of each kind that a client can bring about, by what was done."""
    mina = stage.sign_up()
    taken = {"email": mina.email, "name": "other", "password": PASSWORD}
    text = {"data": "hello", "content_type": "text/plain"}
    return {
        "strange": problem(mina.client.get("/v2/accounts/999999"), 404),
        "nobody": problem(stage.client.get("/v2/accounts/me"), 401),
        "member": problem(mina.client.get("/v2/accounts"), 403),
        "taken": problem(stage.client.post("/v2/accounts", json=taken), 409),
        "wrong": problem(stage.client.post("/v2/accounts", json={}), 400),
        "text": problem(stage.client.post("/v2/accounts", **text), 415),
    }


def test_every_kind_has_a_type_of_its_own(stage: Stage) -> None:
    """The type is an address of this service, another for each kind of problem."""
    types = {done: found["type"] for done, found in of_every_kind(stage).items()}

    assert all(address.startswith("/problems/") for address in types.values()), types
    assert len(set(types.values())) == len(types), types


def test_a_type_says_in_its_name_what_it_is(stage: Stage) -> None:
    """A client can tell problems apart by it: no-such-account, email-taken, not-logged-in."""
    kinds = of_every_kind(stage)
    types = {done: found["type"].removeprefix("/problems/") for done, found in kinds.items()}

    assert (types["strange"], types["taken"], types["nobody"]) == (
        "no-such-account",
        "email-taken",
        "not-logged-in",
    )


def test_a_type_can_be_read(stage: Stage) -> None:
    """Following it explains the problem: its type, its status, and in a sentence what it is."""
    for found in of_every_kind(stage).values():
        explained = expect(stage.app.test_client().get(found["type"]), 200)
        assert explained["type"] == found["type"] and explained["status"] == found["status"]
        assert len(explained["description"]) > 10


def test_a_type_that_is_none_is_a_404(stage: Stage) -> None:
    """Nobody invents types: an unknown one is not found, as a problem, and what is no type stays unread."""
    expect(stage.app.test_client().get("/problems/no-such-account"), 200)
    for name in ("nonsense", "service-error"):
        problem(stage.app.test_client().get(f"/problems/{name}"), 404)


@pytest.mark.kept_before
def test_what_http_itself_refuses_has_no_type(stage: Stage) -> None:
    """about:blank says: there is no more to know than the status."""
    assert problem(stage.client.get("/v2/nowhere"), 404)["type"] == "about:blank"
    assert problem(stage.client.open("PUT", "/v2/accounts"), 405)["type"] == "about:blank"


@pytest.mark.kept_before
def test_version_1_is_as_it_was(stage: Stage) -> None:
    """Its errors have no type."""
    assert expect(stage.client.get("/v1/accounts/1"), 401) == {"error": "log in first"}
