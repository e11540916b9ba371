"""Signing up without revealing who has an account, and who may see and change an account."""

from __future__ import annotations

import unicodedata
from typing import Any

import pyotp
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


NAMES = ["김미나", "José Ñandú", "O'Brien-Smith Jr.", "שרה", "محمد", "हिन्दी", "นภา", "한 글", "e\u0301lodie"]
NAMES += [
    "نامه\u200cای",
    "ක්\u200dරිෂ්",
    "👩\u200d💻 Mina",
    "❤\ufe0f\u200d🔥",
    "葛\U000e0100城",
    "1\ufe0f\u20e3",
    "👩🏽\u200d🚒",
    "👨\u200d👩\u200d👧",
    "ᠮ\u1810",
    "Mina\ufe10",
]


@pytest.mark.any_database
@pytest.mark.parametrize("name", NAMES)
def test_people_are_called_as_they_are(service: Stage, name: str) -> None:
    """In every script: joiners too, where a script or a picture needs them."""
    shown = expect(service.sign_up(name=name).client.get("/v2/accounts/me"), 200)["name"]

    assert shown == unicodedata.normalize("NFC", name)


# -- whose sign-up a link confirms -----------------------------------------------------------------

OWNERS, STRANGERS = "the passphrase of the owner", "the passphrase of a stranger"
OWNER, STRANGER = ("주인", OWNERS), ("낯선 사람", STRANGERS)
ORDERS = {
    "the owner alone": [OWNER],
    "a stranger first": [STRANGER, OWNER],
    "a stranger last": [OWNER, STRANGER],
    "strangers before and after": [STRANGER, OWNER, STRANGER, STRANGER],
    "the owner with another spelling": [STRANGER, ("주인", OWNERS, "MINA@Example.com")],
}


def sign_ups(service: Stage, mailbox: Any, order: list[Any]) -> list[tuple[Any, str]]:
    """Sign everybody up; return who each was, and the token of the link that was mailed."""
    found = []
    for name, password, *spelling in order:
        email = spelling[0] if spelling else "mina@example.com"
        expect(sign_up(service.client, email, name=name, password=password), 202)
        found.append(((name, password), mailbox.token()))
    return found


def verify(service: Stage, token: str) -> Any:
    """Open a link."""
    return service.client.post("/v2/accounts/verify", json={"token": token})


@pytest.mark.parametrize("required", [True, False], ids=["addresses are confirmed first", "or not"])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_a_link_confirms_the_sign_up_that_it_was_mailed_for(
    service: Stage, mailbox: Any, required: bool, order: list[Any]
) -> None:
    """The name and the password of that one, and of no other; no other link works after it."""
    service.app = service.new_app(REQUIRE_VERIFIED_EMAIL=required)
    mailbox.app, service.app.extensions["mail"] = service.app, mailbox
    links = sign_ups(service, mailbox, order)
    squatter = Client(service.app, "/v2")
    if not required:  # the first to sign up is in
        squatter.token = service.token("mina@example.com", order[0][1])

    expect(verify(service, next(token for who, token in links if who == OWNER)), 204)

    mine = Client(service.app, "/v2", service.token("mina@example.com", OWNERS))
    assert expect(mine.get("/v2/accounts/me"), 200)["name"] == "주인"
    expect(service.log_in("mina@example.com", STRANGERS), 401)
    assert {verify(service, token).status_code for _, token in links} == {400}
    if order[0] == STRANGER:
        expect(squatter.get("/v2/accounts/me"), 401)
    assert len(service.list_accounts()) == 1


def test_the_second_factor_of_a_stranger_does_not_stay(service: Stage, mailbox: Any) -> None:
    """Where an account may be used before its address is confirmed, a stranger has set one up."""
    (_, _), (_, owners) = sign_ups(service, mailbox, [STRANGER, OWNER])
    stranger = Client(service.app, "/v2", service.token("mina@example.com", STRANGERS))
    setup = stranger.post("/v2/auth/mfa", json={"current_password": STRANGERS})
    code = pyotp.TOTP(expect(setup, 200)["secret"]).now()
    expect(stranger.post("/v2/auth/mfa/confirm", json={"code": code}), 200)

    expect(verify(service, owners), 204)

    assert "access_token" in expect(service.log_in("mina@example.com", OWNERS), 200)


def test_what_the_owner_has_changed_since_stays(service: Stage, mailbox: Any) -> None:
    """The link of the first sign-up confirms the account as it is by now."""
    account = service.sign_up()
    expect(account.client.patch("/v2/accounts/me", json={"name": "이서준"}), 200)

    expect(verify(service, mailbox.token()), 204)

    assert expect(account.client.get("/v2/accounts/me"), 200)["name"] == "이서준"


def test_a_mail_that_was_lost_gives_nobody_elses_password(service: Stage, mailbox: Any) -> None:
    """Who asks for it again chooses a password: of two sign-ups nobody knows which was theirs."""
    service.app.config["REQUIRE_VERIFIED_EMAIL"] = True
    links = sign_ups(service, mailbox, [OWNER, STRANGER])
    expect(service.client.post("/v2/accounts/verify/resend", json={"email": "mina@example.com"}), 202)

    body = {"token": mailbox.token(), "new_password": "yet another passphrase"}
    expect(service.client.post("/v2/auth/password/reset", json=body), 204)

    expect(service.log_in("mina@example.com", STRANGERS), 401)
    expect(service.log_in("mina@example.com", "yet another passphrase"), 200)
    assert {verify(service, token).status_code for _, token in links} == {400}


def test_of_two_links_at_once_one_counts(service: Stage, mailbox: Any, at_once: Any) -> None:
    """The account has the name and the password of the same sign-up."""
    service.app.config["REQUIRE_VERIFIED_EMAIL"] = True
    links = sign_ups(service, mailbox, [OWNER, STRANGER] * 2)

    answers = at_once(4, lambda number: verify_by(Client(service.app), links[number][1]))

    assert sorted(answers) == [204, 400, 400, 400]
    name, password = links[answers.index(204)][0]
    mine = Client(service.app, "/v2", service.token("mina@example.com", password))
    assert expect(mine.get("/v2/accounts/me"), 200)["name"] == name


def verify_by(client: Client, token: str) -> int:
    """Open a link, as a client of its own."""
    return int(client.post("/v2/accounts/verify", json={"token": token}).status_code)


# -- who may do what -------------------------------------------------------------------------------


@pytest.mark.any_database
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_another_account_is_not_there(service: Stage, problem: Any, method: str) -> None:
    """To anyone but its owner and the admins, an account is as unknown as one that never existed."""
    owner, other = service.sign_up(), service.sign_up()

    body = {"current_password": PASSWORD} if method == "DELETE" else {"name": "이서준"}
    theirs = other.client.open(method, owner.path, json=body)
    nobodys = other.client.open(method, UNKNOWN, json=body)

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


def test_an_admin_who_cannot_log_in_is_not_one_who_stays(
    service: Stage, problem: Any, in_database: Any
) -> None:
    """The other one has not confirmed an address, or is disabled: then this one is the last."""
    account = service.sign_up()
    expect(service.admin.patch(account.path, json={"role": "admin"}), 200)

    problem(service.admin.delete("/accounts/me"), 409)
    in_database("UPDATE accounts SET verified_at = created_at WHERE id = ?", account.id)
    in_database("UPDATE accounts SET disabled_at = created_at WHERE id = ?", account.id)
    problem(service.admin.delete("/accounts/me"), 409)
    in_database("UPDATE accounts SET disabled_at = NULL")

    expect(service.admin.delete("/accounts/me"), 204)


def test_an_admin_alone_who_has_not_confirmed_an_address_stays_too(
    service: Stage, problem: Any, in_database: Any
) -> None:
    """Where that is not needed to log in, it is the last one all the same."""
    expect(service.admin.get("/accounts/me"), 200)
    in_database("UPDATE accounts SET verified_at = NULL")

    problem(service.admin.delete("/accounts/me"), 409)


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
