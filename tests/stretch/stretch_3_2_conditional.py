"""Stretch task 3.2: a decorator that saves sending what the client has: ETag and 304 (RFC 9110)."""

from __future__ import annotations

import pytest
from kit.adapter import Stage, expect


def tag(stage: Stage, client: object, path: str) -> str:
    answer = client.get(path)  # type: ignore[attr-defined]
    expect(answer, 200)
    assert answer.headers.get("ETag", "").startswith('"'), f"ETag: {answer.headers.get('ETag')}"
    return answer.headers["ETag"]


def test_an_account_has_a_tag(stage: Stage) -> None:
    """The same account, the same tag; another account, another."""
    mina, seojun = stage.sign_up("김미나"), stage.sign_up("이서준")

    assert tag(stage, mina.client, mina.path) == tag(stage, mina.client, mina.path)
    assert tag(stage, mina.client, mina.path) != tag(stage, seojun.client, seojun.path)


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_who_has_it_is_sent_nothing(stage: Stage, form: str) -> None:
    """If-None-Match with that tag: 304, no body, and the tag again."""
    mina = stage.sign_up()
    known = tag(stage, mina.client, mina.path)

    answer = mina.client.get(mina.path, headers={"If-None-Match": form.format(known)})

    assert expect(answer, 304) is None
    assert answer.headers["ETag"] == known


def test_who_has_an_old_one_is_sent_the_new(stage: Stage) -> None:
    """A change gives another tag, so the old one gets the whole answer."""
    mina = stage.sign_up()
    old = tag(stage, mina.client, mina.path)
    expect(mina.client.patch(mina.path, json={"name": "미나"}), 200)

    answer = mina.client.get(mina.path, headers={"If-None-Match": old})

    assert expect(answer, 200)["name"] == "미나"
    assert answer.headers["ETag"] != old


def test_me_has_it_by_inheritance(stage: Stage) -> None:
    """/v2/accounts/me answers 304, too, and so does version 1."""
    mina = stage.sign_up()
    for path in ("/v2/accounts/me", f"/v1/accounts/{mina.id}"):
        known = tag(stage, mina.client, path)
        expect(mina.client.get(path, headers={"If-None-Match": known}), 304)


def test_the_door_comes_first(stage: Stage) -> None:
    """A stranger with the right tag is still a stranger: 401, or 404 with a token of their own."""
    mina, seojun = stage.sign_up(), stage.sign_up()
    known = {"If-None-Match": tag(stage, mina.client, mina.path)}

    expect(stage.client.get(mina.path, headers=known), 401)
    expect(seojun.client.get(mina.path, headers=known), 404)


@pytest.mark.kept_before
def test_a_refusal_has_no_tag(stage: Stage) -> None:
    """Only what was found can be had already."""
    answer = stage.sign_up().client.get("/accounts/999999", headers={"If-None-Match": "*"})

    expect(answer, 404)
    assert "ETag" not in answer.headers
