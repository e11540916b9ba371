"""Stretch task 6.1: logging out on every device, built test first: DELETE /v2/auth/sessions."""

from __future__ import annotations

from kit.adapter import Client, Stage, expect


def log_in_again(stage: Stage, email: str) -> Client:
    return Client(stage.app, stage.prefix, stage.token(email))


def test_every_token_stops_working(stage: Stage) -> None:
    """204, and neither this token nor that of another device opens anything any more."""
    mina = stage.sign_up()
    phone = log_in_again(stage, mina.email)

    expect(phone.delete("/v2/auth/sessions"), 204)

    for device in (phone, mina.client):
        expect(device.get("/v2/accounts/me"), 401)


def test_others_stay_logged_in(stage: Stage) -> None:
    """It is about one account."""
    mina, seojun = stage.sign_up(), stage.sign_up()

    expect(mina.client.delete("/v2/auth/sessions"), 204)

    expect(seojun.client.get("/v2/accounts/me"), 200)


def test_one_may_come_back(stage: Stage) -> None:
    """Logging in works as before, with a token that is good."""
    mina = stage.sign_up()
    expect(mina.client.delete("/v2/auth/sessions"), 204)

    expect(log_in_again(stage, mina.email).get("/v2/accounts/me"), 200)


def test_a_stranger_ends_nothing(stage: Stage) -> None:
    """Without a token it is 401 and says how to log in."""
    answer = stage.client.delete("/v2/auth/sessions")

    expect(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_an_ended_token_ends_nothing(stage: Stage) -> None:
    """A session that was logged out cannot log out those that began after it."""
    mina = stage.sign_up()
    expect(mina.client.delete("/v2/auth/sessions"), 204)
    later = log_in_again(stage, mina.email)

    expect(mina.client.delete("/v2/auth/sessions"), 401)
    expect(later.get("/v2/accounts/me"), 200)
