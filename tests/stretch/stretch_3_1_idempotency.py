"""Stretch task 3.1: a decorator that makes a POST safe to repeat, by a key that the client chooses."""

from __future__ import annotations

from typing import Any

import pytest
from kit.adapter import PASSWORD, Stage, expect

MINA = {"email": "mina@example.com", "name": "김미나", "password": PASSWORD}


def sign_up(stage: Stage, key: str | None, **changes: str) -> Any:
    headers = {"Idempotency-Key": key} if key is not None else {}
    return stage.client.post("/v2/accounts", json=MINA | changes, headers=headers)


def test_a_repeated_request_is_answered_again(stage: Stage) -> None:
    """The same key and body: the same status, body and Location, and one account."""
    first, again = sign_up(stage, "key-1"), sign_up(stage, "key-1")

    assert expect(first, 201) == expect(again, 201)
    assert first.headers["Location"] == again.headers["Location"]
    assert first.content_type == again.content_type
    assert len(stage.list_accounts()) == 1


@pytest.mark.kept_before
def test_without_a_key_nothing_is_remembered(stage: Stage) -> None:
    """Who sends no key gets what everybody got: the second is a conflict."""
    expect(sign_up(stage, None), 201)
    expect(sign_up(stage, None), 409)


def test_another_body_under_the_key_is_refused(stage: Stage) -> None:
    """One key is one request: with another body it is a mistake of the client, 422."""
    expect(sign_up(stage, "key-1"), 201)

    expect(sign_up(stage, "key-1", email="other@example.com"), 422)
    assert len(stage.list_accounts()) == 1


@pytest.mark.kept_before
def test_a_refusal_is_not_remembered(stage: Stage) -> None:
    """Nothing came of it, so the same key may try again with a body that is right."""
    expect(sign_up(stage, "key-1", name=""), 400)
    expect(sign_up(stage, "key-1"), 201)


@pytest.mark.kept_before
def test_another_key_is_another_request(stage: Stage) -> None:
    """Answers do not mix."""
    expect(sign_up(stage, "key-1"), 201)
    expect(sign_up(stage, "key-2"), 409)


def test_a_key_is_forgotten_after_a_day(stage: Stage, clock: Any) -> None:
    """A day is enough for any client to have tried again; then the key means nothing."""
    expect(sign_up(stage, "key-1"), 201)
    clock.forward(24 * 60 * 60 - 1)
    expect(sign_up(stage, "key-1"), 201)
    clock.forward(2)
    expect(sign_up(stage, "key-1"), 409)


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_has_a_size(stage: Stage, key: str) -> None:
    """From 1 to 255 characters: memory is not for the client to fill."""
    expect(sign_up(stage, key), 400)


def test_applications_remember_apart(stage: Stage) -> None:
    """What is remembered belongs to an application, not to a module."""
    expect(sign_up(stage, "key-1"), 201)
    other = stage.new_app().test_client()
    answer = other.post("/v2/accounts", json=MINA | {"name": "other"}, headers={"Idempotency-Key": "key-1"})

    assert expect(answer, 201)["name"] == "other"
    assert expect(sign_up(stage, "key-1"), 201)["name"] == "김미나"
