"""Practice 6, test-driven development: two features whose tests were there before they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import jwt
import pytest
from kit import stored
from kit.adapter import FINAL, PASSWORD, Client, SignedUp, Stage, expect
from kit.answers import fields_at_fault, seconds_to_wait
from kit.clients import require
from kit.superseded import superseded

BEARER = "WWW-Authenticate: Bearer"
ME = "/v2/accounts/me"
NEW = "another passphrase for the tests 2"

NO_OLD_TOKENS = "its tokens are signed with keys that nobody else has"
PRUNED = "a command prunes what has expired, so that no log-in waits for it"


def second_device(stage: Stage, account: SignedUp, password: str = PASSWORD) -> Client:
    """Log the account in once more, and return the client of that log-in."""
    return Client(stage.app, stage.prefix, stage.token(account.email, password))


def paths_of(stage: Stage, account: SignedUp) -> list[str]:
    """Return the account's paths in every version that the stage serves: a token is for all of them."""
    return [ME] if stage.number == FINAL else [ME, f"/v1{account.path}"]


def change(client: Client, current: Any = PASSWORD, new: Any = NEW) -> Any:
    """Ask for another password."""
    return client.open("PUT", f"{ME}/password", json={"current_password": current, "new_password": new})


# -- log out ----------------------------------------------------------------------------------------


def test_logging_out_ends_the_token(stage: Stage) -> None:
    """`POST /v2/auth/logout` returns 204, and the token that was sent stops working, in every version."""
    account = stage.sign_up()

    expect(account.client.post("/v2/auth/logout"), 204)

    for path in paths_of(stage, account):
        expect(account.client.get(path), 401)
        expect(account.client.patch(path, json={"name": "이서준"}), 401)
        expect(account.client.delete(path), 401)


def test_logging_out_is_for_one_device(stage: Stage) -> None:
    """Other log-ins, of this account and of all others, stay valid."""
    account, other = stage.sign_up(), stage.sign_up()
    tablet = second_device(stage, account)

    expect(account.client.post("/v2/auth/logout"), 204)

    expect(tablet.get(ME), 200)
    expect(other.client.get(ME), 200)


def test_who_logged_out_may_log_in_again(stage: Stage) -> None:
    """After a log-out the password still works, and gives a new token that works."""
    account = stage.sign_up()
    expect(account.client.post("/v2/auth/logout"), 204)

    expect(second_device(stage, account).get(ME), 200)
    expect(account.client.get(ME), 401)


def test_logging_out_twice_is_401(stage: Stage) -> None:
    """After a log-out the token is worth nothing, not even for another log-out."""
    account = stage.sign_up()
    expect(account.client.post("/v2/auth/logout"), 204)

    expect(account.client.post("/v2/auth/logout"), 401)


def test_a_stranger_cannot_log_out(stage: Stage) -> None:
    """Without a token there is nothing to end, so it is 401."""
    answer = stage.client.post("/v2/auth/logout")

    expect(answer, 401)
    require(answer, answer.headers.get("WWW-Authenticate", "").lower().startswith("bearer"), BEARER)


@superseded("final", NO_OLD_TOKENS, by="final/test_tokens.py::test_a_hostile_token_is_401")
def test_a_token_from_before_is_no_crash(stage: Stage) -> None:
    """A token that the service gave before it had this feature is 401 or still works, and is never a 500."""
    account = stage.sign_up()
    old = _from_before(stage, account.client.token)

    for path in paths_of(stage, account):
        expect(Client(stage.app, stage.prefix, old).get(path), 200, 401)


def _from_before(stage: Stage, token: str | None) -> str:
    """Return a token as the last chapter gave them: with the usual claims, and nothing about a session."""
    claims = jwt.decode(str(token), options={"verify_signature": False})
    usual = {name: claims[name] for name in ("sub", "iat", "nbf", "exp", "type", "fresh") if name in claims}
    secret = stage.app.config.get("JWT_SECRET_KEY") or stage.app.config["SECRET_KEY"]
    return jwt.encode(usual | {"jti": str(uuid4())}, secret, jwt.get_unverified_header(str(token))["alg"])


@superseded("final", PRUNED, by="final/test_pruning.py::test_sessions_go_when_they_have_been_over_for_a_week")
def test_what_is_over_is_tidied_up(stage: Stage, clock: Any) -> None:
    """Expired tokens leave nothing behind in the database after the next log-in, whoever logs in."""
    account, other = stage.sign_up(), stage.sign_up()
    rows = []

    for _ in range(3):
        lifetime = expect(stage.log_in(account.email), 200)["expires_in"]
        expect(second_device(stage, account).post("/v2/auth/logout"), 204)
        clock.forward(lifetime + 60)
        second_device(stage, other)
        rows.append(stored.count_rows(stage.app))

    assert rows[0] == rows[-1], f"expected as many rows after each log-in, got {rows}"


def test_what_is_valid_is_not_tidied_up(stage: Stage, clock: Any) -> None:
    """A log-in of somebody else deletes no session that has not expired, shortly before its end either."""
    account, other = stage.sign_up(), stage.sign_up()
    answer = expect(stage.log_in(account.email), 200)
    clock.forward(answer["expires_in"] - 30)

    second_device(stage, other)

    expect(Client(stage.app, stage.prefix, answer["access_token"]).get(ME), 200)


@pytest.mark.parametrize("zone", ["KST-9", "PST8"])
def test_sessions_do_not_depend_on_the_time_zone(
    stage: Stage, set_zone: Callable[[str], None], zone: str
) -> None:
    """Wherever the server is, east or west of Greenwich, a log-in leaves valid sessions alone."""
    set_zone(zone)
    account = stage.sign_up()

    tablet = second_device(stage, account)
    second_device(stage, account)

    expect(account.client.get(ME), 200)
    expect(tablet.get(ME), 200)


# -- change the password ------------------------------------------------------------------------------


def test_a_changed_password_counts_at_once(stage: Stage) -> None:
    """`PUT /v2/accounts/me/password` returns 204; then the new password works and the old one does not."""
    account = stage.sign_up()

    expect(change(account.client), 204)

    expect(stage.log_in(account.email, PASSWORD), 401)
    expect(stage.log_in(account.email, NEW), 200)


def test_a_changed_password_ends_the_other_sessions(stage: Stage) -> None:
    """Every log-in with the old password ends, except on the device that changed it."""
    account = stage.sign_up()
    stolen = second_device(stage, account)

    expect(change(account.client), 204)

    for path in paths_of(stage, account):
        expect(stolen.get(path), 401)
        expect(account.client.get(path), 200)


def test_the_passwords_of_others_stay(stage: Stage) -> None:
    """No other account is logged out or locked out."""
    account, other = stage.sign_up(), stage.sign_up()

    expect(change(account.client), 204)

    expect(other.client.get(ME), 200)
    expect(stage.log_in(other.email), 200)


def test_the_current_password_is_needed(stage: Stage) -> None:
    """A token alone changes no password: a wrong current one is 403, and nothing happens."""
    account = stage.sign_up()
    tablet = second_device(stage, account)

    expect(change(account.client, current="not this one, certainly"), 403)

    expect(stage.log_in(account.email, NEW), 401)
    expect(stage.log_in(account.email), 200)
    expect(tablet.get(ME), 200)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"current_password", "new_password"}),
        ({"current_password": PASSWORD}, {"new_password"}),
        ({"new_password": NEW}, {"current_password"}),
        ({"current_password": PASSWORD, "new_password": "fourteen chars"}, {"new_password"}),
        ({"current_password": PASSWORD, "new_password": 7}, {"new_password"}),
        ({"current_password": None, "new_password": NEW}, {"current_password"}),
    ],
    ids=["nothing", "no new one", "no current one", "a short one", "a number", "null"],
)
def test_a_bad_change_is_400(stage: Stage, body: dict[str, object], fields: set[str]) -> None:
    """The new password follows the rules of a sign-up, and all wrong fields are named at once."""
    account = stage.sign_up()

    answer = account.client.open("PUT", f"{ME}/password", json=body)

    expect(answer, 400)
    assert fields_at_fault(answer) == fields
    expect(account.client.open("PUT", f"{ME}/password", json=[body]), 400)
    expect(stage.log_in(account.email), 200)


def test_a_stranger_cannot_change_a_password(stage: Stage) -> None:
    """Without a token it is 401, whatever the body."""
    expect(change(stage.client), 401)
    expect(stage.client.open("PUT", f"{ME}/password", data="{", content_type="application/json"), 401)


def test_passwords_are_not_repeated(stage: Stage) -> None:
    """No response repeats a password that was sent."""
    account = stage.sign_up()

    for answer in (change(account.client, "wrong-hunter1", NEW), change(account.client, PASSWORD, "hunter2")):
        assert "hunter" not in answer.text


def test_guessing_the_current_password_is_slowed(stage: Stage, clock: Any) -> None:
    """The current password can be guessed at ten times a minute, by a stolen token say; then it is 429."""
    account, other = stage.sign_up(), stage.sign_up()

    answers = [change(account.client, current=f"guess number {number:03}") for number in range(60)]

    statuses = [answer.status_code for answer in answers]
    allowed = statuses.index(429) if 429 in statuses else len(statuses)
    assert statuses == [403] * 10 + [429] * 50, f"expected ten guesses a minute to be allowed, got {allowed}"
    wait = seconds_to_wait(answers[-1])
    assert 1 <= wait <= 60, f"expected to wait a minute at most, got {wait} seconds"
    expect(change(other.client), 204)
    clock.forward(wait)
    expect(change(account.client, current="one more guess"), 403)


def test_a_password_cannot_be_read(stage: Stage) -> None:
    """There is no GET: 405, and `Allow` names PUT."""
    answer = stage.sign_up().client.get(f"{ME}/password")

    assert answer.status_code == 405
    assert "PUT" in answer.headers.get("Allow", "")
