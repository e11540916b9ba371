"""Signing up without revealing who has an account, and who may see and change an account."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from kit.adapter import PASSWORD, Client, Stage, expect

UNKNOWN = "/v2/accounts/01900000-0000-7000-8000-000000000000"


def sign_up(client: Client, email: str, **changes: Any) -> Any:
    """Send a sign-up and return the response."""
    return client.post(
        "/v2/accounts", json={"email": email, "name": "김미나", "password": PASSWORD} | changes
    )


# -- signing up ------------------------------------------------------------------------------------


@pytest.mark.any_database
@pytest.mark.parametrize("again", ["mina@example.com", "MINA@Example.COM", " mina@example.com "])
def test_a_known_and_a_new_email_get_the_same_answer(service: Stage, hashes: Any, again: str) -> None:
    """Status, body and headers are the same, and so is the work: one hash. No second account, no change."""
    new = sign_up(service.client, "mina@example.com")
    assert len(hashes) == 1
    known = sign_up(service.client, again, name="이서준", password="another passphrase 123")
    assert len(hashes) == 2

    assert new.status_code == known.status_code == 202
    assert new.data == known.data
    assert [name for name, _ in new.headers] == [name for name, _ in known.headers]
    assert [account["name"] for account in service.list_accounts()] == ["김미나"]
    expect(service.log_in("mina@example.com"), 200)
    expect(service.log_in("mina@example.com", "another passphrase 123"), 401)


SAME = [("mina@EXAMPLE.com", "Mina@example.com"), ("m@bücher.example", "m@xn--bcher-kva.example")]
SAME += [("mike@example.com", "mi\u212ae@example.com")]  # KELVIN SIGN is K, by Unicode's own definition
SAME += [("m@BÜCHER.example", "m@bücher.example"), ("é@example.com", "e\u0301@example.com")]
APART = [("mike@example.com", "m\u0131ke@example.com")]
APART += [("m@fass.example", "m@faß.example"), ("mina@example.com", "mina+1@example.com")]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_an_email_has_one_account_however_it_is_spelt(service: Stage, one: str, other: str) -> None:
    """Capitals, either form of a domain and either form of an accent never make a second account."""
    expect(sign_up(service.client, one), 202)
    expect(sign_up(service.client, other), 202)

    assert len(service.list_accounts()) == 1
    expect(service.log_in(other), 200)


@pytest.mark.parametrize(("one", "other"), APART)
def test_emails_that_look_alike_are_not_the_same(service: Stage, one: str, other: str) -> None:
    """A letter is not mistaken for one of another script: the other address may have another owner."""
    expect(sign_up(service.client, one), 202)
    expect(service.log_in(other), 401)
    expect(sign_up(service.client, other), 202)

    assert len(service.list_accounts()) == 2


def test_twenty_sign_ups_for_one_email_make_one_account(service: Stage, at_once: Any) -> None:
    """The race ends in the ordinary response for all, and in one account."""
    app = service.new_app(PASSWORD_SLOTS=20, ATTEMPTS_PER_ACCOUNT=20, MAILS_PER_ACCOUNT=20)

    spellings = ["mina@example.com", "MINA@example.com", "Mina@EXAMPLE.com"]
    answers = at_once(20, lambda number: sign_up(Client(app), spellings[number % 3]))

    assert {answer.status_code for answer in answers} == {202}
    assert count_accounts(app) == 1


def test_twenty_sign_ups_at_once_are_all_kept(service: Stage, at_once: Any) -> None:
    """Writers wait for each other: nothing is lost, and no client is told that the database is locked."""
    app = service.new_app(PASSWORD_SLOTS=20)

    answers = at_once(20, lambda number: sign_up(Client(app), f"mina{number}@example.com"))

    assert {answer.status_code for answer in answers} == {202}
    assert count_accounts(app) == 20


def count_accounts(app: Flask) -> int:
    """Return how many accounts the database has."""
    with app.app_context(), app.extensions["sqlalchemy"].engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM accounts").scalar())


# -- who may do what -------------------------------------------------------------------------------


@pytest.mark.any_database
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_another_account_is_not_there(service: Stage, problem: Any, method: str) -> None:
    """To anyone but its owner and the admins, an account is as unknown as one that never existed."""
    owner, other = service.sign_up(), service.sign_up()

    theirs = other.client.open(method, owner.path, json={"name": "이서준"})
    nobodys = other.client.open(method, UNKNOWN, json={"name": "이서준"})

    first, second = problem(theirs, 404), problem(nobodys, 404)
    assert first | {"instance": ""} == second | {"instance": ""}
    assert expect(owner.client.get(owner.path), 200)["name"] == owner.name


def test_an_admin_reads_changes_and_deletes_any_account(service: Stage) -> None:
    """An admin manages the accounts of all."""
    account = service.sign_up()

    assert expect(service.admin.get(account.path), 200)["email"] == account.email
    assert expect(service.admin.patch(account.path, json={"name": "이서준"}), 200)["name"] == "이서준"
    expect(service.admin.delete(account.path), 204)
    expect(service.admin.get(account.path), 404)


def test_me_is_the_account_of_the_token(service: Stage) -> None:
    """`/accounts/me` reads, changes and deletes the client's own account."""
    account = service.sign_up()

    assert expect(account.client.get("/accounts/me"), 200) == expect(account.client.get(account.path), 200)
    assert expect(account.client.patch("/accounts/me", json={"name": "이서준"}), 200)["name"] == "이서준"
    answer = account.client.delete("/accounts/me")
    assert (answer.status_code, answer.data, answer.content_type) == (204, b"", None)
    expect(account.client.get("/accounts/me"), 401)


def test_the_last_admin_cannot_leave(service: Stage, problem: Any) -> None:
    """A service needs an admin; once there are two, one may leave."""
    problem(service.admin.delete("/accounts/me"), 409)
    service.create_admin("boss@example.com", "관리자")

    expect(service.admin.delete("/accounts/me"), 204)


def test_an_account_shows_this_and_no_more(service: Stage) -> None:
    """The fields that a client sees, each by name: nothing is added by accident."""
    shown = expect(service.sign_up(name="김미나").client.get("/accounts/me"), 200)

    assert set(shown) == {"id", "email", "name", "role", "created_at", "verified", "disabled", "mfa"}
    assert (shown["name"], shown["role"], shown["created_at"][-1]) == ("김미나", "member", "Z")


def test_a_page_links_to_the_next(service: Stage) -> None:
    """`Link: rel="next"` says the same as `next`, and the last page has neither."""
    for _ in range(2):
        service.sign_up()

    page = service.admin.get("/v2/accounts?limit=2")
    following = expect(page, 200)["next"]
    assert page.headers["Link"] == f'<{following}>; rel="next"'
    assert following.startswith("/v2/accounts?")
    last = service.admin.get(following)
    assert expect(last, 200)["next"] is None
    assert "Link" not in last.headers


def test_the_list_is_compressed_and_not_kept(service: Stage) -> None:
    """What another worker changes must show at once, so no list comes from a cache."""
    service.sign_up(name="김미나")
    for name in ("김미나", "김민아"):
        with service.app.app_context():  # as another worker would: past this application's services
            database = service.app.extensions["sqlalchemy"]
            table = next(t for t in database.metadata.tables.values() if "password_hash" in t.columns)
            database.session.execute(table.update().where(table.c.role == "member").values(name=name))
            database.session.commit()

        listed = expect(service.admin.get("/v2/accounts"), 200)["items"]

        assert name in [account["name"] for account in listed]
