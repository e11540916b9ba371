"""Mail: through a mail server, while it is down, and what a letter says. Who gets which: test_life.py."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from kit.adapter import PASSWORD, Client, LoadedStage, Stage, expect
from kit.mail_server import PASSWORD as SMTP_PASSWORD
from kit.mail_server import USER, Inbox, certificate, log_in, serving

MINA = "mina@example.com"
FORGOT = "/v2/auth/password/forgot"
PUBLIC = "https://accounts.example.org"


def sign_up(app: Flask, email: str = MINA, **options: Any) -> None:
    """Sign up, which has mail sent."""
    new = {"email": email, "name": "김미나", "password": PASSWORD}
    expect(Client(app).post("/v2/accounts", json=new, **options), 202)


def module(app: Flask, name: str) -> Any:
    """Return a module of the service."""
    return importlib.import_module(f"{app.import_name}.services.{name}")


def deliver(app: Flask) -> None:
    """Send what is due, as the thread does."""
    with app.app_context():
        module(app, "mail").deliver()


@pytest.fixture
def make_due(in_database: Any) -> Callable[[], None]:
    """Let the pause pass after which a mail is tried again."""
    return lambda: in_database("UPDATE outbox SET due_at = '2026-01-01 00:00:00+00'")


# -- through a mail server -----------------------------------------------------------------------------


@pytest.fixture
def inbox() -> Inbox:
    """What arrives at the mail server."""
    return Inbox()


@pytest.fixture
def with_mail(service: Stage) -> Iterator[Callable[..., Flask]]:
    """Make the service send to a mail server; only a new mail wakes the thread."""
    apps: list[Flask] = []

    def make(url: str, interval: int = 0) -> Flask:
        service.app = service.new_app(SMTP_URL=url, PUBLIC_URL=PUBLIC, MAIL_INTERVAL=interval)
        apps.append(service.app)
        return service.app

    yield make
    for app in apps:
        app.extensions["mail_sender"].stop()


def test_a_mail_server_gets_the_mail_once_it_is_committed(inbox: Inbox, with_mail: Any) -> None:
    """The thread sends it at once; its headers and text are right, and its link works."""
    with serving(inbox) as port:
        app = with_mail(f"smtp+plain://127.0.0.1:{port}", interval=3600)
        sign_up(app)
        to, message = inbox.mail.get(timeout=8)

    assert to == [MINA] and message["To"] == MINA
    assert message["From"] == "no-reply@accounts.example.org"
    assert message["Subject"] == "Confirm your e-mail address / 이메일 주소를 확인해 주세요"
    assert message["Message-ID"].endswith("@accounts.example.org>") and message["Date"].datetime
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain" and not message.is_multipart()
    text = message.get_content().replace("\r\n", "\n")
    assert "24 hours" in text and "24시간" in text
    assert "김미나" not in text  # nothing that a client chose
    (token,) = re.findall(rf"^{PUBLIC}/#action=verify&token=([\w-]{{43}})$", text, re.MULTILINE)
    expect(Client(app).post("/v2/accounts/verify", json={"token": token}), 204)


def test_a_mail_server_that_is_down_loses_nothing(
    inbox: Inbox, with_mail: Any, in_database: Any, make_due: Any, log: Any
) -> None:
    """Clients notice nothing; when it is back, all mail is sent."""
    with serving(inbox) as port:
        pass
    app = with_mail(f"smtp+plain://127.0.0.1:{port}")
    emails = [f"mina{number}@example.com" for number in range(3)]
    for email in emails:
        sign_up(app, email)
    deliver(app)
    assert in_database("SELECT count(*) FROM outbox") == [(3,)]
    assert "is not sent yet: ConnectionRefusedError, attempt 1" in log.text

    make_due()
    with serving(inbox, port):
        deliver(app)

    assert sorted(inbox.mail.get_nowait()[0][0] for _ in range(3)) == emails
    assert in_database("SELECT count(*) FROM outbox") == [(0,)]


TLS = {
    "TLS from the first byte": ("smtps", True, 1),
    "STARTTLS": ("smtp", True, 1),
    "STARTTLS that is not offered": ("smtp", False, 0),
    "an unknown certificate": ("smtps", None, 0),
}


@pytest.mark.parametrize(("scheme", "trusted", "arrives"), TLS.values(), ids=TLS)
def test_a_mail_is_encrypted_or_not_sent(
    inbox: Inbox,
    with_mail: Any,
    in_database: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
    trusted: bool | None,
    arrives: int,
) -> None:
    """No attacker on the way can make the service send a mail or a password in the clear."""
    context, file = certificate(tmp_path)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    options: dict[str, Any] = {"authenticator": log_in, "auth_required": True}
    if scheme == "smtps":
        options = {"ssl_context": context}
    elif trusted:
        options |= {"tls_context": context, "require_starttls": True}
    else:
        options = {}

    with serving(inbox, **options) as port:
        user = f"{USER}:{quote(SMTP_PASSWORD)}@" if "authenticator" in options else ""
        app = with_mail(f"{scheme}://{user}127.0.0.1:{port}")
        sign_up(app)
        deliver(app)

    assert inbox.mail.qsize() == arrives
    assert in_database("SELECT count(*) FROM outbox") == [(1 - arrives,)]


@pytest.mark.parametrize(("answer", "left"), [("550 nobody here", 0), ("451 come back later", 1)])
def test_a_recipient_who_is_refused_is_not_tried_again(
    inbox: Inbox, with_mail: Any, in_database: Any, log: Any, answer: str, left: int
) -> None:
    """Refused for good, it is given up, and the log says so. Refused for now, it waits."""
    inbox.answer = f"{answer} <{MINA}>"
    with serving(inbox) as port:
        app = with_mail(f"smtp+plain://127.0.0.1:{port}")
        sign_up(app)
        deliver(app)

    assert in_database("SELECT count(*) FROM outbox") == [(left,)]
    assert ("given up: the recipient is refused" if left == 0 else "not sent yet") in log.text


ADDRESSES = {
    "a foreign domain": ("mina@bücher.example", True, "mina@xn--bcher-kva.example"),
    "a foreign name": ("미나@example.com", True, "미나@example.com"),
    "a foreign name to an old server": ("미나@example.com", False, None),
    "a plus": ("mina+1@example.com", False, "mina+1@example.com"),
    "a quote": ("o'neil@example.com", False, "o'neil@example.com"),
}


@pytest.mark.parametrize(("email", "utf8", "arrives"), ADDRESSES.values(), ids=ADDRESSES)
def test_any_address_that_is_accepted_gets_its_mail(
    inbox: Inbox, with_mail: Any, in_database: Any, email: str, utf8: bool, arrives: str | None
) -> None:
    """Or the mail is given up, if no server on the way can take it."""
    with serving(inbox, enable_SMTPUTF8=utf8) as port:
        app = with_mail(f"smtp+plain://127.0.0.1:{port}")
        sign_up(app, email)
        deliver(app)

    assert [inbox.mail.get_nowait()[0] for _ in range(inbox.mail.qsize())] == ([[arrives]] if arrives else [])
    assert in_database("SELECT count(*) FROM outbox") == [(0,)]


def test_no_address_writes_a_header(service: Stage) -> None:
    """A line break never ends a header, even if the rules for addresses allow it."""
    smtp, letters = module(service.app, "smtp"), module(service.app, "letters")
    server = smtp.read_url("smtp+plain://127.0.0.1:1", "https://accounts.example.org", "")

    for letter in (
        letters.Letter("mina@example.com\r\nBcc: all@example.com", "Hello", "text"),
        letters.Letter("mina@example.com", "Hello\r\nBcc: all@example.com", "text"),
    ):
        with pytest.raises(smtp.Undeliverable, match="cannot be written"):
            server.send(letter)


@pytest.mark.parametrize(
    "url",
    ["mail.example.com", "http://mail.example.com", "smtp://", "smtp://u:hunter2@mail:port", "smtps:25"],
)
def test_an_invalid_mail_server_stops_the_start(service: Stage, url: str) -> None:
    """One line, without the password that may be in it."""
    with pytest.raises(SystemExit) as stopped:
        service.new_app(SMTP_URL=url)

    message = str(stopped.value.code)
    assert "SMTP_URL" in message and "\n" not in message and "hunter2" not in message


# -- the outbox --------------------------------------------------------------------------------------------


def test_pauses_grow_until_a_mail_is_given_up(
    service: Stage, mailbox: Any, in_database: Any, make_due: Any, log: Any
) -> None:
    """From two minutes to an hour; after a day it is gone, and the log says which mail, but not whose."""
    mailbox.down = True
    sign_up(service.app)
    pauses = []

    while in_database("SELECT 1 FROM outbox"):
        make_due()
        mailbox.letters()
        for (due,) in in_database("SELECT due_at FROM outbox"):
            left = datetime.fromisoformat(str(due)).replace(tzinfo=UTC) - datetime.now(UTC)
            pauses.append(round(left.total_seconds() / 60))

    assert pauses[:6] == [2, 4, 8, 16, 32, 60] and set(pauses[6:]) == {60} and len(pauses) == 29
    assert "(signed_up) is given up: ConnectionRefusedError, attempt 30" in log.text


def test_a_process_that_dies_over_a_mail_does_not_keep_it(
    service: Stage, mailbox: Any, make_due: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another sends it, later: the time of the next attempt is stored before each attempt."""
    sign_up(service.app)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(mailbox, "send", lambda letter: (_ for _ in ()).throw(KeyboardInterrupt))
        mailbox.letters()

    assert mailbox.letters() == []  # not at once: the other may still be sending it
    make_due()
    assert [letter.to for letter in mailbox.letters()] == [MINA]


def test_a_mail_that_waited_still_has_a_fresh_link(
    service: Stage, mailbox: Any, make_due: Any, in_database: Any
) -> None:
    """Its lifetime begins when it is sent, and a failed attempt leaves no link behind."""
    sign_up(service.app)
    expect(service.client.post(FORGOT, json={"email": MINA}), 202)
    mailbox.down = True
    mailbox.letters()
    in_database("UPDATE one_time_tokens SET expires_at = '2026-01-01 00:00:00+00'")

    mailbox.down = False
    make_due()
    for letter in mailbox.letters():
        kind, token = re.findall(r"#action=(\w+)&token=([\w-]{43})\n", letter.text)[0]
        if kind == "verify":
            expect(service.client.post("/v2/accounts/verify", json={"token": token}), 204)


def test_a_mail_of_a_deleted_account_is_not_sent(service: Stage, mailbox: Any) -> None:
    """Its link would lead nowhere; only the notice that it is deleted goes out."""
    account = service.sign_up(email=MINA)
    expect(service.client.post(FORGOT, json={"email": MINA}), 202)

    expect(account.client.delete("/v2/accounts/me"), 204)

    assert mailbox.fetch() == [(MINA, "Your account was deleted")]


def test_the_thread_outlives_a_database_that_is_down(
    service: Stage, mailbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it could not read it reads the next time it is woken."""
    mail = module(service.app, "mail")
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise OSError("no database")
        sender._stopping = True

    monkeypatch.setattr(mail, "deliver", fail)
    sender = mail.Sender(service.app, 3600)
    sender.wake()
    sender._woken.set()
    while len(calls) < 2:
        sender.wake()
    sender.stop()

    assert len(calls) == 2


# -- what a letter reveals -----------------------------------------------------------------------------------


def test_a_link_leads_to_where_the_configuration_says(service: Stage, mailbox: Any) -> None:
    """A request for a new password with another `Host` does not change the link."""
    sign_up(service.app)
    mailbox.letters()
    stolen = {
        "Host": "evil.example.net",
        "X-Forwarded-Host": "evil.example.net",
        "Origin": "https://evil.example",
    }

    expect(service.client.post(FORGOT, json={"email": MINA}, headers=stolen), 202)

    (letter,) = mailbox.letters()
    assert service.app.config["PUBLIC_URL"] + "/#action=reset&token=" in letter.text
    assert "evil" not in letter.text


@pytest.mark.only_on("sqlite")
def test_no_token_is_stored(service: Stage, mailbox: Any) -> None:
    """Neither before a mail is sent nor after it: a reader of the database can use no link."""
    client = service.sign_up(email=MINA).client
    expect(service.client.post(FORGOT, json={"email": MINA}), 202)
    move = {"email": "other@example.com", "current_password": PASSWORD}
    expect(client.post("/v2/accounts/me/email", json=move), 202)

    tokens = re.findall(r"&token=([\w-]{43})\n", "".join(letter.text for letter in mailbox.letters()))

    assert len(set(tokens)) == 3
    file = Path(service.app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"))
    stored = b"".join(part.read_bytes() for part in file.parent.glob(f"{file.name}*"))
    assert MINA.encode() in stored
    assert not [token for token in tokens if token.encode() in stored]


def test_without_a_mail_server_letters_go_into_the_log(service: Stage, log: Any) -> None:
    """On a developer's machine, with their links, which is why production insists on a mail server."""
    app = service.new_app("DevelopmentConfig", MAIL_INTERVAL=0)
    sign_up(app, "mina@mail.test")
    deliver(app)

    assert "mail to mina@mail.test" in log.text and "/#action=verify&token=" in log.text


def test_every_letter_is_written_in_both_languages(final: LoadedStage) -> None:
    """A subject in both; then English, and Korean below it, which points to the link above."""
    files = sorted((final.folder / "app" / "templates" / "mail").glob("*.txt"))
    assert len(files) >= 8
    for file in files:
        subject, english, korean = re.fullmatch(
            r"([^\n]+)\n\n(.+)\n\n\* \* \*\n\n(.+)\n", file.read_text(encoding="utf-8"), re.DOTALL
        ).groups()  # type: ignore[union-attr]
        assert re.fullmatch(r"[ -~]+ / .*[가-힣]+.*", subject), file
        assert english.isascii() and "{{" in english, file
        assert english.find("{{ link") < 200, "the log cuts a line before the end of the link"
        assert "{{" not in korean and all(line.endswith(("다.", "요.", "")) for line in korean.split("\n")), (
            file
        )
        assert max(len(line) for line in english.splitlines()) <= 998  # RFC 5322 2.1.1
