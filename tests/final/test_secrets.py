"""No secret is anywhere except with the client that it was given to.

A real server, a real mail server, and the whole life of two accounts. Every password that was typed, right or
wrong, every token and code, and every key is remembered; then the files of the database, every column of it,
the log, the audit, the metrics and the outbox are searched for all of them.
"""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyotp
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from kit.adapter import LoadedStage
from kit.mail_server import PASSWORD as SMTP_PASSWORD
from kit.mail_server import USER, Inbox, log_in, serving
from kit.server import SECRET, Answer, Server
from sqlalchemy import text

pytestmark = [
    pytest.mark.threads,
    pytest.mark.timeout(300),  # some seconds, where nothing else runs
    pytest.mark.skipif(
        sys.platform == "win32", reason="Granian has one process on Windows, and these tests want two"
    ),
]

ME, LOGIN, MFA, REFRESH = "/v2/accounts/me", "/v2/auth/login", "/v2/auth/mfa", "/v2/auth/refresh"
MINA, MOVED, NOBODY = "mina@example.com", "moved@example.com", "nobody@example.com"


class Life:
    """A client that remembers every secret: what it typed, and what it was given."""

    def __init__(self, server: Server, inbox: Inbox) -> None:
        self.server, self.inbox = server, inbox
        self.secrets: dict[str, str] = {
            "SECRET_KEY": SECRET,
            "the password of the mail server": SMTP_PASSWORD,
        }
        self.codes: set[str] = (
            set()
        )  # six digits each: they may be anywhere by chance, in a fraction of a second
        self.token: str | None = None

    def secret(self, what: str, value: str) -> str:
        """Remember ``value``, and return it."""
        self.secrets[f"{what} {len(self.secrets)}"] = value
        return value

    def typed(self, password: str) -> str:
        """Remember a password."""
        return self.secret("password", password)

    def send(self, status: int, method: str, path: str, **body: str) -> Answer:
        """Send a request, and remember what secrets come back."""
        answer = self.server.send(method, path, body or None, self.token)
        assert answer.status == status, (method, path, answer)
        for name in ("access_token", "refresh_token", "mfa_token", "secret"):
            if isinstance(answer.body, dict) and name in answer.body:
                self.secret(name, answer.body[name])
        for code in (answer.body or {}).get("recovery_codes", []) if isinstance(answer.body, dict) else []:
            self.secret("recovery code", code)
            self.secret("recovery code", code.replace("-", ""))
        return answer

    def mailed(self) -> str:
        """Return the token of the next letter that has one."""
        while True:
            _, message = self.inbox.mail.get(timeout=30)
            if found := re.search(r"&token=([\w-]{43})", message.get_content()):
                return self.secret("mailed token", found[1])

    def code(self, secret: str, later: int = 0) -> str:
        """Return what the app shows ``later`` half-minutes from now."""
        totp = pyotp.TOTP(secret)
        self.codes.add(shown := totp.generate_otp(totp.timecode(datetime.now()) + later))
        return shown

    def finish(self, half: str, code: str) -> str:
        """Log in by a code, and return the access token."""
        return str(self.send(200, "POST", f"{LOGIN}/mfa", mfa_token=half, code=code).body["access_token"])

    def live(self) -> None:
        """Do everything that can happen to an account."""
        password, other = self.typed("the first passphrase of Mina"), self.typed("the second passphrase")
        third = self.typed("the third passphrase of Mina")
        stranger = self.typed("the passphrase of a stranger")
        links = []
        for tried in (password, stranger, password):
            self.send(202, "POST", "/v2/accounts", email=MINA, name="Mina", password=tried)
            links.append(self.mailed())
        self.send(401, "POST", LOGIN, email=MINA, password=password)
        self.send(204, "POST", "/v2/accounts/verify", token=links[2])
        self.send(400, "POST", "/v2/accounts/verify", token=links[0])

        self.send(401, "POST", LOGIN, email=MINA, password=self.typed("a wrong guess of a stranger"))
        self.send(
            401, "POST", LOGIN, email=self.typed("my password in the field of the e-mail"), password="x"
        )
        self.send(400, "POST", LOGIN, email=MINA, pasword=self.typed("a password in no field at all"))
        self.send(400, "POST", "/v2/accounts", email=MINA, name="M", password=self.typed("tooshort#7"))
        self.send(401, "POST", LOGIN, email=NOBODY, password=self.typed("a guess for an unknown account"))
        grant = self.send(200, "POST", LOGIN, email=MINA, password=password).body
        successor = self.send(200, "POST", REFRESH, refresh_token=grant["refresh_token"]).body
        self.send(200, "POST", REFRESH, refresh_token=successor["refresh_token"])
        self.send(401, "POST", REFRESH, refresh_token=grant["refresh_token"])  # the session ends
        self.token = self.secret("forged", grant["access_token"][:-4] + "AAAA")
        self.send(401, "GET", f"{ME}?token={grant['access_token']}")

        self.token = self.send(200, "POST", LOGIN, email=MINA, password=password).body["access_token"]
        self.send(
            403, "PUT", f"{ME}/password", current_password=self.typed("not it, alas"), new_password=other
        )
        self.send(204, "PUT", f"{ME}/password", current_password=password, new_password=other)
        secret = self.send(200, "POST", MFA, current_password=other).body["secret"]
        self.send(403, "POST", f"{MFA}/confirm", code="12345")
        codes = self.send(200, "POST", f"{MFA}/confirm", code=self.code(secret)).body["recovery_codes"]
        half = self.send(200, "POST", LOGIN, email=MINA, password=other).body["mfa_token"]
        self.send(401, "POST", f"{LOGIN}/mfa", mfa_token=half, code=codes[0][:-1] + "1")
        self.send(200, "POST", f"{LOGIN}/mfa", mfa_token=half, code=self.code(secret, later=1))
        half = self.send(200, "POST", LOGIN, email=MINA, password=other).body["mfa_token"]
        self.token = self.send(200, "POST", f"{LOGIN}/mfa", mfa_token=half, code=codes[1]).body[
            "access_token"
        ]

        self.send(202, "POST", f"{ME}/email", email=MOVED, current_password=other)
        self.send(204, "POST", "/v2/accounts/email/confirm", token=self.mailed())
        self.send(202, "POST", "/v2/auth/password/forgot", email=MOVED)
        self.send(204, "POST", "/v2/auth/password/reset", token=self.mailed(), new_password=third)
        half = self.send(200, "POST", LOGIN, email=MOVED, password=third).body["mfa_token"]
        self.token = self.send(200, "POST", f"{LOGIN}/mfa", mfa_token=half, code=codes[2]).body[
            "access_token"
        ]
        self.send(204, "DELETE", MFA, current_password=third, code=codes[3])
        self.send(200, "POST", MFA, current_password=third)  # a secret that stays in the table
        self.send(202, "POST", "/v2/auth/password/forgot", email=MOVED)
        self.mailed()  # and a link that is never opened
        self.send(204, "DELETE", "/v2/auth/sessions")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'accounts.sqlite'}"
        return
    server = request.getfixturevalue("postgresql")
    server.make(name := server.new_name())
    yield server.url_of(name)
    server.drop(name)


def test_no_secret_is_left_anywhere(final: LoadedStage, url: str, tmp_path: Path) -> None:
    """Not in a file, a column, a line of the log or a metric."""
    inbox = Inbox()
    options = {"authenticator": log_in, "auth_require_tls": False}
    with serving(inbox, **options) as port:
        server = Server(
            final.folder,
            tmp_path,
            url,
            FLASK_SMTP_URL=f"smtp+plain://{USER}:{quote(SMTP_PASSWORD)}@127.0.0.1:{port}",
            FLASK_MAIL_INTERVAL="1",
            FLASK_REQUIRE_VERIFIED_EMAIL="true",
        )
        life = Life(server, inbox)
        try:
            life.live()
            numbers = server.send("GET", "/metrics").body.decode()
            files = [
                file.read_bytes() for file in tmp_path.glob("accounts.sqlite*")
            ]  # with the log of SQLite
        finally:
            server.close()
    columns, keys, printed = inside(final, url)
    log = server.log.read_text(errors="replace")
    assert columns["audit_events"].count("login") > 8 and log.count("/v2/auth/login") > 10  # it is all there

    places = {"the log": log, "the metrics": numbers, "what commands print": printed, **columns}
    for secret in [*life.secrets.items(), *keys.items()]:
        for place, content in places.items():
            assert secret[1] not in content, f"{secret[0]} is in {place}"
        assert not [None for content in files if secret[1].encode() in content], f"{secret[0]} is in a file"
    for code in life.codes:
        assert not re.search(rf"\b{code}\b", log + columns["audit_events"]), "a code is written down"
    assert "$argon2" not in log + numbers + printed + columns["audit_events"] + columns["outbox"]


def inside(final: LoadedStage, url: str) -> tuple[dict[str, str], dict[str, str], str]:
    """Return all columns except times as text, the keys sealed there, and the output of commands."""
    with final.active():
        app = final.package.create_app(final.settings(SQLALCHEMY_DATABASE_URI=url, SECRET_KEY=SECRET))
    commands = (["keys", "rotate"], ["keys", "list"], ["accounts", "sessions", MOVED])
    printed = "".join(app.test_cli_runner().invoke(args=one).output for one in commands)
    with app.app_context():
        database = app.extensions["sqlalchemy"]
        with database.engine.connect() as connection:
            columns = {
                name: "\n".join(
                    repr([_plain(one) for one in row])
                    for row in connection.execute(text(f"SELECT * FROM {name}"))  # noqa: S608 -- our own names
                )
                for name in database.metadata.tables
            }
        private = app.extensions["keys"].signing().private
        for engine in database.engines.values():
            engine.dispose()
    number = private.private_numbers().private_value.to_bytes(32, "big")
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode().splitlines()
    known = {
        "the key in hexadecimal": number.hex(),
        "the key in base64": base64.b64encode(number).decode()[:42],
    }
    known |= {f"line {n} of the key's PEM": line for n, line in enumerate(pem[1:-1])}
    return columns, known, printed


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return "a time"  # whose fraction is six digits, as a code is
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else value


def test_the_outbox_holds_no_link_while_mail_waits(final: LoadedStage, tmp_path: Path) -> None:
    """The mail server is down: a waiting mail has its recipient and kind; its token is made on sending."""
    with serving(Inbox()) as port:
        pass
    url = f"sqlite:///{tmp_path / 'accounts.sqlite'}"
    mail = {"FLASK_SMTP_URL": f"smtp+plain://127.0.0.1:{port}", "FLASK_MAIL_INTERVAL": "1"}
    server = Server(final.folder, tmp_path, url, **mail)
    try:
        life = Life(server, Inbox())
        life.send(202, "POST", "/v2/accounts", email=MINA, name="Mina", password="a passphrase of Mina")
        life.send(202, "POST", "/v2/auth/password/forgot", email=MINA)
    finally:
        server.close()

    waiting = inside(final, url)[0]["outbox"]
    assert waiting.count("signed_up") == waiting.count("reset") == 1
    assert not re.search(r"[\w-]{40,}|https?:|token", waiting.replace("accounts", "")), waiting
