"""A mail that cannot be sent does not delay others, and no mail is sent once its link has ended."""

from __future__ import annotations

import importlib
import re
import smtplib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from kit.adapter import PASSWORD, Client, SignedUp, Stage, expect
from kit.mail_server import Inbox, serving

ME = "/v2/accounts/me"
#: Encoded words (RFC 2047): Python reads them in an address, and writes what they say.
NOT_UTF8 = "=?utf-8?q?=FF=C3=BC?=@p1.example"
BCC = "=?utf-8?q?a=0D=0ABcc=3Av=40evil=2Eorg?=@x.example"
BODY = "=?utf-8?q?a=0D=0A=0D=0Abuy=20this?=@x.example"
BASE64 = "=?utf-8?b?YQ0KQmNjOiB2QGV2aWwub3Jn?=@x.example"
ENCODED = {"not UTF-8": NOT_UTF8, "a header": BCC, "a body": BODY, "in base64": BASE64}


@pytest.fixture
def inbox() -> Inbox:
    """What arrives at the mail server."""
    return Inbox()


@pytest.fixture
def app(service: Stage, inbox: Inbox) -> Iterator[Flask]:
    """The service, with a mail server; mail is sent when the test says so."""
    with serving(inbox) as port:
        service.app = service.new_app(SMTP_URL=f"smtp+plain://127.0.0.1:{port}", MAIL_INTERVAL=0)
        yield service.app


def deliver(app: Flask) -> None:
    with app.app_context():
        importlib.import_module(f"{app.import_name}.services.mail").deliver()


def sign_up(app: Flask, email: str) -> Any:
    return Client(app).post("/v2/accounts", json={"email": email, "name": "김미나", "password": PASSWORD})


def arrived(inbox: Inbox) -> list[str]:
    return [to for _ in range(inbox.mail.qsize()) for to in inbox.mail.get()[0]]


@pytest.mark.parametrize("email", ENCODED.values(), ids=ENCODED)
def test_an_address_that_a_header_would_rewrite_is_refused(app: Flask, problem: Any, email: str) -> None:
    """At the sign-up, and as the new address of an account."""
    assert problem(sign_up(app, email), 400)["errors"][0]["field"] == "email"


@pytest.mark.parametrize("email", ENCODED.values(), ids=ENCODED)
def test_a_letter_that_cannot_be_written_is_given_up(
    app: Flask, inbox: Inbox, in_database: Any, log: Any, email: str
) -> None:
    """An address that was stored before it was refused: the next letters go out, in the same round."""
    for number in range(3):
        expect(sign_up(app, f"mina{number}@example.com"), 202)
    in_database("UPDATE accounts SET email = ? WHERE email = ?", email, "mina0@example.com")

    deliver(app)

    assert arrived(inbox) == ["mina1@example.com", "mina2@example.com"]
    assert in_database("SELECT count(*) FROM outbox") == [(0,)]
    assert re.search("is given up: (it|its address) cannot be written", log.text)  # by the version of Python
    assert 'action="mail",outcome="given_up"} 1.0' in app.extensions["metrics"].text().decode()


def test_a_letter_that_fails_in_any_way_is_given_up(
    app: Flask, inbox: Inbox, in_database: Any, log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes wrong may be a bug of ours: the round goes on, and the log does not have the address."""
    letters = importlib.import_module(f"{app.import_name}.services.letters")
    compose = letters.compose

    def fail_once(mail: Any) -> Any:
        monkeypatch.setattr(letters, "compose", compose)
        raise ZeroDivisionError("mina0@example.com")

    for number in range(2):
        expect(sign_up(app, f"mina{number}@example.com"), 202)
    monkeypatch.setattr(letters, "compose", fail_once)

    deliver(app)

    assert arrived(inbox) == ["mina1@example.com"]
    assert in_database("SELECT count(*) FROM outbox") == [(0,)]
    assert "is given up: ZeroDivisionError" in log.text


def test_a_recipient_who_is_refused_for_now_holds_up_nobody(
    app: Flask, inbox: Inbox, in_database: Any
) -> None:
    """The others get their letters in the same round; this one is tried again later."""
    inbox.answers["mina0@example.com"] = "450 try again later"
    for number in range(3):
        expect(sign_up(app, f"mina{number}@example.com"), 202)

    deliver(app)

    assert arrived(inbox) == ["mina1@example.com", "mina2@example.com"]
    assert in_database("SELECT attempts FROM outbox") == [(1,)]


BROKEN = {
    "falls silent": TimeoutError(),
    "hangs up": smtplib.SMTPServerDisconnected(""),
    "refuses the sender": smtplib.SMTPSenderRefused(550, b"", ""),
}


@pytest.mark.parametrize("error", BROKEN.values(), ids=BROKEN)
def test_a_recipient_over_whom_the_server_breaks_off_holds_up_nobody(
    app: Flask, inbox: Inbox, in_database: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """A stranger may choose the address: that of a name server which never answers, say."""
    rcpt = smtplib.SMTP.rcpt

    def break_off(self: Any, recipient: str, options: Any = ()) -> Any:
        if recipient == "mina0@example.com":
            raise error
        return rcpt(self, recipient, options)

    monkeypatch.setattr(smtplib.SMTP, "rcpt", break_off)
    for number in range(2):
        expect(sign_up(app, f"mina{number}@example.com"), 202)

    deliver(app)

    assert arrived(inbox) == ["mina1@example.com"]
    assert in_database("SELECT attempts FROM outbox") == [(1,)]


def test_a_letter_that_failed_waits_for_those_that_have_not(
    app: Flask, inbox: Inbox, in_database: Any
) -> None:
    """Otherwise a hundred hostile addresses would be tried again before each letter of today."""
    for number in range(2):
        expect(sign_up(app, f"mina{number}@example.com"), 202)
    in_database("UPDATE outbox SET attempts = 1 WHERE due_at = (SELECT min(due_at) FROM outbox)")

    deliver(app)

    assert arrived(inbox) == ["mina1@example.com", "mina0@example.com"]


def test_a_letter_that_was_taken_is_not_sent_again(
    app: Flask, inbox: Inbox, in_database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the server says to the end of the connection."""

    async def say_goodbye(self: Inbox, server: Any, session: Any, envelope: Any) -> str:
        return "421 too busy to say goodbye"

    monkeypatch.setattr(Inbox, "handle_QUIT", say_goodbye, raising=False)
    for number in range(2):
        expect(sign_up(app, f"mina{number}@example.com"), 202)

    deliver(app)

    assert arrived(inbox) == ["mina0@example.com", "mina1@example.com"]
    assert in_database("SELECT count(*) FROM outbox") == [(0,)]


# -- what ends links ends the letters that would bring new ones ----------------------------------------

MINA, OTHER, NEW = "mina@example.com", "thief@example.org", "another long passphrase"


@pytest.fixture
def mina(service: Stage) -> SignedUp:
    """An account that an attacker has got into."""
    return service.sign_up(email=MINA)


def change_password(service: Stage, mina: SignedUp) -> None:
    body = {"current_password": PASSWORD, "new_password": NEW}
    expect(mina.client.open("PUT", "/v2/accounts/me/password", json=body), 204)


def disable_and_enable(service: Stage, mina: SignedUp) -> None:
    for disabled in (True, False):
        expect(service.admin.patch(mina.path, json={"disabled": disabled}), 200)


def log_out_everybody(service: Stage, mina: SignedUp) -> None:
    result = service.app.test_cli_runner().invoke(args=["accounts", "log-out-everybody"])
    assert result.exit_code == 0, result.output


def log_out_everywhere(service: Stage, mina: SignedUp) -> None:
    expect(mina.client.open("DELETE", "/v2/auth/sessions"), 204)


def log_out_by_an_admin(service: Stage, mina: SignedUp) -> None:
    expect(service.admin.open("DELETE", f"{mina.path}/sessions"), 204)


def log_out_by_the_operator(service: Stage, mina: SignedUp) -> None:
    result = service.app.test_cli_runner().invoke(args=["accounts", "sessions", MINA, "--end"])
    assert result.exit_code == 0, result.output


ENDS = {
    "a new password": change_password,
    "disabling": disable_and_enable,
    "logging out everywhere": log_out_everywhere,
    "an admin who logs the account out": log_out_by_an_admin,
    "the operator who does": log_out_by_the_operator,
    "logging all accounts out": log_out_everybody,
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_letter_that_waits_ends_with_the_links(
    service: Stage, mina: SignedUp, mailbox: Any, end: Callable[[Stage, SignedUp], None]
) -> None:
    """Mail waits; the attacker, who asked for another address or a new password, gets no link any more."""
    mailbox.letters()
    mailbox.down = True
    body = {"email": OTHER, "current_password": PASSWORD}
    expect(mina.client.post("/v2/accounts/me/email", json=body), 202)
    expect(Client(service.app).post("/v2/auth/password/forgot", json={"email": MINA}), 202)
    mailbox.letters()

    end(service, mina)
    mailbox.down = False
    with service.app.app_context():
        database = service.app.extensions["sqlalchemy"]
        with database.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE outbox SET due_at = '2026-01-01 00:00:00+00'")

    letters = mailbox.letters()
    assert [letter for letter in letters if "&token=" in letter.text] == []
    assert OTHER not in [letter.to for letter in letters]
    assert MINA in [letter.to for letter in letters]  # the notices are sent anyway


# -- every change of an account moves its version ---------------------------------------------------------


@pytest.mark.parametrize("disabled", [True, False])
def test_disabling_moves_the_version(service: Stage, mina: SignedUp, disabled: bool) -> None:
    """And enabling: an admin who has read the account before is told that it has changed."""
    admin = service.admin
    if not disabled:
        expect(admin.patch(mina.path, json={"disabled": True}), 200)
    before = admin.get(mina.path).headers["ETag"]

    changed = admin.patch(mina.path, json={"disabled": disabled}, headers={"If-Match": before})
    expect(changed, 200)

    assert changed.headers["ETag"] != before
    assert changed.headers["ETag"] == admin.get(mina.path).headers["ETag"]
    admin.reads_first = False
    stale = admin.patch(mina.path, json={"name": "이서준"}, headers={"If-Match": before})
    assert stale.status_code == 412
