"""`ETag` and `If-Match`: no client undoes a change that it has not seen (RFC 9110 13.1, RFC 6585 3)."""

from __future__ import annotations

from typing import Any

import pytest
from kit.adapter import PASSWORD, SignedUp, Stage, expect

ME = "/v2/accounts/me"


@pytest.fixture
def account(service: Stage) -> SignedUp:
    """An account that has been changed once, and a client that adds no `If-Match` by itself."""
    account = service.sign_up()
    expect(account.client.patch(ME, json={"name": "이서준"}), 200)
    account.client.reads_first = False
    return account


# An `If-Match` for a row whose tag is "2", and the resulting status.
CONDITIONS = {
    "nothing": (None, 428),
    "the tag": ('"2"', 200),
    "the one before": ('"1"', 412),
    "one that is to come": ('"3"', 412),
    "whatever is there": ("*", 200),
    "a list with it": ('"1", "2"', 200),
    "a list without spaces": ('"1","2"', 200),
    "a list without it": ('"1", "3"', 412),
    "a weak one": ('W/"2"', 412),  # RFC 9110 13.1.1: by the strong comparison
    "a weak one in a list": ('W/"2", "1"', 412),
    "both in a list": ('W/"2", "2"', 200),
    "an empty tag": ('""', 412),
    "another account's": ('"abc"', 412),
    "nothing at all": ("", 412),
}


@pytest.mark.parametrize(("condition", "status"), CONDITIONS.values(), ids=CONDITIONS)
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_change_names_what_it_changes(
    service: Stage, account: SignedUp, problem: Any, method: str, condition: str | None, status: int
) -> None:
    """A change that does not is refused, and nothing has changed."""
    headers = {} if condition is None else {"If-Match": condition}

    body = {"name": "김민아"} if method == "PATCH" else {"current_password": PASSWORD}

    answer = account.client.open(method, ME, json=body, headers=headers)

    assert answer.status_code == (204 if method == "DELETE" and status == 200 else status)
    if status != 200:
        problem(answer, status)
        assert expect(account.client.get(ME), 200)["name"] == "이서준"


def test_a_tag_changes_with_what_is_shown_and_only_then(service: Stage, account: SignedUp) -> None:
    """`me` and the id have the same tag; a change returns the new one; the same name is not a change."""
    tag = account.client.get(ME).headers["ETag"]
    assert tag == account.client.get(account.path).headers["ETag"] == '"2"'

    same = account.client.patch(ME, json={"name": "이서준"}, headers={"If-Match": tag})
    changed = account.client.patch(ME, json={"name": "김민아"}, headers={"If-Match": tag})

    assert (same.headers["ETag"], changed.headers["ETag"]) == (tag, '"3"')
    assert account.client.get(ME).headers["ETag"] == '"3"'


UNCHANGED = {
    "the tag": ('"2"', 304),
    "weakly": ('W/"2"', 304),
    "any": ("*", 304),
    "an older one": ('"1"', 200),
}


@pytest.mark.parametrize(("known", "status"), UNCHANGED.values(), ids=UNCHANGED)
def test_an_unchanged_account_is_304(account: SignedUp, known: str, status: int) -> None:
    """`If-None-Match` compares weakly (RFC 9110 13.1.2); 304 has no body."""
    answer = account.client.get(ME, headers={"If-None-Match": known})

    assert answer.status_code == status and bool(answer.data) == (status == 200)


def test_what_is_not_there_needs_no_tag(service: Stage, account: SignedUp, problem: Any) -> None:
    """Whether it is there comes first: 404 and 403 do not become 428 or 412."""
    other = service.sign_up()

    problem(account.client.patch(other.path, json={"name": "김민아"}), 404)
    problem(account.client.delete(other.path, headers={"If-Match": '"1"'}), 404)
    problem(account.client.patch(ME, json={"role": "admin"}), 403)
    problem(account.client.patch(ME, json={"name": ""}), 400)
