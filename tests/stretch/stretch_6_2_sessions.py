"""Stretch task 6.2: where am I logged in? GET /v2/auth/sessions, and ending one of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kit.adapter import Client, Stage, expect


def log_in_again(stage: Stage, email: str) -> Client:
    return Client(stage.app, stage.prefix, stage.token(email))


def sessions(client: Client) -> list[dict[str, Any]]:
    return expect(client.get("/v2/auth/sessions"), 200)["items"]


def test_ones_sessions_are_listed(stage: Stage) -> None:
    """One for each log-in, with an id and when it ends, and the one that asks is marked."""
    mina = stage.sign_up()
    phone = log_in_again(stage, mina.email)

    found = sessions(phone)

    assert len(found) == 2 and len({session["id"] for session in found}) == 2
    assert [session["current"] for session in found].count(True) == 1
    for session in found:
        assert datetime.fromisoformat(session["expires_at"]) > datetime.now(UTC), session


def test_nobody_sees_those_of_others(stage: Stage) -> None:
    """Only one's own."""
    mina, seojun = stage.sign_up(), stage.sign_up()

    assert {s["id"] for s in sessions(mina.client)}.isdisjoint(s["id"] for s in sessions(seojun.client))


def test_one_of_them_can_be_ended(stage: Stage) -> None:
    """The lost phone: its token stops working, this one goes on, and the list is shorter."""
    mina = stage.sign_up()
    phone = log_in_again(stage, mina.email)
    lost = next(session["id"] for session in sessions(phone) if session["current"])

    expect(mina.client.delete(f"/v2/auth/sessions/{lost}"), 204)

    expect(phone.get("/v2/accounts/me"), 401)
    assert lost not in {session["id"] for session in sessions(mina.client)}


def test_those_of_others_are_not_there(stage: Stage) -> None:
    """Ending somebody else's is 404, as if it did not exist; and it goes on."""
    mina, seojun = stage.sign_up(), stage.sign_up()
    theirs = sessions(seojun.client)[0]["id"]

    expect(mina.client.delete(f"/v2/auth/sessions/{theirs}"), 404)
    expect(mina.client.delete("/v2/auth/sessions/nonsense"), 404)

    expect(seojun.client.get("/v2/accounts/me"), 200)


def test_a_stranger_sees_none(stage: Stage) -> None:
    """Without a token both are 401."""
    expect(stage.client.get("/v2/auth/sessions"), 401)
    expect(stage.client.delete("/v2/auth/sessions/some"), 401)
