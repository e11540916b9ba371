"""What an access token is not enough for: it may be stolen, and it is good for ten minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pyotp
import pytest
from kit.adapter import PASSWORD, Client, SignedUp, Stage, expect

ME, MFA = "/v2/accounts/me", "/v2/auth/mfa"
BOSS = "boss@example.com"
ANY = {"If-Match": "*"}
WRONG = {"current_password": "not this one, certainly"}


def thief_of(account: SignedUp, service: Stage) -> Client:
    """Return somebody who has the access token and nothing else."""
    client = Client(service.app, "/v2", account.client.token)
    client.reads_first = False
    return client


# -- one's own account -----------------------------------------------------------------------------

PROVES_NOTHING: dict[str, tuple[dict[str, Any], int]] = {
    "no body": ({}, 415),
    "an empty one": ({"json": {}}, 400),
    "a wrong password": ({"json": WRONG}, 403),
    "an empty password": ({"json": {"current_password": ""}}, 403),
    "no text": ({"json": {"current_password": None}}, 400),
    "a code alone": ({"json": {"code": "000000"}}, 400),
    "an unknown field": ({"json": {"current_password": PASSWORD, "sure": True}}, 400),
}


@pytest.mark.parametrize("path", ["/v2/accounts/me", "{id}"], ids=["me", "by its id"])
@pytest.mark.parametrize(("options", "status"), PROVES_NOTHING.values(), ids=PROVES_NOTHING)
def test_a_token_alone_deletes_no_account(
    service: Stage, problem: Any, path: str, options: Any, status: int
) -> None:
    """Neither by `me` nor by the id, and whatever `If-Match` says. The password does."""
    account = service.sign_up()
    path = path.format(id=account.path)
    thief = thief_of(account, service)

    problem(thief.delete(path, headers=ANY, **options), status)

    expect(account.client.get(ME), 200)
    expect(thief.delete(path, headers=ANY, json={"current_password": PASSWORD}), 204)
    expect(account.client.get(ME), 401)


def test_a_second_factor_is_asked_for_too(service: Stage, problem: Any, in_database: Any) -> None:
    """The password alone, or a code that is wrong or was used, deletes nothing."""
    account = service.sign_up()
    secret, recovery = set_up_mfa(account.client)
    used = pyotp.TOTP(secret).now()

    for code in ({}, {"code": ""}, {"code": "000000"}, {"code": used}):
        body = {"current_password": PASSWORD} | code
        assert problem(account.client.delete(ME, headers=ANY, json=body), 403)["errors"][0]["field"] == "code"

    expect(account.client.delete(ME, json={"current_password": PASSWORD, "code": recovery[0]}), 204)
    assert in_database("SELECT count(*) FROM accounts") == [(0,)]


def test_guessing_at_the_password_to_delete_is_limited(service: Stage, clock: Any) -> None:
    """A client with a token has ten tries, as with every other change that asks for the password."""
    account = service.sign_up()
    thief = thief_of(account, service)

    tries = [thief.delete(ME, headers=ANY, json=WRONG).status_code for _ in range(11)]

    assert tries == [403] * 10 + [429]


def test_what_an_admin_sends_along_to_delete_has_to_be_valid(service: Stage, problem: Any) -> None:
    """It is needed for one's own account alone, but what is sent is read as strictly as ever."""
    account = service.sign_up()

    for body in ({"current_password": 7}, {"code": "000000"}, {"current_password": "x", "sure": True}):
        problem(service.admin.delete(account.path, headers=ANY, json=body), 400)

    expect(service.admin.delete(account.path, headers=ANY, json={"current_password": "whatever"}), 204)


# -- acting as an admin ------------------------------------------------------------------------------

LATE = {
    "another account's name": ("PATCH", "{id}", {"name": "이서준"}),
    "another account's role": ("PATCH", "{id}", {"role": "admin"}),
    "another account's state": ("PATCH", "{id}", {"disabled": True}),
    "another account": ("DELETE", "{id}", None),
    "one's own role": ("PATCH", ME, {"role": "member"}),
    "one's own state": ("PATCH", ME, {"disabled": True}),
}


@pytest.fixture
def boss(service: Stage) -> Client:
    """An admin, who is not the last one."""
    service.create_admin(BOSS, "관리자")
    service.create_admin("other@example.com", "관리자")
    return Client(service.app, "/v2", service.token(BOSS))


def make_old(in_database: Any, seconds: int) -> None:
    """Have everybody logged in so long ago."""
    began = datetime.now(UTC) - timedelta(seconds=seconds)
    in_database("UPDATE sessions SET created_at = ?", f"{began:%Y-%m-%d %H:%M:%S.%f}")


@pytest.mark.parametrize("row", LATE.values(), ids=LATE)
def test_an_admin_has_to_have_logged_in_lately(
    service: Stage, boss: Client, problem: Any, in_database: Any, row: Any
) -> None:
    """Otherwise the answer says how recent a log-in has to be (RFC 9470). Reading goes on."""
    method, path, body = row
    account = service.sign_up()
    path = path.format(id=account.path)
    make_old(in_database, 15 * 60 + 5)

    answer = boss.open(method, path, headers=ANY, json=body)

    problem(answer, 401)
    challenge = answer.headers["WWW-Authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge and 'max_age="900"' in challenge
    assert expect(boss.get(account.path), 200)["name"] == account.name
    expect(boss.get("/v2/accounts"), 200)
    make_old(in_database, 15 * 60 - 30)
    expect(boss.open(method, path, headers=ANY, json=body), 200, 204)


def test_a_refresh_is_no_log_in(service: Stage, boss: Client, problem: Any, in_database: Any) -> None:
    """The refreshed token says when its session began, and what takes a recent log-in takes a real one."""
    account = service.sign_up()
    grant = expect(service.log_in(BOSS), 200)
    make_old(in_database, 3600)
    grant = expect(
        service.client.post("/v2/auth/refresh", json={"refresh_token": grant["refresh_token"]}), 200
    )
    claims = jwt.decode(grant["access_token"], options={"verify_signature": False})
    assert 3590 < claims["iat"] - claims["auth_time"] < 3700

    problem(Client(service.app, "/v2", grant["access_token"]).delete(account.path), 401)

    again = expect(service.log_in(BOSS), 200)["access_token"]
    claims = jwt.decode(again, options={"verify_signature": False})
    assert claims["iat"] - claims["auth_time"] < 5
    expect(Client(service.app, "/v2", again).delete(account.path), 204)


def test_somebody_who_is_no_admin_learns_nothing_by_an_old_log_in(
    service: Stage, problem: Any, in_database: Any
) -> None:
    """Another account is not there, however old the log-in; and one's own name may be changed by it."""
    account, other = service.sign_up(), service.sign_up()
    make_old(in_database, 3600)

    problem(account.client.delete(other.path), 404)
    problem(account.client.patch(ME, json={"role": "admin"}), 403)
    expect(account.client.patch(ME, json={"name": "이서준"}), 200)


ADMINS = {
    "the list": ("GET", "/v2/accounts", None),
    "the audit": ("GET", "/v2/audit", None),
    "another account": ("GET", "{id}", None),
    "a change of it": ("PATCH", "{id}", {"disabled": True}),
    "its end": ("DELETE", "{id}", None),
    "their own role": ("PATCH", ME, {"role": "admin"}),
}


@pytest.mark.parametrize("row", ADMINS.values(), ids=ADMINS)
def test_admins_may_have_to_have_a_second_factor(service: Stage, problem: Any, row: Any) -> None:
    """With ADMIN_MFA_REQUIRED an admin without one logs in, sets one up, and until then is nobody special."""
    method, path, body = row
    service.app = service.new_app(ADMIN_MFA_REQUIRED=True)
    account, boss = service.sign_up(), service.admin
    path = path.format(id=account.path)

    refusal = problem(boss.open(method, path, headers=ANY, json=body), 403)

    assert "second factor" in refusal["detail"]
    expect(boss.patch(ME, json={"name": "이서준"}), 200)
    set_up_mfa(boss)
    expect(boss.open(method, path, headers=ANY, json=body), 200, 204)


# -- what one's own log-in has to be recent for, and others' sessions -----------------------------------


def test_an_admin_logs_somebody_out_everywhere(
    service: Stage, boss: Client, problem: Any, in_database: Any
) -> None:
    """By a recent log-in; nobody else may, and an account that is not there has no sessions."""
    account, other = service.sign_up(), service.sign_up()
    path = f"{account.path}/sessions"
    problem(other.client.delete(path), 403)
    problem(account.client.delete(path), 403)
    problem(boss.delete("/v2/accounts/01900000-0000-7000-8000-000000000000/sessions"), 404)

    expect(boss.delete(path), 204)

    expect(account.client.get(ME), 401)
    expect(other.client.get(ME), 200)
    expect(service.log_in(account.email), 200)
    boss_id = expect(boss.get(ME), 200)["id"]
    ended = "SELECT account_id, actor_id FROM audit_events WHERE action = 'sessions.end'"
    assert in_database(ended) == [(account.id, boss_id)]
    make_old(in_database, 15 * 60 + 5)
    problem(boss.delete(path), 401)


def test_everybody_gets_what_is_kept_about_them(service: Stage, problem: Any, in_database: Any) -> None:
    """The account, the sessions, the events, and of others nothing; no secret; and not by an old log-in."""
    account, other = service.sign_up(name="김미나"), service.sign_up()
    service.log_in(account.email, "not this one, certainly")
    expect(service.admin.patch(account.path, json={"role": "admin"}), 200)

    kept = expect(account.client.get(f"{ME}/export"), 200)

    assert set(kept) == {"account", "sessions", "events"}
    assert (kept["account"]["email"], kept["account"]["name"]) == (account.email, "김미나")
    assert [one["agent"][:8] for one in kept["sessions"]] == ["Werkzeug"]
    actions = ["account.export", "account.role", "login", "login", "account.create"]
    assert [event["action"] for event in kept["events"]] == actions
    assert [event["address"] for event in kept["events"]] == ["127.0.0.1", None, None, "127.0.0.1", None]
    text = str(kept)
    assert other.id not in text and other.email not in text and "argon2" not in text
    make_old(in_database, 15 * 60 + 5)
    problem(account.client.get(f"{ME}/export"), 401)


def set_up_mfa(client: Client) -> tuple[str, list[str]]:
    """Give somebody a second factor; return its secret and the recovery codes."""
    secret = expect(client.post(MFA, json={"current_password": PASSWORD}), 200)["secret"]
    confirmed = client.post(f"{MFA}/confirm", json={"code": pyotp.TOTP(secret).now()})
    return secret, expect(confirmed, 200)["recovery_codes"]
