"""What the service does from its first file on, whatever it is made of: `start` and every stage after it."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from kit.adapter import PASSWORD, Stage, expect
from kit.clients import expect_header, expect_object, expect_status
from kit.superseded import superseded

ENUMERATION = "registration answers 202 so that it does not reveal who has an account"
REGISTRATION = "final/test_accounts.py::test_a_known_and_a_new_email_get_the_same_answer"

NOT_AN_ACCOUNT = {
    "no JSON": "{",
    "a list": "[]",
    "text": '"mina@example.com"',
    "null": "null",
    "nothing": "",
    "no name": f'{{"email": "mina@example.com", "password": "{PASSWORD}"}}',
    "a blank name": f'{{"email": "mina@example.com", "name": "  ", "password": "{PASSWORD}"}}',
    "a number as name": f'{{"email": "mina@example.com", "name": 7, "password": "{PASSWORD}"}}',
    "half a character": f'{{"email": "mina@example.com", "name": "\\ud800", "password": "{PASSWORD}"}}',
    "no e-mail": f'{{"name": "김미나", "password": "{PASSWORD}"}}',
    "an e-mail without @": f'{{"email": "mina", "name": "김미나", "password": "{PASSWORD}"}}',
    "a number as e-mail": f'{{"email": 7, "name": "김미나", "password": "{PASSWORD}"}}',
}

NOT_A_NAME = {
    "no JSON": "{",
    "a list": "[]",
    "no name": "{}",
    "a blank name": '{"name": " "}',
    "null": '{"name": null}',
    "half a character": '{"name": "\\ud800"}',
}


def test_an_account_is_created_and_read(stage: Stage, version: str) -> None:
    """An account that was created can be read."""
    account = stage.sign_up(name="김미나", email="mina@example.com")

    read = expect_object(account.client.get(account.path), 200)

    assert read["id"] == account.id
    assert read["name"] == "김미나"
    assert read["email"] == "mina@example.com"


@superseded("final", ENUMERATION, by=REGISTRATION)
def test_creating_answers_201_and_where_the_account_is(stage: Stage, version: str) -> None:
    """`POST /accounts` returns 201 with the account, and its URL in `Location`, in the same version."""
    new = {"email": "mina@example.com", "name": "김미나", "password": PASSWORD}

    answer = stage.client.post("/accounts", json=new)

    account = expect_object(answer, 201)
    assert account["name"] == "김미나"
    location = urljoin(answer.request.url, expect_header(answer, "Location"))
    below = f"{stage.prefix}/accounts/"
    assert urlsplit(location).path.startswith(below), f"expected a URL below {below}, got {location}"
    read = stage.admin.get(location)
    assert expect_object(read, 200)["id"] == account["id"]
    assert "Location" not in read.headers, "expected `Location` in the response to the POST alone"


def test_the_list_has_every_account_once(stage: Stage, version: str) -> None:
    """`GET /accounts` lists each account once, whenever it is asked."""
    made = [stage.sign_up(name=name).id for name in ("김미나", "이서준", "박하윤")]

    for _ in range(2):
        listed = [account["id"] for account in stage.list_accounts()]
        assert sorted(listed) == sorted(made)


def test_a_new_service_has_no_accounts(stage: Stage, version: str) -> None:
    """A new service has an empty list."""
    assert stage.list_accounts() == []


def test_a_name_can_be_changed(stage: Stage, version: str) -> None:
    """`PATCH /accounts/<id>` changes that account's name and nothing else."""
    account, other = stage.sign_up(name="김미나"), stage.sign_up(name="이서준")
    assert {one["name"] for one in stage.list_accounts()} == {"김미나", "이서준"}

    changed = expect_object(account.client.patch(account.path, json={"name": "김민아"}), 200)

    assert changed["name"] == "김민아"
    assert (changed["id"], changed["email"]) == (account.id, account.email)
    assert expect_object(account.client.get(account.path), 200)["name"] == "김민아"
    assert expect_object(other.client.get(other.path), 200)["name"] == "이서준"
    assert {one["name"] for one in stage.list_accounts()} == {"김민아", "이서준"}

    more = {"name": "김민아", "email": "juno@example.com", "id": other.id, "role": "admin"}
    expect_status(
        account.client.patch(account.path, json=more), 200, 400
    )  # a service may ignore or refuse the rest
    assert expect_object(account.client.get(account.path), 200) == changed


def test_a_deleted_account_is_gone(stage: Stage, version: str) -> None:
    """`DELETE /accounts/<id>` returns 204, and from then on the account is 404."""
    account, other = stage.sign_up(), stage.sign_up()
    assert len(stage.list_accounts()) == 2

    assert expect(account.client.delete(account.path), 204) is None

    expect_status(stage.admin.get(account.path), 404)
    assert [left["id"] for left in stage.list_accounts()] == [other.id]


def test_the_email_of_a_deleted_account_is_free_again(stage: Stage) -> None:
    """The e-mail address of a deleted account can sign up again."""
    account = stage.sign_up(email="mina@example.com")
    expect(account.client.delete(account.path), 204)

    assert stage.sign_up(email="mina@example.com").email == "mina@example.com"


def test_an_id_is_not_given_twice(stage: Stage) -> None:
    """The id of a deleted account is never reused, and no two accounts have the same."""
    first, second, third = stage.sign_up(), stage.sign_up(), stage.sign_up()
    for account in (third, first):
        expect(account.client.delete(account.path), 204)

    ids = [account.id for account in (first, second, third, stage.sign_up(), stage.sign_up())]

    assert len(set(ids)) == 5, f"expected five ids, got {ids}"
    assert expect_object(stage.admin.get(second.path), 200)["email"] == second.email


@pytest.mark.parametrize("unknown", ["0", "-1", "999999999", str(2**63), "99999999999999999999999", "nobody"])
def test_an_unknown_account_is_404(stage: Stage, unknown: str) -> None:
    """An unknown id is 404, for every method."""
    path = f"{stage.prefix}/accounts/{unknown}"

    answers = [
        stage.admin.get(path),
        stage.admin.patch(path, json={"name": "김미나"}),
        stage.admin.delete(path),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


@pytest.mark.parametrize("body", NOT_AN_ACCOUNT.values(), ids=NOT_AN_ACCOUNT)
def test_a_bad_account_is_refused(stage: Stage, version: str, body: str) -> None:
    """A body that isn't a valid account is refused with 400 and creates nothing."""
    expect_status(stage.client.post("/accounts", data=body, content_type="application/json"), 400)

    assert stage.list_accounts() == []


@pytest.mark.parametrize("body", NOT_A_NAME.values(), ids=NOT_A_NAME)
def test_a_bad_name_is_refused(stage: Stage, version: str, body: str) -> None:
    """A body without a usable name is refused with 400 and changes nothing."""
    account = stage.sign_up(name="김미나")

    expect_status(account.client.patch(account.path, data=body, content_type="application/json"), 400)

    assert expect_object(account.client.get(account.path), 200)["name"] == "김미나"


@superseded("final", ENUMERATION, by=REGISTRATION)
@pytest.mark.parametrize("again", ["mina@example.com", "MINA@Example.com"])
def test_an_email_has_one_account(stage: Stage, version: str, again: str) -> None:
    """A second account for an e-mail, however it is capitalised, is refused with 409."""
    stage.sign_up(email="mina@example.com")

    answer = stage.client.post("/accounts", json={"email": again, "name": "이서준", "password": PASSWORD})

    expect_status(answer, 409)
    assert len(stage.list_accounts()) == 1
