"""The life of an account, a row for each thing that can happen to it.

A row has the request, its answer, what it leaves in the audit, and the mail that it sends. What is not named
in it did not happen. What happens at the same moment is in test_at_once.py.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from kit.adapter import PASSWORD, Client, Stage, expect
from kit.scenario import MINA, Ask, Row, Scenario

NEW = "another passphrase for the tests"
WRONG = "not this one, certainly"
MADE_UP = "x" * 43
LOUD = "MINA@example.com"
NOBODY, OTHER = "nobody@example.com", "other@example.com"
BOSS = "boss@example.com"
HER = "/v2/accounts/{mina}"
RESENT = "account.resend done m -"
RESET_DONE, RESET_FAILED = "password.reset done m m", "password.reset failed - -"

VERIFY, KNOWN, RESET = "Confirm your e-mail address", "You have an account already", "Choose a new password"
AGAIN = "Finish signing up"
CONFIRM, ASKED = "Confirm your new e-mail address", "Your account is to get another e-mail address"
CHANGED, DELETED = "Your password was changed", "Your account was deleted"
MOVED = "Your account has another e-mail address now"


class Life(Scenario):
    """One member, who is logged in, and one admin; and the mail that has been read so far."""

    def __init__(self, service: Stage, mailbox: Any, in_database: Any) -> None:
        super().__init__(service, mailbox, in_database)
        self.admin = service.admin
        self.ids[expect(self.admin.get("/v2/accounts/me"), 200)["id"]] = "a"
        self.tokens: dict[str, str] = {}
        self.read_mail()

    def client(self, who: str) -> Client:
        """Return the client of the admin, too."""
        return self.admin if who == "admin" else super().client(who)

    def read_mail(self) -> None:
        """Take the tokens from all mail that has arrived."""
        for letter in self.mailbox.letters():
            self.tokens.update(re.findall(r"#action=(\w+)&token=([\w-]{43})\n", letter.text))

    def fill(self, text: str) -> str:
        """Put the ids and tokens in."""
        known = {"mina": self.mina.id, **self.tokens}
        return re.sub(r"\{(\w+)\}", lambda match: known[match[1]], text)


def sign_up(email: str, **changes: str) -> Ask:
    """Sign up."""
    body = {"email": email, "name": "김미나", "password": PASSWORD} | changes
    return Ask("nobody", "POST", "/v2/accounts", body)


def resend(email: str) -> Ask:
    """Ask for the confirmation mail again."""
    return Ask("nobody", "POST", "/v2/accounts/verify/resend", {"email": email})


def verify(token: str) -> Ask:
    """Open the mailed confirmation link."""
    return Ask("nobody", "POST", "/v2/accounts/verify", {"token": token})


def login(email: str, password: str = PASSWORD) -> Ask:
    """Log in."""
    return Ask("nobody", "POST", "/v2/auth/login", {"email": email, "password": password})


def forgot(email: str) -> Ask:
    """Ask for a new password."""
    return Ask("nobody", "POST", "/v2/auth/password/forgot", {"email": email})


def reset(token: str, new: str = NEW) -> Ask:
    """Choose a new password, with the mailed link."""
    return Ask("nobody", "POST", "/v2/auth/password/reset", {"token": token, "new_password": new})


def change(current: str = PASSWORD, new: str = NEW) -> Ask:
    """Change the password, knowing the current one."""
    return Ask("mina", "PUT", "/v2/accounts/me/password", {"current_password": current, "new_password": new})


def move(email: str = OTHER, password: str = PASSWORD) -> Ask:
    """Ask for another address."""
    return Ask("mina", "POST", "/v2/accounts/me/email", {"email": email, "current_password": password})


def confirm(link: str = "{confirm_email}") -> Ask:
    """Open the link mailed to the new address."""
    return Ask("nobody", "POST", "/v2/accounts/email/confirm", {"token": link})


def patch(who: str, account: str = "{mina}", **body: Any) -> Ask:
    """Change an account that was just read."""
    return Ask(who, "PATCH", f"/v2/accounts/{account}", body)


def leave(who: str = "mina", password: str = PASSWORD) -> Ask:
    """Delete one's own account, knowing the password."""
    return Ask(who, "DELETE", "/v2/accounts/me", {"current_password": password})


# -- what has happened before ------------------------------------------------------------------------


def verified(scenario: Life) -> None:
    """She has confirmed her address."""
    expect(scenario.send(verify("{verify}")), 204)


def resent(scenario: Life) -> None:
    """She has got another mail, in place of that of her sign-up."""
    expect(scenario.send(resend(MINA)), 202)
    scenario.read_mail()


def signed_up_again(scenario: Life) -> None:
    """She, or a stranger, has signed up once more; `first` is the link of before."""
    scenario.tokens["first"] = scenario.tokens["verify"]
    expect(scenario.send(sign_up(MINA, password=NEW)), 202)
    scenario.read_mail()


def disabled(scenario: Life) -> None:
    """An admin has disabled her account."""
    expect(scenario.send(patch("admin", disabled=True)), 200)


def forgotten(scenario: Life) -> None:
    """She has a link to choose a new password."""
    expect(scenario.send(forgot(MINA)), 202)
    scenario.tokens["first"] = scenario.tokens.get("reset", "")
    scenario.read_mail()


def moving(scenario: Life) -> None:
    """She has a link that makes another address hers."""
    expect(scenario.send(move()), 202)
    scenario.read_mail()


def spent(scenario: Life) -> None:
    """The link to a new password has been used."""
    forgotten(scenario)
    expect(scenario.send(reset("{reset}")), 204)


def taken(scenario: Life) -> None:
    """The other address has an account."""
    scenario.service.sign_up(email=OTHER)


def too_old(scenario: Life) -> None:
    """All links have expired."""
    scenario.in_database("UPDATE one_time_tokens SET expires_at = '2026-01-01 00:00:00+00'")


def required(scenario: Life) -> None:
    """Only accounts with a confirmed address may log in."""
    scenario.service.app.config["REQUIRE_VERIFIED_EMAIL"] = True


def throttled(scenario: Life) -> None:
    """A stranger has guessed at her password until guesses were refused."""
    scenario.service.app.config["ATTEMPTS_PER_ACCOUNT"] = 2
    for _ in range(2):
        scenario.service.log_in(MINA, WRONG)


# -- the table -----------------------------------------------------------------------------------------


NO_LINK = "not_valid"
ROWS = [
    Row("sign up", sign_up(NOBODY), 202, "account.create done ? -", {NOBODY: VERIFY}),
    Row("sign up while it waits", sign_up(MINA), 202, "account.create refused m -", {MINA: VERIFY}),
    Row("sign up again", sign_up(MINA), 202, "account.create refused m -", {MINA: KNOWN}, (verified,)),
    Row("sign up in capitals", sign_up(LOUD), 202, "account.create refused m -", {MINA: KNOWN}, (verified,)),
    Row("sign up while disabled", sign_up(MINA), 202, "account.create refused m -", {}, (disabled,)),
    Row("sign up without an e-mail", sign_up("mina"), 400, code="not_an_email"),
    #
    Row("the link", verify("{verify}"), 204, "account.verify done m m"),
    Row("the link, twice", verify("{verify}"), 400, "account.verify failed - -", {}, (verified,), NO_LINK),
    Row("the link, too old", verify("{verify}"), 400, "account.verify failed - -", {}, (too_old,), NO_LINK),
    Row("the link, disabled", verify("{verify}"), 400, "account.verify failed - -", {}, (disabled,), NO_LINK),
    Row("send it again", resend(MINA), 202, RESENT, {MINA: AGAIN}),
    Row("send it again to a spelling", resend(LOUD), 202, RESENT, {MINA: AGAIN}),
    Row("send it again to the owner", resend(MINA), 202, RESENT, {MINA: KNOWN}, (verified,)),
    Row("send it again to an unknown e-mail", resend(NOBODY), 202, "account.resend failed - -"),
    Row("send it again without an e-mail", resend("@"), 202, "account.resend failed - -"),
    Row("send it again while disabled", resend(MINA), 202, RESENT, {}, (disabled,)),
    Row("the link sent again", reset("{reset}"), 204, RESET_DONE, {MINA: CHANGED}, (resent,)),
    Row("the link before", verify("{verify}"), 204, "account.verify done m m", {}, (resent,)),
    Row("the link of a sign-up", verify("{verify}"), 204, "account.verify done m m", {}, (signed_up_again,)),
    Row("the one before", verify("{first}"), 204, "account.verify done m m", {}, (signed_up_again,)),
    Row("a link for a reset", verify("{reset}"), 400, "account.verify failed - -", {}, (forgotten,), NO_LINK),
    Row("a made-up link", verify(MADE_UP), 400, "account.verify failed - -", code=NO_LINK),
    Row("an empty link", verify(""), 400, "account.verify failed - -", code=NO_LINK),
    #
    Row("log in", login(MINA), 200, "login done m m"),
    Row("log in by a wrong password", login(MINA, WRONG), 401, "login failed m -"),
    Row("log in by an unknown e-mail", login(NOBODY), 401, "login failed - -"),
    Row("log in while disabled", login(MINA), 401, "login failed m -", {}, (disabled,)),
    Row("log in unconfirmed", login(MINA), 401, "login failed m -", {}, (required,)),
    Row("log in confirmed", login(MINA), 200, "login done m m", {}, (required, verified)),
    Row("log in too often", login(MINA), 429, "throttle refused m -", {}, (throttled,)),
    Row("log out", Ask("mina", "POST", "/v2/auth/logout"), 204, "session.end done m m"),
    Row("log out everywhere", Ask("mina", "DELETE", "/v2/auth/sessions"), 204, "sessions.end done m m"),
    #
    Row("forget", forgot(MINA), 202, "password.forgot done m -", {MINA: RESET}),
    Row("forget by an unknown e-mail", forgot(NOBODY), 202, "password.forgot failed - -"),
    Row("forget without an e-mail", forgot("@"), 202, "password.forgot failed - -"),
    Row("forget while disabled", forgot(MINA), 202, "password.forgot done m -", {}, (disabled,)),
    Row("reset", reset("{reset}"), 204, "password.reset done m m", {MINA: CHANGED}, (forgotten,)),
    Row("reset, shut out", reset("{reset}"), 204, RESET_DONE, {MINA: CHANGED}, (forgotten, throttled)),
    Row("reset, twice", reset("{reset}"), 400, "password.reset failed - -", {}, (spent,), NO_LINK),
    Row("reset, outdated", reset("{first}"), 400, RESET_FAILED, {}, (forgotten, forgotten), NO_LINK),
    Row("reset, too old", reset("{reset}"), 400, RESET_FAILED, {}, (forgotten, too_old), NO_LINK),
    Row("reset, disabled", reset("{reset}"), 400, RESET_FAILED, {}, (forgotten, disabled), NO_LINK),
    Row("reset by another link", reset("{verify}"), 400, RESET_FAILED, code=NO_LINK),
    Row("reset to a short one", reset("{reset}", "short"), 400, "", {}, (forgotten,), "too_short"),
    #
    Row("change", change(), 204, "password.change done m m", {MINA: CHANGED}),
    Row("change by a wrong password", change(WRONG), 403, "password.change failed m m"),
    Row("change to a short one", change(new="short"), 400, code="too_short"),
    #
    Row("move", move(), 202, "email.request done m m", {OTHER: CONFIRM, MINA: ASKED}),
    Row("move to a known one", move(), 202, "email.request done m m", {OTHER: KNOWN, MINA: ASKED}, (taken,)),
    Row("move by a wrong password", move(password=WRONG), 403, "email.request failed m m"),
    Row("move to nowhere", move("other"), 400, code="not_an_email"),
    Row("confirm", confirm(), 204, "email.change done m m", {MINA: MOVED}, (moving,)),
    Row("confirm, taken meanwhile", confirm(), 400, "email.change failed - -", {}, (moving, taken), NO_LINK),
    Row("confirm after a reset", confirm(), 400, "email.change failed - -", {}, (moving, spent), NO_LINK),
    Row("confirm a made-up one", confirm(MADE_UP), 400, "email.change failed - -", code=NO_LINK),
    #
    Row("a role", patch("admin", role="admin"), 200, "account.role done m a"),
    Row("the same role", patch("admin", role="member"), 200),
    Row("a role of one's own", patch("mina", "me", role="admin"), 403, "account.change refused m m"),
    Row("a state of one's own", patch("mina", "me", disabled=False), 403, "account.change refused m m"),
    Row("disable", patch("admin", disabled=True), 200, "account.disable done m a"),
    Row("enable", patch("admin", disabled=False), 200, "account.enable done m a", {}, (disabled,)),
    Row("an unknown role", patch("admin", role="owner"), 400, code="invalid"),
    Row("no role", patch("admin", role=None), 400, code="invalid"),
    Row("no state", patch("admin", disabled=1), 400, code="wrong_type"),
    Row("no change", patch("admin"), 400, code="missing"),
    Row("a name", patch("mina", "me", name="이서준"), 200, "account.name done m m"),
    Row("her name", patch("admin", name="이서준"), 200, "account.name done m a"),
    Row("the same name", patch("mina", "me", name="김미나"), 200),
    Row("delete", leave(), 204, "account.delete done m m", {MINA: DELETED}),
    Row("delete by a wrong password", leave(password=WRONG), 403, "account.delete failed m m"),
    Row("delete her", Ask("admin", "DELETE", HER), 204, "account.delete done m a", {MINA: DELETED}),
    Row("the last admin leaves", leave("admin"), 409),
    Row("the last admin steps down", patch("admin", "me", role="member"), 409),
    Row("the last admin locks himself out", patch("admin", "me", disabled=True), 409),
    Row("a member lists the accounts", Ask("mina", "GET", "/v2/accounts"), 403, "access refused - m"),
    Row("a member reads the audit", Ask("mina", "GET", "/v2/audit"), 403, "access refused - m"),
]


@pytest.fixture
def scenario(service: Stage, mailbox: Any, in_database: Any) -> Life:
    """A member and an admin."""
    return Life(service, mailbox, in_database)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_happens_to_an_account(scenario: Life, row: Row) -> None:
    """The response, the audit's rows and the mail: all of it, and nothing else."""
    scenario.check(row)


# -- the consequences ------------------------------------------------------------------------------


def test_a_reset_ends_all_sessions_and_proves_the_address(scenario: Life) -> None:
    """All sessions end; the account counts as confirmed, because its owner has read the mail."""
    scenario.service.app.config["REQUIRE_VERIFIED_EMAIL"] = True
    forgotten(scenario)
    expect(scenario.service.log_in(MINA), 401)

    expect(scenario.send(reset("{reset}")), 204)

    expect(scenario.mina.client.get("/v2/accounts/me"), 401)
    expect(scenario.service.log_in(MINA), 401)
    expect(scenario.service.log_in(MINA, NEW), 200)


def test_a_refused_password_leaves_the_link_good(scenario: Life, hashes: list[str]) -> None:
    """After a bad password the same link works again; and a made-up link costs no hash."""
    forgotten(scenario)
    hashes.clear()

    expect(scenario.send(reset("{reset}", "short")), 400)
    expect(scenario.send(reset(MADE_UP)), 400)
    assert hashes == []
    expect(scenario.send(reset("{reset}")), 204)
    assert hashes == ["hash"]


def test_a_new_address_is_used_once_it_is_confirmed(scenario: Life) -> None:
    """Before, the old one logs in; after, the new one does, and mail goes there."""
    moving(scenario)
    expect(scenario.service.log_in(OTHER), 401)
    expect(scenario.service.log_in(MINA), 200)

    expect(scenario.send(confirm()), 204)

    expect(scenario.service.log_in(MINA), 401)
    expect(scenario.service.log_in(OTHER), 200)
    assert expect(scenario.mina.client.get("/v2/accounts/me"), 200)["email"] == OTHER
    scenario.mailbox.letters()
    expect(scenario.send(forgot(OTHER)), 202)
    assert scenario.mailbox.fetch() == [(OTHER, RESET)]


def test_an_owner_may_spell_the_address_in_another_way(scenario: Life) -> None:
    """The address is her own, so no other account has it."""
    expect(scenario.send(move("Mina@Example.com")), 202)
    scenario.read_mail()

    expect(scenario.send(confirm()), 204)

    assert expect(scenario.mina.client.get("/v2/accounts/me"), 200)["email"] == "Mina@Example.com"


def test_a_link_to_the_old_address_is_worth_nothing_after_a_move(scenario: Life) -> None:
    """A thief who still reads the old mail cannot take the account back."""
    moving(scenario)
    forgotten(scenario)
    expect(scenario.send(confirm()), 204)

    expect(scenario.send(reset("{reset}")), 400)


def test_a_confirmed_account_is_not_replaced(scenario: Life) -> None:
    """Signing up for a confirmed account does not change its password."""
    scenario.service.app.config["REQUIRE_VERIFIED_EMAIL"] = True
    verified(scenario)

    expect(scenario.send(sign_up(MINA, password=NEW)), 202)

    expect(scenario.service.log_in(MINA, NEW), 401)
    expect(scenario.service.log_in(MINA), 200)


def test_a_state_or_role_counts_from_the_next_request_on(scenario: Life) -> None:
    """Tokens do not outlive the old one; and enabling an account brings no session back."""
    expect(scenario.send(patch("admin", role="admin")), 200)
    expect(scenario.mina.client.get("/v2/accounts"), 200)
    expect(scenario.send(patch("admin", role="member")), 200)
    expect(scenario.mina.client.get("/v2/accounts"), 403)

    disabled(scenario)
    expect(scenario.mina.client.get("/v2/accounts/me"), 401)
    expect(scenario.send(patch("admin", disabled=False)), 200)

    expect(scenario.mina.client.get("/v2/accounts/me"), 401)
    expect(scenario.service.log_in(MINA), 200)


COUNTS = ("SELECT count(*) FROM audit_events", "SELECT count(*) FROM outbox")
ALIKE = {
    "signing up": (sign_up(MINA), sign_up(NOBODY), ["hash"]),
    "sending again": (resend(MINA), resend(NOBODY), []),
    "forgetting": (forgot(MINA), forgot(NOBODY), []),
    "logging in": (login(MINA, WRONG), login(NOBODY), ["verify"]),
    "a used link and a made-up one": (verify("{verify}"), verify(MADE_UP), []),
    "another address": (move(), move(BOSS), ["verify"]),
}


@pytest.mark.parametrize(("known", "unknown", "work"), ALIKE.values(), ids=ALIKE)
def test_no_answer_tells_who_has_an_account(
    scenario: Life, hashes: Any, known: Ask, unknown: Ask, work: list[str]
) -> None:
    """Status, body and headers are the same, and so are the hashes and the written rows."""
    verified(scenario)
    scenario.service.create_admin(BOSS, "관리자")
    seen = []
    for ask in (known, unknown):
        hashes.clear()
        counted = [scenario.in_database(statement)[0][0] for statement in COUNTS]
        answer = scenario.send(ask)
        written = [scenario.in_database(statement)[0][0] for statement in COUNTS]
        varying = {"X-Request-ID", "Server-Timing", "Date", "RateLimit"}  # the limit counts both
        headers = [(name, value) for name, value in answer.headers if name not in varying]
        text = answer.text.replace(answer.headers["X-Request-ID"], "")
        more = [now - then for now, then in zip(written, counted, strict=True)]
        seen.append((answer.status_code, headers, text, list(hashes), more))

    assert seen[0] == seen[1]
    assert seen[0][3] == work
