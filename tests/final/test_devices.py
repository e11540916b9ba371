"""Known devices, and what strangers can use up: guesses and mail are counted so that no owner is shut out."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pyotp
import pytest
from flask.testing import FlaskClient
from kit.adapter import PASSWORD, Stage, expect

LOGIN, FINISH, ME = "/v2/auth/login", "/v2/auth/login/mfa", "/v2/accounts/me"
FORGOT, RESET = "/v2/auth/password/forgot", "/v2/auth/password/reset"
MINA, JUNO = "mina@example.com", "juno@example.com"
HOST = "https://accounts.example"
COOKIE = "__Host-devices"
WRONG, NEW = "not this one, certainly", "another passphrase for the tests"
HOME, CAFE, ELSEWHERE = "192.0.2.1", "192.0.2.2", "198.51.100.1"


class Browser:
    """A browser somewhere, which keeps cookies."""

    def __init__(self, service: Stage, address: str = HOME) -> None:
        self.address = address
        self.client: FlaskClient = service.app.test_client()

    def post(self, path: str, body: Any, token: str = "") -> Any:
        """Send a request."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        where = {"REMOTE_ADDR": self.address}
        return self.client.post(path, json=body, headers=headers, base_url=HOST, environ_overrides=where)

    def log_in(self, email: str = MINA, password: str = PASSWORD) -> int:
        """Try to log in."""
        return int(self.post(LOGIN, {"email": email, "password": password}).status_code)

    @property
    def mark(self) -> str:
        """What makes it a known device, "" where it is none."""
        kept = self.client.get_cookie(COOKIE, domain="accounts.example")
        return kept.value if kept else ""

    def keep(self, mark: str) -> None:
        """Replace it."""
        self.client.set_cookie(COOKIE, mark, domain="accounts.example", secure=True)


@pytest.fixture
def mina(service: Stage, clock: Any) -> Browser:
    """A browser at home, in which Mina has logged in a while ago."""
    for email in (MINA, JUNO):
        service.sign_up(email=email)
    browser = Browser(service)
    assert browser.log_in() == 200
    clock.forward(3600)
    return browser


def attack(
    service: Stage, networks: int, path: str = LOGIN, tries: int = 10, email: str = MINA, net: int = 113
) -> list[int]:
    """Try from so many networks, so often from each; return the status of the last try of each."""
    body = {"email": email} | ({"password": WRONG} if path == LOGIN else {})
    last = []
    for number in range(networks):
        stranger = Browser(service, f"203.0.{net}.{number}")
        last.append([stranger.post(path, body).status_code for _ in range(tries)][-1])
    return last


# -- guesses ---------------------------------------------------------------------------------------


def test_a_stranger_locks_out_nobody_else(service: Stage, mina: Browser) -> None:
    """Ten wrong passwords from one network are ten of that network: an owner logs in from another."""
    assert attack(service, networks=1, tries=11) == [429]

    assert Browser(service, ELSEWHERE).log_in() == 200
    assert Browser(service, "203.0.113.0").log_in() == 429
    assert Browser(service, "203.0.113.0").log_in(JUNO) == 200


def test_an_attack_from_many_networks_does_not_reach_known_devices(service: Stage, mina: Browser) -> None:
    """Together they may guess fifty times a minute; then devices that are not known wait, and no others."""
    attack(service, networks=6)

    assert Browser(service, ELSEWHERE).log_in() == 429
    assert mina.log_in() == 200
    mina.address = CAFE  # a laptop is carried around
    assert mina.log_in() == 200


def test_a_known_device_does_not_guess_without_end(service: Stage, mina: Browser) -> None:
    """A thief of the laptop has ten tries a minute, wherever it is carried to; others have theirs."""
    tries = []
    for number in range(11):
        mina.address = f"203.0.113.{number}"
        tries.append(mina.log_in(password=WRONG))

    assert tries == [401] * 10 + [429]
    assert Browser(service, ELSEWHERE).log_in() == 200


def test_a_reset_makes_a_known_device_and_forgets_the_attempts(
    service: Stage, mina: Browser, mailbox: Any
) -> None:
    """So it helps while the attack goes on; also a client that keeps no cookie."""
    owner, program = Browser(service, ELSEWHERE), Browser(service, CAFE)
    program.client = service.app.test_client(use_cookies=False)
    mailbox.letters()
    expect(owner.post(FORGOT, {"email": MINA}), 202)
    token = mailbox.token()
    for one in (owner, program):
        attack(service, networks=6)
        assert one.log_in() == 429

    expect(owner.post(RESET, {"token": token, "new_password": NEW}), 204)
    assert program.log_in(password=NEW) == 200
    attack(service, networks=6, net=114)

    assert owner.log_in(password=NEW) == 200


def test_who_knows_a_password_uses_up_no_codes_of_the_owner(service: Stage, clock: Any) -> None:
    """Guesses at the code are few for each account; a known device has its own."""
    account = service.sign_up(email=MINA)
    secret = expect(account.client.post("/v2/auth/mfa", json={"current_password": PASSWORD}), 200)["secret"]
    confirmed = account.client.post(
        "/v2/auth/mfa/confirm", json={"code": pyotp.TOTP(secret).at(datetime.now())}
    )
    codes = expect(confirmed, 200)["recovery_codes"]
    owner, thief = Browser(service), Browser(service, ELSEWHERE)

    def finish(browser: Browser, code: str) -> int:
        half = expect(browser.post(LOGIN, {"email": MINA, "password": PASSWORD}), 200)
        assert browser.mark == before[browser]  # half a log-in makes no known device
        return int(browser.post(FINISH, {"mfa_token": half["mfa_token"], "code": code}).status_code)

    before = {owner: "", thief: ""}
    assert finish(owner, codes[0]) == 200
    before[owner] = owner.mark
    guesses = []
    for _ in range(11):
        guesses.append(finish(thief, "000000"))
        clock.forward(7)

    assert guesses == [401] * 8 + [429] * 3  # the confirmation and the first log-in were two of the ten
    assert finish(owner, codes[1]) == 200


def test_the_codes_of_all_known_devices_are_counted_together(service: Stage, mailbox: Any) -> None:
    """A reader of the mailbox makes a device known with each reset, but gets no more guesses by it."""
    account = service.sign_up(email=MINA)
    secret = expect(account.client.post("/v2/auth/mfa", json={"current_password": PASSWORD}), 200)["secret"]
    code = {"code": pyotp.TOTP(secret).at(datetime.now())}
    expect(account.client.post("/v2/auth/mfa/confirm", json=code), 200)
    mailbox.letters()
    guesses = []
    for number in range(3):
        thief = Browser(service, f"203.0.113.{number}")
        expect(thief.post(FORGOT, {"email": MINA}), 202)
        expect(thief.post(RESET, {"token": mailbox.token(), "new_password": NEW}), 204)
        half = expect(thief.post(LOGIN, {"email": MINA, "password": NEW}), 200)
        body = {"mfa_token": half["mfa_token"], "code": "000000"}
        guesses += [thief.post(FINISH, body).status_code for _ in range(5)]

    assert guesses == [401] * 10 + [429] * 5


# -- the mark --------------------------------------------------------------------------------------


def test_a_mark_lets_nobody_in_and_tells_nothing(service: Stage, mina: Browser) -> None:
    """No script and no other site reads it; there is no address in it; it is no token."""
    answer = mina.post(LOGIN, {"email": MINA, "password": PASSWORD})
    (cookie,) = answer.headers.getlist("Set-Cookie")

    said = set(cookie.split("; ")[1:])
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict", "Max-Age=31536000"} <= said
    assert "mina" not in cookie.lower()
    for token in (mina.mark, mina.mark.partition(".")[0]):
        bearer = {"Authorization": f"Bearer {token}"}
        assert mina.client.get(ME, headers=bearer, base_url=HOST).status_code == 401


def test_only_a_log_in_makes_a_known_device(service: Stage, mina: Browser) -> None:
    """No wrong password, no sign-up and no forgotten one does."""
    other = Browser(service, ELSEWHERE)
    other.log_in(password=WRONG)
    other.post("/v2/accounts", {"email": "new@example.com", "name": "Mina", "password": PASSWORD})
    other.post(FORGOT, {"email": MINA})

    assert other.mark == ""


MADE_UP = {
    "nothing": lambda mark: "",
    "something": lambda mark: "xyzzy",
    "many": lambda mark: "~".join(["x.y.z"] * 500),
    "another name": lambda mark: "x" + mark,
    "a later time": lambda mark: re.sub(r"\.[^.]+\.", ".zzzzzz.", mark),
    "another signature": lambda mark: mark[:-4] + "AAAA",
    "no ASCII": lambda mark: "\u00e9" + mark,
}


@pytest.mark.parametrize("change", MADE_UP.values(), ids=MADE_UP)
def test_a_mark_that_is_made_up_counts_for_nothing(service: Stage, mina: Browser, change: Any) -> None:
    """A client that brings it is a stranger, and gets the same response as one."""
    attack(service, networks=6)
    other = Browser(service, ELSEWHERE)
    other.keep(change(mina.mark))

    assert other.log_in() == 429


def test_a_mark_is_for_one_account_and_for_a_year(service: Stage, mina: Browser, clock: Any) -> None:
    """In any spelling; a browser knows several accounts."""
    attack(service, networks=6, email=JUNO)
    assert mina.log_in(JUNO) == 429
    clock.forward(60)
    assert mina.log_in(JUNO) == 200

    for email in (MINA, JUNO):
        attack(service, networks=6, email=email)
    assert [mina.log_in(email) for email in ("MINA@Example.com", JUNO)] == [200, 200]
    before = mina.mark
    clock.forward(366 * 24 * 3600)
    mina.keep(before)
    attack(service, networks=6)
    assert mina.log_in() == 429


def test_a_browser_keeps_five_marks(service: Stage, mina: Browser) -> None:
    """Of those who logged in last, so that the cookie does not grow."""
    for number in range(6):
        service.sign_up(email=f"other{number}@example.com")
        assert mina.log_in(f"other{number}@example.com") == 200
    assert mina.mark.count("~") == 4
    attack(service, networks=6)

    assert mina.log_in() == 429


# -- a log-in on a new device ----------------------------------------------------------------------

NEW_DEVICE = [(MINA, "Your account was used on a new device")]


def test_an_owner_hears_of_a_log_in_on_a_new_device(service: Stage, mina: Browser, mailbox: Any) -> None:
    """Not of a known one, wherever it is, nor of one that was there before, nor of a log-in that fails."""
    mailbox.letters()
    mina.address = CAFE
    assert mina.log_in() == 200
    assert Browser(service, HOME).log_in() == 200
    assert Browser(service, ELSEWHERE).log_in(password=WRONG) == 401
    assert mailbox.fetch() == []

    stranger = Browser(service, ELSEWHERE)
    assert stranger.log_in() == 200

    (letter,) = mailbox.letters()
    assert letter.subject.startswith(NEW_DEVICE[0][1]) and ELSEWHERE not in letter.text
    assert stranger.log_in() == 200
    assert mailbox.fetch() == []


def test_what_a_client_calls_itself_is_a_new_device_and_in_no_letter(
    service: Stage, mina: Browser, mailbox: Any
) -> None:
    """Another program at the same address."""
    mailbox.letters()
    body = {"email": MINA, "password": PASSWORD}
    agent = {"User-Agent": "https://phish.example/"}
    other = service.app.test_client()

    answer = other.post(LOGIN, json=body, headers=agent, environ_overrides={"REMOTE_ADDR": HOME})

    assert answer.status_code == 200
    (letter,) = mailbox.letters()
    assert "phish" not in letter.text


def test_there_are_few_of_these_letters(service: Stage, mina: Browser, mailbox: Any) -> None:
    """Three a day: a program may have another address each time."""
    mailbox.letters()
    for number in range(5):
        assert Browser(service, f"203.0.113.{number}").log_in() == 200

    assert mailbox.fetch() == NEW_DEVICE * 2  # her own browser was the first


def test_the_first_log_in_of_an_account_is_no_news(service: Stage, clock: Any, mailbox: Any) -> None:
    """Its owner has just signed up."""
    body = {"email": MINA, "name": "Mina", "password": PASSWORD}
    expect(service.client.post("/v2/accounts", json=body), 202)
    mailbox.letters()

    assert Browser(service).log_in() == 200

    assert mailbox.fetch() == []


# -- mail ------------------------------------------------------------------------------------------

RESEND, SIGN_UP = "/v2/accounts/verify/resend", "/v2/accounts"
DOORS = [(FORGOT, {}), (RESEND, {}), (SIGN_UP, {"name": "Mina", "password": PASSWORD})]


def test_mail_to_one_address_has_one_budget(service: Stage, mina: Browser, mailbox: Any) -> None:
    """Whichever request has it sent: five in an hour for one network."""
    mailbox.letters()
    stranger = Browser(service, ELSEWHERE)

    sent = [stranger.post(path, {"email": MINA} | more).status_code for path, more in DOORS * 2]

    assert sent == [202] * 5 + [429]
    assert len(mailbox.letters()) == 5


def test_a_stranger_uses_up_no_mail_of_the_owner(service: Stage, mina: Browser, mailbox: Any) -> None:
    """From another network there is more, up to twenty together; on a known device always some."""
    mailbox.letters()
    assert attack(service, 1, FORGOT, tries=6) == [429]
    expect(Browser(service, ELSEWHERE).post(FORGOT, {"email": MINA}), 202)

    attack(service, 10, FORGOT, tries=5)
    expect(Browser(service, CAFE).post(FORGOT, {"email": MINA}), 429)
    expect(mina.post(FORGOT, {"email": MINA}), 202)

    assert len(mailbox.letters()) == 21


def test_a_new_address_is_counted_with_the_others(service: Stage, mina: Browser) -> None:
    """A member cannot have more mail sent to somebody than a stranger."""
    grant = expect(mina.post(LOGIN, {"email": MINA, "password": PASSWORD}), 200)
    body = {"email": "nobody@example.com", "current_password": PASSWORD}

    sent = [mina.post(f"{ME}/email", body, grant["access_token"]).status_code for _ in range(6)]

    assert sent == [202] * 5 + [429]
    expect(mina.post(FORGOT, {"email": "nobody@example.com"}), 429)
