"""The account page without a browser: how it is served, the cookie that it keeps, and who may use it.

What it does in a browser is in test_page.py.
"""

from __future__ import annotations

import json
import re
import time
import tomllib
from pathlib import Path
from typing import Any

import pyotp
import pytest
from flask.testing import FlaskClient
from kit.adapter import PASSWORD, Client, LoadedStage, SignedUp, Stage, expect
from werkzeug.test import TestResponse

COOKIE = "__Host-refresh"
HOST = "https://accounts.example"
OURS = {"X-Account-Page": "1", "Origin": HOST, "Sec-Fetch-Site": "same-origin"}
LOGIN, CODE, REFRESH, LOGOUT = "/session/login", "/session/login/mfa", "/session/refresh", "/session/logout"
WAYS = [LOGIN, CODE, REFRESH, LOGOUT]


class Browser:
    """Keeps the cookie, and sends what a browser would."""

    def __init__(self, service: Stage) -> None:
        self.app = service.app
        self.client: FlaskClient = service.app.test_client()

    def post(self, path: str, body: Any = None, headers: dict[str, str] = OURS) -> TestResponse:
        """Send a request of the page."""
        return self.client.post(path, json=body, headers=headers, base_url=HOST)

    def log_in(self, account: SignedUp) -> TestResponse:
        """Log in on the page."""
        return self.post(LOGIN, {"email": account.email, "password": PASSWORD})

    @property
    def cookie(self) -> str | None:
        """The refresh token, None if there is none."""
        kept = self.client.get_cookie(COOKIE, domain="accounts.example")
        return kept.value if kept else None

    def keep(self, token: str) -> None:
        """Replace the cookie."""
        self.client.set_cookie(COOKIE, token, domain="accounts.example", secure=True)

    def me(self, answer: TestResponse) -> int:
        """Use the access token of a response, and return the status."""
        token = json.loads(answer.data)["access_token"]
        return Client(self.app, "/v2", token).get("/v2/accounts/me").status_code


@pytest.fixture
def mina(service: Stage) -> SignedUp:
    """A user with an account."""
    return service.sign_up()


@pytest.fixture
def browser(service: Stage) -> Browser:
    """A browser in which no user is logged in."""
    return Browser(service)


# -- the cookie ------------------------------------------------------------------------------------


def test_the_refresh_token_is_in_the_cookie_and_nowhere_else(browser: Browser, mina: SignedUp) -> None:
    """Out of reach of every script (RFC 6265bis): the page gets an access token and no more."""
    answer = browser.log_in(mina)

    assert set(expect(answer, 200)) == {"access_token", "token_type", "expires_in"}
    _, cookie = sorted(answer.headers.getlist("Set-Cookie"))  # the other one is for test_devices.py
    name, value, *attributes = re.split(r"=|; ", cookie)
    assert name == COOKIE and value.startswith("rt_") and value not in answer.text
    said = set(cookie.split("; ")[1:])
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict", "Max-Age=604800"} <= said
    assert "Domain" not in attributes
    assert browser.me(answer) == 200


def test_a_code_logs_in_where_there_is_a_second_factor(browser: Browser, mina: SignedUp) -> None:
    """The password alone leaves no cookie. The code does, and its response has an access token alone."""
    made = expect(mina.client.post("/v2/auth/mfa", json={"current_password": PASSWORD}), 200)
    app = pyotp.TOTP(made["secret"])
    expect(mina.client.post("/v2/auth/mfa/confirm", json={"code": app.now()}), 200)

    asked = browser.log_in(mina)
    assert browser.cookie is None
    body = {"mfa_token": json.loads(asked.data)["mfa_token"], "code": app.at(time.time(), counter_offset=1)}
    answer = browser.post(CODE, body)

    assert browser.me(answer) == 200 and browser.cookie
    assert "refresh_token" not in json.loads(answer.data)


def test_a_page_that_is_loaded_again_comes_back_in_by_the_cookie(browser: Browser, mina: SignedUp) -> None:
    """It is another access token, and another cookie: each refresh token is valid once."""
    first = browser.log_in(mina)
    before = browser.cookie

    second = browser.post(REFRESH)

    assert set(expect(second, 200)) == {"access_token", "token_type", "expires_in"}
    assert browser.cookie != before and second.json["access_token"] != first.json["access_token"]
    assert browser.me(second) == 200


def test_two_windows_at_once_both_stay_in(browser: Browser, mina: SignedUp) -> None:
    """The previous cookie gets the same successor, for some seconds."""
    browser.log_in(mina)
    before = browser.cookie
    browser.post(REFRESH)
    successor = browser.cookie
    browser.keep(before or "")

    again = browser.post(REFRESH)

    assert browser.me(again) == 200 and browser.cookie == successor


def test_where_nobody_is_logged_in_a_refresh_is_no_error(browser: Browser) -> None:
    """The page asks at every first visit."""
    answer = browser.post(REFRESH)

    assert (answer.status_code, answer.data, answer.headers.getlist("Set-Cookie")) == (204, b"", [])


@pytest.mark.parametrize("token", ["", "rt_", "rt_AAAA", "x" * 5000, "é", "\\000", "rt_" + "A" * 71])
def test_a_cookie_that_is_none_of_ours_is_refused(browser: Browser, problem: Any, token: str) -> None:
    """With the same problem as all refusals. The cookie stays: another window may have set the next one."""
    headers = OURS | {"Cookie": f"{COOKIE}={token}"}
    answer = browser.app.test_client(use_cookies=False).post(REFRESH, headers=headers, base_url=HOST)

    problem(answer, 401)
    assert "Set-Cookie" not in answer.headers


def test_a_cookie_alone_is_worth_nothing_to_the_api(browser: Browser, mina: SignedUp, problem: Any) -> None:
    """No request of the API can be made by another site: a browser never sends the access token by itself."""
    browser.log_in(mina)
    assert browser.cookie

    for method, path in [
        ("GET", "/v2/accounts/me"),
        ("DELETE", "/v2/accounts/me"),
        ("POST", "/v2/auth/logout"),
    ]:
        problem(browser.client.open(path, method=method, base_url=HOST), 401)


# -- out -------------------------------------------------------------------------------------------


def test_a_log_out_ends_the_session_and_forgets_the_cookie(
    browser: Browser, mina: SignedUp, in_database: Any
) -> None:
    """By the cookie: the access token may have expired. Two requests are one log-out in the audit."""
    grant = browser.log_in(mina)
    token = browser.cookie or ""

    first = browser.post(LOGOUT)
    second = browser.post(LOGOUT)

    assert (first.status_code, second.status_code) == (204, 204)
    (cookie,) = first.headers.getlist("Set-Cookie")
    assert cookie.startswith(f"{COOKIE}=;") and "Max-Age=0" in cookie
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= set(cookie.split("; "))
    assert browser.cookie is None and browser.me(grant) == 401
    browser.keep(token)
    assert browser.post(REFRESH).status_code == 401
    ended = in_database("SELECT account_id, actor_id FROM audit_events WHERE action = 'session.end'")
    assert [tuple(row) for row in ended] == [(mina.id, mina.id)]


def test_an_older_cookie_logs_out_too(service: Stage, browser: Browser, mina: SignedUp) -> None:
    """One from a window that slept: its user wants to log out. Other devices stay."""
    elsewhere = Browser(service).log_in(mina)
    browser.log_in(mina)
    old = browser.cookie or ""
    grant = browser.post(REFRESH)
    browser.keep(old)

    assert browser.post(LOGOUT).status_code == 204

    assert browser.me(grant) == 401 and browser.me(elsewhere) == 200


# -- who may ask -----------------------------------------------------------------------------------

FOREIGN = {
    "no header of ours": {"X-Account-Page": None},
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "a neighbour of the same domain": {"Sec-Fetch-Site": "same-site"},
    "an address that was typed": {"Sec-Fetch-Site": "none"},
    "another origin": {"Origin": "https://evil.example", "Sec-Fetch-Site": None},
    "no origin": {"Origin": "null", "Sec-Fetch-Site": None},
    "an empty origin": {"Origin": "", "Sec-Fetch-Site": None},
    "half an origin": {"Origin": "https://[", "Sec-Fetch-Site": None},
    "another port": {"Origin": f"{HOST}:8443", "Sec-Fetch-Site": None},
    "a name that begins like ours": {"Origin": f"{HOST}.evil.example", "Sec-Fetch-Site": None},
    "our name as a user": {"Origin": f"{HOST}@evil.example", "Sec-Fetch-Site": None},
    "a form": {"X-Account-Page": None, "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
}


@pytest.mark.parametrize("path", WAYS)
@pytest.mark.parametrize("changes", FOREIGN.values(), ids=FOREIGN)
def test_other_sites_are_refused(
    browser: Browser, mina: SignedUp, problem: Any, path: str, changes: dict[str, str | None]
) -> None:
    """And nothing has happened: the user is still logged in, by the same cookie."""
    grant = browser.log_in(mina)
    cookie = browser.cookie
    headers = {name: value for name, value in (OURS | changes).items() if value is not None}

    answer = browser.post(path, {"email": mina.email, "password": PASSWORD}, headers)

    problem(answer, 403)
    assert "Set-Cookie" not in answer.headers and "Access-Control-Allow-Origin" not in answer.headers
    assert browser.cookie == cookie and browser.me(grant) == 200


@pytest.mark.parametrize("path", WAYS)
def test_no_other_origin_is_allowed_to_ask_with_our_header(browser: Browser, path: str) -> None:
    """What a browser asks first (CORS) gets no permission."""
    asks = {"Origin": "https://evil.example", "Access-Control-Request-Headers": "x-account-page"}

    answer = browser.client.options(path, headers=asks, base_url=HOST)

    assert answer.status_code == 403 and not [name for name, _ in answer.headers if name.startswith("Access")]


def test_a_browser_that_says_little_is_believed_by_our_header(browser: Browser, mina: SignedUp) -> None:
    """By plain http there is no Sec-Fetch-Site; a program sends no Origin. No form can send the header."""
    body = {"email": mina.email, "password": PASSWORD}

    assert browser.post(LOGIN, body, {"X-Account-Page": "1"}).status_code == 200


def test_attempts_count_once_whichever_way_they_come(service: Stage, problem: Any) -> None:
    """Otherwise an attacker would have twice as many."""
    service.app = service.new_app(ATTEMPTS_PER_ACCOUNT=4)
    mina = service.sign_up()
    service.client = Client(service.app, "/v2")  # a device that is not known
    browser = Browser(service)
    guess = {"email": mina.email, "password": "not this one, certainly"}

    problem(service.client.post("/v2/auth/login", json=guess), 401)
    problem(browser.post(LOGIN, guess), 401)
    problem(service.client.post("/v2/auth/login", json=guess), 401)

    problem(browser.post(LOGIN, guess), 429)
    assert browser.cookie is None


def test_refreshing_is_counted_here_too(service: Stage, problem: Any) -> None:
    """Made-up cookies do not get around the limit of the API."""
    service.app = service.new_app(REFRESHES_PER_ADDRESS=3)
    browser = Browser(service)
    browser.keep("rt_" + "A" * 70)

    for _ in range(3):
        problem(browser.post(REFRESH), 401)
    problem(browser.post(REFRESH), 429)


# -- the page --------------------------------------------------------------------------------------


def test_the_page_runs_nothing_but_its_own_files(service: Stage) -> None:
    """Its policy tells the browser so; test_page.py checks it in a real one."""
    page = service.app.test_client().get("/")

    assert (page.status_code, page.mimetype) == (200, "text/html")
    policy = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        **dict.fromkeys(["script-src", "style-src", "connect-src"], "'self'"),
        "img-src": "'self' data:",
        **dict.fromkeys(["form-action", "base-uri", "frame-ancestors", "trusted-types"], "'none'"),
        "require-trusted-types-for": "'script'",
    }
    assert page.headers["Cache-Control"] == "no-store"
    assert not re.search(
        r"<script(?! type=\"(module|application/json)\")| on\w+=|style=|<style|javascript:", page.text
    )
    files = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
    assert {file for file in files if not file.startswith("/page/")} <= {"/?language=ko"}
    for file in files:
        with service.app.test_client().get(file) as answer:
            assert answer.status_code == 200, file


LANGUAGE = {
    "nothing said": ({}, "", "en"),
    "Korean": ({"Accept-Language": "ko-KR,ko;q=0.9,en;q=0.5"}, "", "ko"),
    "rather English": ({"Accept-Language": "en;q=0.9,ko;q=0.5"}, "", "en"),
    "neither": ({"Accept-Language": "fr"}, "", "en"),
    "chosen": ({"Accept-Language": "en"}, "?language=ko", "ko"),
    "remembered": ({"Accept-Language": "en", "Cookie": "language=ko"}, "", "ko"),
    "chosen again": ({"Cookie": "language=ko"}, "?language=en", "en"),
    "one that there is not": ({"Accept-Language": "ko"}, "?language=%3Cscript%3E", "ko"),
    "an invalid cookie": ({"Cookie": "language=../../etc/passwd"}, "", "en"),
}


@pytest.mark.parametrize(("headers", "query", "language"), LANGUAGE.values(), ids=LANGUAGE)
def test_the_page_speaks_the_language_of_its_reader(
    service: Stage, headers: dict[str, str], query: str, language: str
) -> None:
    """A choice is remembered; and the page never repeats an unknown language."""
    answer = service.app.test_client(use_cookies=False).get(f"/{query}", headers=headers)

    assert f'<html lang="{language}">' in answer.text and "<script>" not in answer.text
    cookies = [set(cookie.split("; ")) for cookie in answer.headers.getlist("Set-Cookie")]
    kept = {f"language={language}", "Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=31536000"}
    assert [{part for part in cookie if not part.startswith("Expires=")} for cookie in cookies] == (
        [kept] if query.endswith(language) else []
    )


def test_both_languages_say_the_same_things(final: LoadedStage) -> None:
    """No sentence is missing or left over; every error of a field has one."""
    here = final.folder / "app" / "page"
    english, korean = (
        tomllib.loads((here / "texts" / f"{name}.toml").read_text("utf-8")) for name in ("en", "ko")
    )

    def shape(texts: dict[str, Any]) -> Any:
        return {
            name: shape(text)
            if isinstance(text, dict)
            else (text.strip() > "", *sorted(re.findall(r"{\w+}", text)))
            for name, text in texts.items()
        }

    assert shape(english) == shape(korean)
    scripts = "".join(file.read_text("utf-8") for file in (here / "static").glob("*.js"))
    said = re.findall(r'say\((?:[^"()]+\? )?"(\w+)"(?: : "(\w+)")?', scripts)
    named = {name for pair in said for name in pair if name} | set(re.findall(r'\d{3}: "(\w+)"', scripts))
    named |= set(re.findall(r'"(sessions?_ended)"', scripts))
    assert named == set(english["messages"])
    services = "".join(file.read_text("utf-8") for file in (final.folder / "app" / "services").glob("*.py"))
    assert set(re.findall(r'FieldError\([\w"]+, "(\w+)"', services)) <= set(english["errors"])


def test_the_scripts_make_no_html_and_keep_nothing(final: LoadedStage) -> None:
    """They use no function that would break these two promises. The browser tests show that they hold."""
    for file in Path(final.folder / "app" / "page" / "static").glob("*.js"):
        code = re.sub(r"//.*", "", file.read_text("utf-8"))
        found = re.findall(
            r"\.(?:inner|outer)HTML|insertAdjacent|document\.write|eval\(|Function\(|\w+Storage|indexedDB",
            code,
        )
        assert found == [], file.name


def test_a_file_beside_the_page_is_not_served(service: Stage, problem: Any) -> None:
    """Only files in static/ are."""
    for path in [
        "/page/../session.py",
        "/page/..%2fsession.py",
        "/page/",
        "/page/texts/en.toml",
        "/page//main.js",
    ]:
        problem(service.app.test_client().get(path), 404)
