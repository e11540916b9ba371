"""The second factor: a row for each thing that can happen, what is stored of it, and ten at once.

A row is like one of test_life.py: the request, its response, what it leaves in the audit, and its mail.
"""

from __future__ import annotations

import base64
import importlib
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from kit.adapter import PASSWORD, Client, Stage, expect
from kit.scenario import MINA, Ask, Row, Scenario

NEW = "another passphrase for the tests"
SHORT = "eight:)!"
WRONG = "not this one, certainly"
ME = "/v2/accounts/me"
MFA, CONFIRM, LOGIN, FINISH = "/v2/auth/mfa", "/v2/auth/mfa/confirm", "/v2/auth/login", "/v2/auth/login/mfa"
ON = {MINA: "Logging in asks for a code now"}
RENEWED = {MINA: "Your account has new recovery codes"}
OFF = {MINA: "Logging in asks for no code any more"}
USED = {MINA: "A recovery code of your account was used"}
START = datetime(2026, 11, 21, 12, 0, 10, tzinfo=UTC)  # ten seconds into a half-minute


class SecondFactor(Scenario):
    """One member who is logged in, on a service whose clock is stopped."""

    def __init__(
        self, service: Stage, mailbox: Any, in_database: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        super().__init__(service, mailbox, in_database)
        self.now = START
        for name in ("codes", "mfa_tokens"):
            module = importlib.import_module(f"{service.app.import_name}.services.{name}")
            # The code of final is loaded once for all tests: what is put into it must be removed again.
            monkeypatch.setattr(module, "utc_now", lambda: self.now)
        self.secret, self.recovery, self.token, self.other = "", ["-"] * 10, "", ""
        self.newest = ""
        mailbox.letters()

    def code(self, steps: int = 0) -> str:
        """Return what the app shows ``steps`` half-minutes from now."""
        return pyotp.TOTP(self.secret).at(self.now, counter_offset=steps)

    def wrong(self) -> str:
        """Return a code that the app shows at no time that counts."""
        good = {self.code(steps) for steps in range(-2, 3)}
        return next(f"{number:06}" for number in range(10) if f"{number:06}" not in good)

    def fill(self, text: str) -> str:
        """Put the codes and the token in."""
        steps = {"now": 0, "last": -1, "next": 1, "old": -2, "early": 2}
        known = {name: self.code(offset) for name, offset in steps.items()} if self.secret else {}
        if self.secret:
            known |= {"wrong": self.wrong(), "spaced": f"{self.code()[:3]} {self.code()[3:]}"}
        known |= {"recovery": self.recovery[0], "shouted": self.recovery[0].replace("-", "").upper()}
        return text.format(
            **known, newest=self.newest, token=self.token, access=self.mina.client.token, other=self.other
        )


def set_up(password: str = PASSWORD) -> Ask:
    """Ask for a secret."""
    return Ask("mina", "POST", MFA, {"current_password": password})


def confirm(code: str = "{now}") -> Ask:
    """Confirm the secret with a code."""
    return Ask("mina", "POST", CONFIRM, {"code": code})


def remove(code: str = "{now}", password: str = PASSWORD) -> Ask:
    """Remove the second factor."""
    return Ask("mina", "DELETE", MFA, {"current_password": password, "code": code})


def renew(code: str = "{now}", password: str = PASSWORD) -> Ask:
    """Get new recovery codes."""
    return Ask("mina", "POST", f"{MFA}/recovery-codes", {"current_password": password, "code": code})


def leave(code: str = "{now}", password: str = PASSWORD) -> Ask:
    """Delete the account."""
    return Ask("mina", "DELETE", ME, {"current_password": password, "code": code})


def login(password: str = PASSWORD) -> Ask:
    """The first half of a log-in."""
    return Ask("nobody", "POST", LOGIN, {"email": MINA, "password": password})


def finish(code: str = "{now}", by: str = "{token}") -> Ask:
    """The second half."""
    return Ask("nobody", "POST", FINISH, {"mfa_token": by, "code": code})


# -- what has happened before ------------------------------------------------------------------------


def pending(scenario: SecondFactor) -> None:
    """She has a secret that is not confirmed."""
    scenario.secret = expect(scenario.send(set_up()), 200)["secret"]


def on(scenario: SecondFactor) -> None:
    """She has a second factor; the code that confirmed it is some minutes old."""
    pending(scenario)
    scenario.recovery = expect(scenario.send(confirm()), 200)["recovery_codes"]
    scenario.now += timedelta(minutes=3)


def halfway(scenario: SecondFactor) -> None:
    """Her password has been checked too."""
    on(scenario)
    scenario.token = expect(scenario.send(login()), 200)["mfa_token"]


def code_used(scenario: SecondFactor) -> None:
    """The code of this half-minute has been used."""
    expect(scenario.send(finish()), 200)


def next_code_used(scenario: SecondFactor) -> None:
    """The code of the next half-minute has been used, from a phone whose clock is ahead."""
    expect(scenario.send(finish("{next}")), 200)


def recovery_used(scenario: SecondFactor) -> None:
    """The first recovery code has been used."""
    expect(scenario.send(finish("{recovery}")), 200)


def nine_minutes_later(scenario: SecondFactor) -> None:
    """Nine minutes have gone by."""
    scenario.now += timedelta(minutes=9)


def reset(scenario: SecondFactor) -> None:
    """She has chosen another password by mail, and logged in again."""
    scenario.mailbox.letters()
    expect(scenario.service.client.post("/v2/auth/password/forgot", json={"email": MINA}), 202)
    body = {"token": scenario.mailbox.token(), "new_password": NEW}
    expect(scenario.service.client.post("/v2/auth/password/reset", json=body), 204)
    scenario.mina.client.token = expect(scenario.send(login(NEW)), 200)["access_token"]


def renewed(scenario: SecondFactor) -> None:
    """She has new recovery codes."""
    on(scenario)
    scenario.newest = expect(scenario.send(renew()), 200)["recovery_codes"][0]
    scenario.now += timedelta(minutes=3)


def too_late(scenario: SecondFactor) -> None:
    """Five minutes have gone by."""
    scenario.now += timedelta(minutes=5)


def disabled(scenario: SecondFactor) -> None:
    """Her account is disabled."""
    scenario.in_database("UPDATE accounts SET disabled_at = created_at")


def deleted(scenario: SecondFactor) -> None:
    """Her account is gone."""
    expect(scenario.send(leave()), 204)


def other_password(scenario: SecondFactor) -> None:
    """She has chosen another password."""
    body = {"current_password": PASSWORD, "new_password": NEW}
    expect(scenario.mina.client.open("PUT", "/v2/accounts/me/password", json=body), 204)


def short_password(scenario: SecondFactor) -> None:
    """She has chosen a password that is long enough with a second factor only."""
    on(scenario)
    body = {"current_password": PASSWORD, "new_password": SHORT}
    expect(scenario.mina.client.open("PUT", "/v2/accounts/me/password", json=body), 204)


def removed(scenario: SecondFactor) -> None:
    """She has removed the second factor, by the code of a moment ago."""
    expect(scenario.send(remove("{last}")), 204)


def replaced(scenario: SecondFactor) -> None:
    """She has removed it, and set up another."""
    on(scenario)
    scenario.other = scenario.recovery[1]
    replaced_too(scenario)


def replaced_too(scenario: SecondFactor) -> None:
    """The same, while a log-in was under way."""
    removed(scenario)
    pending(scenario)
    expect(scenario.send(confirm("{last}")), 200)


def half_again(scenario: SecondFactor) -> None:
    """Her password has been checked."""
    scenario.token = expect(scenario.send(login()), 200)["mfa_token"]


def other_account(scenario: SecondFactor) -> None:
    """Another account has a second factor too, and recovery codes of its own."""
    mina, secret, recovery = scenario.mina, scenario.secret, scenario.recovery
    scenario.mina = scenario.service.sign_up()
    on(scenario)
    scenario.other = scenario.recovery[0]
    scenario.mina, scenario.secret, scenario.recovery = mina, secret, recovery
    scenario.token = expect(scenario.send(login()), 200)["mfa_token"]


def enabled_again(scenario: SecondFactor) -> None:
    """Her account was disabled for a moment."""
    for command in ("disable", "enable"):
        assert scenario.service.app.test_cli_runner().invoke(args=["accounts", command, MINA]).exit_code == 0


def new_secret_key(scenario: SecondFactor) -> None:
    """The service has another SECRET_KEY, and so another key to sign with, and her password was checked."""
    on(scenario)
    app = scenario.service.another_process(SECRET_KEY="another secret for the tests of final")
    assert app.test_cli_runner().invoke(args=["keys", "rotate", "--now"]).exit_code == 0
    scenario.service.app = scenario.mailbox.app = app
    app.extensions["mail"] = scenario.mailbox
    scenario.service.client = Client(app, "/v2")
    scenario.token = expect(scenario.send(login()), 200)["mfa_token"]


def spoiled(scenario: SecondFactor) -> None:
    """The sealed secret in her row was changed: it does not open."""
    sealed = scenario.in_database("SELECT mfa_secret FROM accounts WHERE email = ?", MINA)[0][0]
    scenario.in_database("UPDATE accounts SET mfa_secret = ? WHERE email = ?", sealed[::-1], MINA)


# -- the table -----------------------------------------------------------------------------------------


IN, HALF, MISSED = "login done m m", "login.password done m m", "login.mfa failed m -"
RECOVERED = "mfa.recovery done m m"
NO = "mfa.remove failed m m"
ROWS = [
    Row("set up", set_up(), 200, "mfa.set_up done m m"),
    Row("set up again", set_up(), 200, "mfa.set_up done m m", {}, (pending,)),
    Row("set up by a wrong password", set_up(WRONG), 403, "mfa.set_up failed m m"),
    Row("set up where it is on", set_up(), 409, "", {}, (on,)),
    #
    Row("confirm", confirm(), 200, "mfa.confirm done m m", ON, (pending,)),
    Row("confirm by the previous code", confirm("{last}"), 200, "mfa.confirm done m m", ON, (pending,)),
    Row("confirm by a wrong code", confirm("{wrong}"), 403, "mfa.confirm failed m m", {}, (pending,)),
    Row("confirm by no code", confirm(""), 403, "mfa.confirm failed m m", {}, (pending,)),
    Row("confirm nothing", confirm("000000"), 409),
    Row("confirm in time", confirm(), 200, "mfa.confirm done m m", ON, (pending, nine_minutes_later)),
    Row("confirm too late", confirm(), 409, "", {}, (pending, nine_minutes_later, too_late)),
    Row("confirm after another password", confirm(), 409, "", {}, (pending, other_password)),
    Row("confirm after a reset", confirm(), 409, "", {}, (pending, reset)),
    Row("confirm again", confirm(), 409, "", {}, (on,)),
    #
    Row("log in while it waits", login(), 200, IN, {}, (pending,)),
    Row("log in", login(), 200, HALF, {}, (on,)),
    Row("log in by a wrong password", login(WRONG), 401, "login failed m -", {}, (on,)),
    Row("log in while disabled", login(), 401, "login failed m -", {}, (on, disabled)),
    #
    Row("finish", finish(), 200, IN, {}, (halfway,)),
    Row("finish by the previous code", finish("{last}"), 200, IN, {}, (halfway,)),
    Row("finish by the code of the next", finish("{next}"), 200, IN, {}, (halfway,)),
    Row("finish by a code with a blank", finish("{spaced}"), 200, IN, {}, (halfway,)),
    Row("finish by an old code", finish("{old}"), 401, MISSED, {}, (halfway,)),
    Row("finish by an early code", finish("{early}"), 401, MISSED, {}, (halfway,)),
    Row("finish by a wrong code", finish("{wrong}"), 401, MISSED, {}, (halfway,)),
    Row("finish by a used code", finish(), 401, MISSED, {}, (halfway, code_used)),
    Row("finish by one before it", finish("{last}"), 401, MISSED, {}, (halfway, code_used)),
    Row("finish by one that was overtaken", finish(), 401, MISSED, {}, (halfway, next_code_used)),
    Row("finish by the one behind it", finish("{next}"), 200, IN, {}, (halfway, code_used)),
    Row("finish by no code", finish(""), 401, MISSED, {}, (halfway,)),
    Row("finish by five digits", finish("00000"), 401, MISSED, {}, (halfway,)),
    Row("finish by digits of another script", finish("１２３４５６"), 401, MISSED, {}, (halfway,)),
    Row("finish by letters of no script", finish("٣" * 6 + "é"), 401, MISSED, {}, (halfway,)),
    Row("finish by a secret that does not open", finish(), 401, MISSED, {}, (halfway, spoiled)),
    Row("finish with a new SECRET_KEY", finish(), 401, MISSED, {}, (new_secret_key,)),
    #
    Row("recover", finish("{recovery}"), 200, f"{RECOVERED}, {IN}", USED, (halfway,)),
    Row("recover in capitals", finish("{shouted}"), 200, f"{RECOVERED}, {IN}", USED, (halfway,)),
    Row("recover twice", finish("{recovery}"), 401, MISSED, {}, (halfway, recovery_used)),
    Row(
        "recover with a new SECRET_KEY",
        finish("{recovery}"),
        200,
        f"{RECOVERED}, {IN}",
        USED,
        (new_secret_key,),
    ),
    Row("recover by another's code", finish("{other}"), 401, MISSED, {}, (on, other_account)),
    Row("recover by an earlier code", finish("{other}"), 401, MISSED, {}, (replaced, half_again)),
    Row("finish after it was replaced", finish(), 401, "", {}, (halfway, replaced_too)),
    #
    Row("finish too late", finish(), 401, "", {}, (halfway, too_late)),
    Row("finish while disabled", finish(), 401, "", {}, (halfway, disabled)),
    Row("finish after having been disabled", finish(), 401, "", {}, (halfway, enabled_again)),
    Row("finish after the account was deleted", finish(), 401, "", {}, (halfway, deleted)),
    Row("finish after another password", finish(), 401, "", {}, (halfway, other_password)),
    Row("finish where it is off", finish(), 401, "", {}, (halfway, removed)),
    Row("finish by a made-up token", finish(by="mfa_" + "A" * 75), 401, "", {}, (halfway,)),
    Row("finish by an access token", finish(by="{access}"), 401, "", {}, (halfway,)),
    Row("finish by nearly the token", finish(by="{token}="), 401, "", {}, (halfway,)),
    Row("finish by no token", finish(by=""), 401, "", {}, (halfway,)),
    #
    Row("renew", renew(), 200, "mfa.renew done m m", RENEWED, (on,)),
    Row("renew by a wrong code", renew("{wrong}"), 403, "mfa.renew failed m m", {}, (on,)),
    Row("renew by a used code", renew(), 403, "mfa.renew failed m m", {}, (halfway, code_used)),
    Row("renew by a wrong password", renew("{now}", WRONG), 403, "mfa.renew failed m m", {}, (on,)),
    Row("renew nothing", renew("000000"), 409),
    Row("recover by one of before", finish("{recovery}"), 401, MISSED, {}, (renewed, half_again)),
    Row("recover by a new one", finish("{newest}"), 200, f"{RECOVERED}, {IN}", USED, (renewed, half_again)),
    #
    Row("remove", remove(), 204, "mfa.remove done m m", OFF, (on,)),
    Row(
        "remove by a recovery code",
        remove("{recovery}"),
        204,
        f"{RECOVERED}, mfa.remove done m m",
        {MINA: f"{USED[MINA]}, {OFF[MINA]}"},
        (on,),
    ),
    Row("remove by a wrong code", remove("{wrong}"), 403, NO, {}, (on,)),
    Row("remove by a used code", remove(), 403, NO, {}, (halfway, code_used)),
    Row("remove by a wrong password", remove("{now}", WRONG), 403, NO, {}, (on,)),
    Row("remove by a short password", remove("{now}", SHORT), 409, "", {}, (short_password,)),
    Row("remove nothing", remove("000000"), 409),
    Row("remove what waits", remove(), 409, "", {}, (pending,)),
]


@pytest.fixture
def patient(service: Stage) -> None:
    """Let the service take many attempts."""
    service.app = service.new_app(PASSWORD_SLOTS=20, ATTEMPTS_PER_ACCOUNT=100, CODES_PER_ACCOUNT=100)


@pytest.fixture
def scenario(
    service: Stage, patient: None, mailbox: Any, in_database: Any, monkeypatch: pytest.MonkeyPatch
) -> SecondFactor:
    """A member."""
    return SecondFactor(service, mailbox, in_database, monkeypatch)


@pytest.mark.any_database
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_happens_to_a_second_factor(scenario: SecondFactor, row: Row) -> None:
    """The response, the audit's rows and the mail: all of it, and nothing else."""
    scenario.check(row)


# -- the consequences ------------------------------------------------------------------------------


def test_the_codes_are_those_of_the_rfc(scenario: SecondFactor, in_database: Any) -> None:
    """RFC 6238, appendix B, computed by the service itself, as any app computes them."""
    scenario.now = datetime.fromtimestamp(1111111109, UTC)
    pending(scenario)
    codes = importlib.import_module(f"{scenario.service.app.import_name}.services.codes")
    secret = base64.b32encode(b"12345678901234567890")
    with scenario.service.app.app_context():
        sealed = codes.seal(scenario.service.app.extensions["codes"], secret, scenario.mina.id)
    in_database("UPDATE accounts SET mfa_secret = ?", sealed)

    expect(scenario.send(confirm("081804")), 200)


def test_an_account_shows_whether_it_has_one(scenario: SecondFactor) -> None:
    """To its owner and to admins; and a change of it is another version, with another tag."""
    seen = []
    for step in (lambda _: None, pending, on, removed):
        step(scenario)
        shown = scenario.mina.client.get("/v2/accounts/me")
        listed = scenario.service.list_accounts(scenario.service.admin)
        assert [account["mfa"] for account in listed] == [expect(shown, 200)["mfa"]]
        seen.append((shown.json["mfa"], shown.headers["ETag"]))

    assert [mfa for mfa, _ in seen] == [False, False, True, False]
    assert seen[0][1] == seen[1][1] and len({tag for _, tag in seen}) == 3


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("ask", "field"),
    [(set_up(WRONG), "current_password"), (remove("{wrong}"), "code")],
    ids=["password", "code"],
)
def test_a_refusal_names_the_field_that_is_to_blame(
    scenario: SecondFactor, problem: Any, ask: Ask, field: str
) -> None:
    """A form has two fields, and its user wants to know which one to type again."""
    if field == "code":
        on(scenario)

    body = problem(scenario.send(ask), 403)

    assert [(error["field"], error["code"]) for error in body["errors"]] == [(field, "wrong")]


def test_an_app_can_read_what_it_is_given(scenario: SecondFactor) -> None:
    """The secret, the URI and the picture say the same; the URI has the names that an app shows."""
    setup = expect(scenario.send(set_up()), 200)

    read = pyotp.parse_uri(setup["uri"])
    assert (read.secret, read.name, read.issuer) == (setup["secret"], MINA, "accounts")
    assert len(base64.b32decode(setup["secret"])) == 20
    assert re.match(r"data:image/svg\+xml[;,]", setup["qr"])
    assert set(setup) == {"secret", "uri", "qr"}


def test_the_first_half_is_not_a_log_in(scenario: SecondFactor) -> None:
    """It says how to go on, and nothing else; it works neither as an access nor as a refresh token."""
    on(scenario)

    half = expect(scenario.send(login()), 200)

    assert set(half) == {"mfa_token", "expires_in"} and half["expires_in"] == 300
    expect(Client(scenario.service.app, "/v2", half["mfa_token"]).get("/v2/accounts/me"), 401)
    expect(scenario.service.client.post("/v2/auth/refresh", json={"refresh_token": half["mfa_token"]}), 401)


def test_the_second_half_is_a_log_in(scenario: SecondFactor) -> None:
    """It gives the same as a log-in without a second factor."""
    halfway(scenario)

    grant = expect(scenario.send(finish()), 200)

    me = expect(Client(scenario.service.app, "/v2", grant["access_token"]).get("/v2/accounts/me"), 200)
    assert me["email"] == MINA
    expect(
        scenario.service.client.post("/v2/auth/refresh", json={"refresh_token": grant["refresh_token"]}), 200
    )


def test_confirming_ends_the_sessions_without_a_code(scenario: SecondFactor) -> None:
    """Confirming ends the sessions that were begun before, but not the one that confirms."""
    thief = Client(scenario.service.app, "/v2", scenario.service.token(MINA))

    on(scenario)

    expect(thief.get("/v2/accounts/me"), 401)
    expect(scenario.mina.client.get("/v2/accounts/me"), 200)


def test_a_log_in_that_was_on_its_way_is_asked_for_a_code_too(
    scenario: SecondFactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second factor was confirmed between the check of the password and the session."""
    pending(scenario)
    passwords = importlib.import_module(f"{scenario.service.app.import_name}.services.passwords")
    verify = passwords.Passwords.verify

    def slow(*args: Any) -> Any:
        monkeypatch.setattr(passwords.Passwords, "verify", verify)
        with ThreadPoolExecutor(1) as another:  # with a request of its own
            expect(another.submit(scenario.send, confirm()).result(), 200)
        return verify(*args)

    monkeypatch.setattr(passwords.Passwords, "verify", slow)
    expect(scenario.send(login()), 401)


def test_a_wrong_password_does_not_tell_of_a_second_factor(scenario: SecondFactor, hashes: list[str]) -> None:
    """A wrong password gets the same response with a second factor, for the same hash and the same row."""
    seen = []
    for step in (lambda _: None, on):
        step(scenario)
        hashes.clear()
        before = len(scenario.audit())
        answer = scenario.send(login(WRONG))
        text = answer.text.replace(answer.headers["X-Request-ID"], "")
        seen.append((answer.status_code, text, list(hashes), scenario.audit()[before:]))

    assert seen[0] == seen[1]


def test_a_reset_by_mail_leaves_the_second_factor(scenario: SecondFactor) -> None:
    """A thief who reads the mail has one factor, not both."""
    on(scenario)
    expect(scenario.service.client.post("/v2/auth/password/forgot", json={"email": MINA}), 202)
    body = {"token": scenario.mailbox.token(), "new_password": NEW}
    expect(scenario.service.client.post("/v2/auth/password/reset", json=body), 204)

    assert "access_token" not in expect(scenario.send(login(NEW)), 200)


#: A new password, and what becomes of it: alone, and with a second factor.
LENGTHS = [
    ("seven:)", False, "too_short"),
    (SHORT, False, "too_short"),
    ("fourteen chars", False, "too_short"),
]
LENGTHS += [("seven:)", True, "too_short"), (SHORT, True, ""), ("fourteen chars", True, ""), (NEW, True, "")]
LENGTHS += [
    ("password1", True, "too_common"),
    ("mina1234", True, "too_easy"),
    ("Mina@example.com", True, "too_easy"),
]


@pytest.mark.any_database
@pytest.mark.parametrize("way", ["a change", "a reset"])
@pytest.mark.parametrize(("new", "with_mfa", "code"), LENGTHS)
def test_a_second_factor_makes_a_shorter_password_enough(
    scenario: SecondFactor, problem: Any, new: str, with_mfa: bool, code: str, way: str
) -> None:
    """Eight characters instead of fifteen, by a change or a reset; and no common password."""
    if with_mfa:
        on(scenario)
    if way == "a change":
        body = {"current_password": PASSWORD, "new_password": new}
        answer = scenario.mina.client.open("PUT", "/v2/accounts/me/password", json=body)
    else:
        expect(scenario.service.client.post("/v2/auth/password/forgot", json={"email": MINA}), 202)
        body = {"token": scenario.mailbox.token(), "new_password": new}
        answer = scenario.service.client.post("/v2/auth/password/reset", json=body)

    if not code:
        return expect(answer, 204)
    return [fault["code"] for fault in problem(answer, 400)["errors"]].remove(code)


def test_a_short_password_is_made_longer_before_the_second_factor_goes(
    scenario: SecondFactor, problem: Any
) -> None:
    """Otherwise it would be the only proof. The refusal does not use up the code."""
    short_password(scenario)
    body = problem(scenario.send(remove("{now}", SHORT)), 409)
    assert [(error["field"], error["code"]) for error in body["errors"]] == [
        ("current_password", "not_enough")
    ]
    body = {"current_password": SHORT, "new_password": NEW}
    expect(scenario.mina.client.open("PUT", "/v2/accounts/me/password", json=body), 204)

    expect(scenario.send(remove("{now}", NEW)), 204)

    assert "access_token" in expect(scenario.send(login(NEW)), 200)


def test_an_operator_removes_a_second_factor_that_is_lost(scenario: SecondFactor) -> None:
    """All sessions end, the password no longer works, and only a reset by mail helps."""
    halfway(scenario)
    scenario.mailbox.letters()
    before, run = len(scenario.audit()), scenario.service.app.test_cli_runner().invoke

    said = run(args=["accounts", "remove-mfa", MINA.upper()])

    assert said.exit_code == 0 and MINA in said.output
    assert scenario.audit()[before:] == ["mfa.remove done m -"]
    (letter,) = scenario.mailbox.letters()
    assert letter.to == MINA and letter.subject.startswith("The second factor of your account was removed /")
    expect(scenario.mina.client.get("/v2/accounts/me"), 401)
    expect(scenario.send(finish("{recovery}")), 401)
    expect(scenario.send(login()), 401)
    assert scenario.in_database("SELECT count(*) FROM recovery_codes") == [(0,)]
    expect(scenario.service.client.post("/v2/auth/password/forgot", json={"email": MINA}), 202)
    body = {"token": scenario.mailbox.token(), "new_password": NEW}
    expect(scenario.service.client.post("/v2/auth/password/reset", json=body), 204)
    assert "access_token" in expect(scenario.send(login(NEW)), 200)


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("email", "said"), [(MINA, "no second factor"), ("nobody@example.com", "no account")]
)
def test_an_operator_is_told_where_there_is_none(scenario: SecondFactor, email: str, said: str) -> None:
    """With a sentence, and nothing happens."""
    before = scenario.audit()

    result = scenario.service.app.test_cli_runner().invoke(args=["accounts", "remove-mfa", email])

    assert result.exit_code == 1 and said in result.output and "Traceback" not in result.output
    assert scenario.audit() == before and scenario.mailbox.fetch() == []


def test_every_recovery_code_works(scenario: SecondFactor) -> None:
    """All ten, once each, and no others."""
    halfway(scenario)
    assert len(set(scenario.recovery)) == 10

    assert [scenario.send(finish(code)).status_code for code in scenario.recovery * 2] == [200] * 10 + [
        401
    ] * 10


def test_the_secret_of_another_account_does_not_fit(scenario: SecondFactor, in_database: Any) -> None:
    """An attacker who can write to the table cannot use their own app for another account."""
    halfway(scenario)
    thief = scenario.service.sign_up()
    scenario.mina, mina = thief, scenario.mina
    pending(scenario)
    scenario.mina = mina
    sealed = in_database("SELECT mfa_secret FROM accounts WHERE id = ?", thief.id)[0][0]
    in_database("UPDATE accounts SET mfa_secret = ? WHERE id = ?", sealed, mina.id)

    expect(scenario.send(finish()), 401)


def test_guesses_come_to_an_end(scenario: SecondFactor, problem: Any) -> None:
    """A thief with the password has ten guesses, even with a new token for each and the right code last."""
    scenario.service.app.config["CODES_PER_ACCOUNT"] = 3
    on(scenario)
    answers = []
    for code in ("{wrong}", "{wrong}", "{wrong}", "{now}"):
        scenario.token = expect(scenario.send(login()), 200)["mfa_token"]
        answers.append(scenario.send(finish(code)))

    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    problem(answers[-1], 429)
    assert scenario.audit()[-1] == "throttle refused m -"


@pytest.mark.threads
@pytest.mark.parametrize("code", ["{now}", "{recovery}"])
def test_a_code_works_once_for_ten_at_once(scenario: SecondFactor, at_once: Any, code: str) -> None:
    """One gets in, nine do not, and the audit says the same."""
    halfway(scenario)
    body = {"mfa_token": scenario.token, "code": scenario.fill(code)}
    before = len(scenario.audit())

    answers = at_once(10, lambda _: Client(scenario.service.app).post(FINISH, json=body).status_code)

    assert sorted(answers) == [200] + [401] * 9
    assert [row for row in scenario.audit()[before:] if row.startswith("login")].count(MISSED) == 9


@pytest.mark.threads
def test_ten_who_confirm_at_once_get_one_set_of_codes(scenario: SecondFactor, at_once: Any) -> None:
    """No client is shown recovery codes that do not work."""
    pending(scenario)
    body, token = {"code": scenario.code()}, scenario.mina.client.token

    answers = at_once(10, lambda _: Client(scenario.service.app, "/v2", token).post(CONFIRM, json=body))

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    assert scenario.in_database("SELECT count(*) FROM recovery_codes") == [(10,)]
