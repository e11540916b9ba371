"""The two pages of the service in a real browser, against a real server: what people see and do.

The account page from signing up to deleting the account, in both languages, and what attackers try meanwhile;
and the documentation page, by clicking. What needs no browser is in test_page_session.py.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
import ujson
from kit.adapter import PASSWORD, LoadedStage
from kit.browser import barriers, chromium, complaints
from kit.changed import HARNESS, unless_changed
from kit.server import Server

pytestmark = [
    pytest.mark.threads,
    pytest.mark.skipif(
        sys.platform == "win32", reason="Granian has one process on Windows, and these tests want two"
    ),
]

NEW = "another passphrase for the tests"
WRONG = "not this one, certainly"
SCRIPT = "<img src=x onerror=alert(1)>"
OURS = {"X-Account-Page": "1"}


def longest() -> int:
    """Return after how many milliseconds something is missing: other tests keep the machine busy.

    Where a fault is planted, the tests wait less: the harness says so, after it has imported this file.
    """
    return 5_000 if "COURSE_FINAL" in os.environ else 20_000


@pytest.fixture(scope="module")
def server(final: LoadedStage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two processes; their mail goes into the log, and they want addresses to be confirmed."""
    scratch = tmp_path_factory.mktemp("page")
    database = f"sqlite:///{scratch / 'accounts.sqlite'}"
    mailing = {"FLASK_MAIL_INTERVAL": "30", "FLASK_REQUIRE_VERIFIED_EMAIL": "true"}
    running = Server(final.folder, scratch, database, **mailing)
    yield running
    running.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser to which every name below .example is this machine."""
    with chromium("--host-resolver-rules=MAP *.example 127.0.0.1") as found:
        yield found


class Window:
    """A window of the account page, and a user of it."""

    def __init__(self, server: Server, context: Any) -> None:
        self.server, self.context = server, context
        self.url = f"http://127.0.0.1:{server.port}/"
        self.page = context.new_page()
        self.page.set_default_timeout(longest())
        self.complaints = complaints(self.page)
        self.page.goto(self.url)

    def wait(self, view: str) -> None:
        """Wait until a view is shown, and nothing else is."""
        self.page.wait_for_selector(f"#{view}:visible")
        assert self.page.locator("main > section:visible").count() == 1

    def go(self, view: str) -> None:
        """Click on the link to a view."""
        self.page.click(f"a[href='#action={view}']:visible >> nth=0")
        self.wait(view)

    def send(self, view: str, **fields: str) -> None:
        """Fill the form of a view, and send it."""
        for name, value in fields.items():
            self.page.fill(f"#{view}-{name}", value)
        self.page.click(f"#{view} form button")

    def fault(self, view: str, field: str) -> str:
        """Wait for the error of a field. The focus is there, and its label names it to a screen reader."""
        self.page.wait_for_selector(f"#{view}-{field}-error:not(:empty)")
        assert self.page.evaluate("document.activeElement.id") == f"{view}-{field}"
        described = self.page.get_attribute(f"#{view}-{field}", "aria-describedby")
        assert f"{view}-{field}-error" in described
        assert self.page.get_attribute(f"#{view}-{field}", "aria-invalid") == "true"
        return str(self.page.inner_text(f"#{view}-{field}-error"))

    def alert(self, view: str) -> str:
        """Wait for the error of a form."""
        self.page.wait_for_selector(f"#{view} [role=alert]:not(:empty)")
        return str(self.page.inner_text(f"#{view} [role=alert]"))

    def notice(self) -> str:
        """Wait for the notice at the top."""
        self.page.wait_for_selector("#notice:not(:empty)")
        return str(self.page.inner_text("#notice"))

    def log_in(self, email: str, password: str = PASSWORD) -> None:
        """Log in, from the view for that."""
        self.wait("log_in")
        self.send("log_in", email=email, password=password)

    def cookie(self) -> Any:
        """The cookie with the refresh token, None if there is none."""
        return next((one for one in self.context.cookies() if one["name"] == "__Host-refresh"), None)

    def fetch(self, path: str, headers: dict[str, str], method: str = "POST") -> int:
        """Send a request from a script on the page."""
        ask = "([path, options]) => fetch(path, options).then((answer) => answer.status)"
        return int(self.page.evaluate(ask, [path, {"method": method, "headers": headers}]))


def letter(server: Server, email: str, action: str, after: str = "") -> str:
    """Wait for a mail to an address, a newer one than that with the link ``after``; return the link in it."""
    begin = ujson.dumps(f"mail to {email}\n")[1:-1]
    link = re.compile(rf"{re.escape(begin)}.*?(http://[\d.:]+/#action={action}&token=[\w-]{{43}})")
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = link.findall(server.log.read_text("utf-8"))
        if found and found[-1] != after:
            return str(found[-1])
        time.sleep(0.05)
    raise AssertionError(f"no mail with a link to {action}")


def new_account(server: Server, name: str = "김미나") -> str:
    """Make an account whose address is confirmed, and return its e-mail."""
    email = f"mina{time.time_ns()}@example.com"
    server.send("POST", "/v2/accounts", {"email": email, "name": name, "password": PASSWORD})
    token = letter(server, email, "verify").rpartition("=")[2]
    assert server.send("POST", "/v2/accounts/verify", {"token": token}).status == 204
    return email


@pytest.fixture
def window(server: Server, browser: Any) -> Iterator[Window]:
    """A window in English. Whatever the test does, the browser reports no errors."""
    with browser.new_context(locale="en-GB") as context:
        opened = Window(server, context)
        yield opened
        assert opened.complaints == []


@pytest.fixture
def other(server: Server, browser: Any) -> Iterator[Window]:
    """A window of another browser, on another device."""
    with browser.new_context(locale="en-GB", user_agent=f"Phone {SCRIPT}") as context:
        opened = Window(server, context)
        yield opened
        assert opened.complaints == []


# -- from start to end ------------------------------------------------------------------------------


@pytest.mark.timeout(300)  # some fifty views and clicks
@pytest.mark.parametrize(
    ("locale", "colors", "width"),
    [
        pytest.param("en-GB", "light", 1280, id="en"),
        pytest.param(
            *("ko-KR", "dark", 390),
            id="ko",
            marks=unless_changed(("final/", "requirements", *HARNESS), ("test_page.py",)),
        ),
    ],
)
def test_from_signing_up_to_deleting_the_account(
    server: Server, browser: Any, locale: str, colors: Any, width: int
) -> None:
    """No view has accessibility problems or is wider than the screen. Colours know no language.

    The second time only what another theme or width can break: the document is the same, in other words.
    """
    screen = {"color_scheme": colors, "viewport": {"width": width, "height": 800}}
    with browser.new_context(locale=locale, **screen) as context:
        window = Window(server, context)
        page, email = window.page, f"mina-{locale}@example.com"

        def look(view: str) -> None:
            window.wait(view)
            assert page.title().startswith(page.inner_text(f"#{view} h1"))
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
            assert barriers(page, looks=colors == "dark" or None) == [], view

        look("log_in")
        assert page.evaluate("document.documentElement.lang") == locale[:2]

        # signing up
        window.go("sign_up")
        window.send("sign_up", name=" ", email="mina", password="short")
        window.fault("sign_up", "name")
        look("sign_up")
        window.send("sign_up", name="김미나", email=email, password=PASSWORD)
        look("sent")
        page.click("#sent a[href='#action=resend']")
        look("resend")
        window.send("resend", email=email)
        look("sent")
        page.goto(letter(server, email, "reset"))
        window.wait("reset")
        page.goto(letter(server, email, "verify"))
        look("verify")
        assert page.url.endswith("/#action=verify")  # the token does not stay there
        window.send("verify")
        window.notice()

        # logging in
        window.log_in(email, WRONG)
        window.alert("log_in")
        look("log_in")
        assert page.input_value("#log_in-email") == email
        window.log_in(email)
        look("account")
        window.send("account", name="이서준")
        window.notice()
        page.reload()
        window.wait("account")
        assert page.input_value("#account-name") == "이서준"

        # the second factor
        window.go("mfa")
        window.send("mfa", current_password=WRONG)
        window.fault("mfa", "current_password")
        look("mfa")
        window.send("mfa", current_password=PASSWORD)
        look("mfa_confirm")
        assert page.evaluate("document.querySelector('.qr').naturalWidth") > 100
        totp = pyotp.TOTP(page.inner_text(".secret").replace(" ", ""))
        window.send("mfa_confirm", code="000000")
        window.fault("mfa_confirm", "code")
        window.send("mfa_confirm", code=totp.now())
        look("recovery")
        codes = page.locator("#recovery li").all_inner_texts()
        assert len(set(codes)) == 10
        page.go_back()  # they are shown once
        window.wait("mfa_remove")
        page.click("#log_out")
        window.log_in(email)
        window.wait("code")
        window.send("code", code="000000")
        window.alert("code")
        look("code")
        window.send("code", code=codes[0])
        window.wait("account")
        window.go("delete")
        page.check("#delete-sure")
        window.send("delete", current_password=PASSWORD, code="000000")
        window.fault("delete", "code")
        look("delete")
        page.uncheck("#delete-sure")
        page.click("#menu a[href='#action=mfa']")
        look("mfa_remove")
        window.send("mfa_remove", current_password=PASSWORD, code=codes[1])
        window.wait("account")

        # another address, another password
        window.go("email")
        look("email")
        window.send("email", email=f"new-{email}", current_password=PASSWORD)
        window.wait("account")
        page.goto(letter(server, f"new-{email}", "confirm_email"))
        look("confirm_email")
        window.send("confirm_email")
        window.wait("account")
        assert page.inner_text("[data-shows=email]").startswith(f"new-{email}")
        window.go("password")
        look("password")
        window.send("password", current_password=PASSWORD, new_password=NEW)
        window.wait("account")
        page.click("#log_out")
        window.wait("log_in")
        window.go("forgot")
        look("forgot")
        window.send("forgot", email=f"new-{email}")
        look("sent")
        page.goto(letter(server, f"new-{email}", "reset"))
        look("reset")
        window.send("reset", new_password="short")
        window.fault("reset", "new_password")
        window.send("reset", new_password=PASSWORD)
        window.log_in(f"new-{email}")
        window.wait("account")

        # the end
        window.go("sessions")
        look("sessions")
        window.go("delete")
        window.send("delete")
        window.fault("delete", "sure")
        look("delete")
        assert page.is_hidden("#delete-code")  # there is no second factor any more
        page.check("#delete-sure")
        window.send("delete", current_password=WRONG)
        window.fault("delete", "current_password")
        window.send("delete", current_password=PASSWORD)
        window.wait("log_in")
        assert window.cookie() is None
        window.log_in(f"new-{email}")
        window.alert("log_in")
        assert window.complaints == []


def test_the_language_is_a_choice_that_is_remembered(window: Window) -> None:
    """The other language shows the same view, also that of a mailed link, and the next visit too."""
    window.go("sign_up")

    window.page.click("#language")
    window.wait("sign_up")
    window.page.goto("about:blank")
    window.page.goto(window.url)
    window.wait("log_in")

    assert window.page.inner_text("#log_in h1") == "로그인"
    window.page.goto(f"{window.url}#action=reset&token={'x' * 43}")
    window.wait("reset")
    window.page.click("#language")
    window.wait("reset")
    with window.page.expect_request("**/password/reset") as sent:
        window.send("reset", new_password=NEW)
    assert sent.value.post_data_json["token"] == "x" * 43
    assert "new one" in window.alert("reset")


def test_it_can_be_used_without_a_mouse(server: Server, window: Window) -> None:
    """Tab goes through it in reading order, and Enter sends."""
    email = new_account(server)
    window.wait("log_in")
    window.page.focus("#language")
    for text in (email, PASSWORD):
        window.page.keyboard.press("Tab")
        window.page.keyboard.type(text)
    window.page.keyboard.press("Enter")

    window.wait("account")

    assert window.page.evaluate("document.activeElement.textContent") == "Your account"


def test_without_scripts_it_says_that_it_needs_them(server: Server, browser: Any) -> None:
    """And no form can be sent into the address bar."""
    with browser.new_context(java_script_enabled=False, locale="ko-KR") as context:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.port}/")

        assert "자바스크립트" in page.inner_text("main")
        assert page.locator("input:visible").count() == 0


# -- who is logged in ------------------------------------------------------------------------------


def test_no_token_is_anywhere_but_in_the_cookie_and_in_memory(server: Server, window: Window) -> None:
    """Not in a storage that another script could read, not in the address, not in what is on the screen."""
    with window.page.expect_response("**/session/login") as answer:
        window.log_in(new_account(server))
        window.wait("account")
    token = answer.value.json()["access_token"]

    cookie = window.cookie()
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")
    assert (cookie["path"], cookie["domain"]) == ("/", "127.0.0.1")  # this host alone
    page = window.page
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    assert page.evaluate("indexedDB.databases()") == [] and page.evaluate("caches.keys()") == []
    written = (
        page.url + page.content() + str(page.evaluate("Object.values(window).filter((v) => v?.length > 99)"))
    )
    assert token not in written and cookie["value"] not in written


def test_by_plain_http_the_page_says_that_nothing_is_kept(server: Server, window: Window) -> None:
    """A browser takes such a cookie by https only, and from this very machine."""
    assert window.page.is_hidden("#insecure")
    email = new_account(server)

    window.page.goto(f"http://accounts.example:{server.port}/")
    assert "without https" in window.page.inner_text("#insecure")
    window.log_in(email)
    window.wait("account")
    assert window.cookie() is None
    window.page.reload()

    window.wait("log_in")


def test_a_token_that_has_expired_is_replaced(server: Server, window: Window) -> None:
    """Ten minutes are over in the middle of something, and the user does not notice."""
    window.log_in(new_account(server))
    window.wait("account")
    before = window.cookie()["value"]
    refused = {"status": 401, "content_type": "application/problem+json", "body": '{"status": 401}'}
    window.page.route("**/v2/auth/sessions", lambda route: route.fulfill(**refused), times=1)

    window.go("sessions")

    assert window.page.locator("#sessions li").count() == 1
    assert window.cookie()["value"] != before


def test_two_windows_refresh_one_after_the_other_and_both_live(server: Server, window: Window) -> None:
    """Also at the same moment. In a browser without locks, the service allows two at once."""
    window.log_in(new_account(server))
    window.wait("account")
    events: list[str] = []
    for name in ("request", "response"):
        window.page.on(name, lambda it, name=name: events.append(name) if "refresh" in it.url else None)
    second = Window(server, window.context)
    second.wait("account")

    # Two copies of the module behave like two windows: each has its own variables, and they share locks.
    copies = "Promise.all(['a', 'b'].map((name) => import(`/page/session.js?${name}`)))"
    refresh = "Promise.all(two.map((one) => one.refresh())).then(() => two.map((one) => one.isLoggedIn()))"
    assert window.page.evaluate(f"{copies}.then((two) => {refresh})") == [True, True]
    assert events == ["request", "response"] * 2

    ask = "(options) => Promise.all([1, 2, 3, 4].map(() => fetch('/session/refresh', options)))"
    statuses = "(all) => all.map((answer) => answer.status)"
    options = {"method": "POST", "headers": OURS}
    together = window.page.evaluate(f"(options) => ({ask})(options).then({statuses})", options)
    assert together == [200] * 4
    for one in (window, second):
        one.go("sessions")
        one.page.reload()
        one.wait("sessions")
    assert second.complaints == []


def test_another_log_in_in_another_window_is_not_overlooked(server: Server, window: Window) -> None:
    """A window never shows one account and changes another."""
    hers, his = new_account(server), new_account(server)
    second = Window(server, window.context)
    second.wait("log_in")
    window.log_in(hers)
    window.wait("account")

    second.log_in(his)
    second.wait("account")

    window.page.wait_for_selector(f"text={his}")
    second.page.click("#log_out")
    window.wait("log_in")


def test_one_device_ends_another(server: Server, window: Window, other: Window) -> None:
    """What was being typed there is still there after the next log-in."""
    email = new_account(server)
    for one in (window, other):
        one.log_in(email)
        one.wait("account")
    other.go("email")
    other.page.fill("#email-email", "new@example.com")
    window.go("sessions")
    assert window.page.locator("#sessions li").count() == 2

    window.page.click("#sessions li button:visible")
    assert window.notice() == "That device is logged out."
    assert window.page.locator("#sessions li").count() == 1

    other.send("email", current_password=PASSWORD)
    other.wait("log_in")
    assert "not logged in any more" in other.notice()
    other.log_in(email)
    other.wait("email")
    assert other.page.input_value("#email-email") == "new@example.com"

    window.page.reload()
    window.wait("sessions")
    window.page.click("#sessions > button")
    assert window.notice() == "All other devices are logged out."
    assert window.page.is_hidden("#sessions > button")


def test_nobody_undoes_what_they_have_not_seen(server: Server, window: Window, other: Window) -> None:
    """Two windows change the name: the second is told, keeps what it typed, and may save again."""
    email = new_account(server)
    for one in (window, other):
        one.log_in(email)
        one.wait("account")
    other.send("account", name="이서준")
    other.notice()

    window.send("account", name="박하늘")
    assert "another window" in window.alert("account")
    assert window.page.input_value("#account-name") == "박하늘"
    window.send("account")
    assert window.notice() == "Saved."


# -- when it does not work -------------------------------------------------------------------------

FAILURES = {
    "too often": ({"status": 429, "headers": {"Retry-After": "42"}}, "Try again in 42 seconds"),
    "busy": ({"status": 503, "headers": {"Retry-After": "7"}}, "try again in 7 seconds"),
    "a proxy's own": (
        {"status": 502, "content_type": "text/html", "body": "<h1>Bad Gateway</h1>"},
        "our fault",
    ),
    "ours": ({"status": 500, "content_type": "application/problem+json", "body": "{}"}, "our fault"),
    "no answer": (None, "cannot be reached"),
}


@pytest.mark.parametrize(("answer", "text"), FAILURES.values(), ids=FAILURES)
def test_what_was_typed_stays(
    server: Server, window: Window, answer: dict[str, Any] | None, text: str
) -> None:
    """Whatever comes back, or nothing at all: the page says so, and the next click works."""
    fields = {"name": "김미나", "email": f"{time.time_ns()}@example.com", "password": PASSWORD}
    window.go("sign_up")
    window.page.route(
        "**/v2/accounts", lambda route: route.fulfill(**answer) if answer else route.abort(), times=1
    )

    window.send("sign_up", **fields)

    assert text in window.alert("sign_up")
    assert {name: window.page.input_value(f"#sign_up-{name}") for name in fields} == fields
    window.send("sign_up")
    window.wait("sent")


def test_a_page_that_cannot_reach_the_service_says_so(server: Server, window: Window) -> None:
    """It does not say that the user is logged out: they are not."""
    window.log_in(new_account(server))
    window.wait("account")
    window.context.set_offline(True)

    window.page.click("#log_out")
    assert "cannot be reached" in window.notice()
    window.page.click("#menu a[href='#action=sessions']")
    window.page.wait_for_selector("#sessions:visible")
    assert "cannot be reached" in window.notice()

    window.context.set_offline(False)
    window.go("account")
    assert window.page.inner_text("[data-shows=mfa]") == "off"


# -- what others try -------------------------------------------------------------------------------


def test_a_link_is_not_spent_by_looking_at_it(server: Server, window: Window) -> None:
    """Programs that scan mail open its links and run their scripts. It takes a click, and it works once."""
    email = new_account(server)
    server.send("POST", "/v2/auth/password/forgot", {"email": email})
    link = letter(server, email, "reset")

    for _ in range(2):
        window.page.goto("about:blank")
        window.page.goto(link)
        window.wait("reset")
        window.page.wait_for_load_state("networkidle")
    window.send("reset", new_password=NEW)
    window.log_in(email, NEW)
    window.wait("account")
    window.page.goto("about:blank")
    window.page.goto(link)
    window.wait("reset")
    window.send("reset", new_password=NEW)

    assert "does not work any more" in window.alert("reset")


def test_an_address_is_confirmed_by_a_click_and_not_by_a_visit(server: Server, window: Window) -> None:
    """As with the other links."""
    email = f"mina{time.time_ns()}@example.com"
    server.send("POST", "/v2/accounts", {"email": email, "name": "Mina", "password": PASSWORD})
    login = {"email": email, "password": PASSWORD}

    window.page.goto(letter(server, email, "verify"))
    window.wait("verify")
    window.page.wait_for_load_state("networkidle")

    assert server.send("POST", "/v2/auth/login", login).status == 401
    window.send("verify")
    window.notice()
    assert server.send("POST", "/v2/auth/login", login).status == 200


def test_what_somebody_writes_stays_text(server: Server, window: Window, other: Window) -> None:
    """A script as the name of a user or a browser is shown, and does not run."""
    email = new_account(server, name=SCRIPT)
    dialogs: list[Any] = []
    window.page.on("dialog", lambda dialog: dialogs.append(dialog))
    for one in (other, window):
        one.log_in(email)
        one.wait("account")

    assert window.page.input_value("#account-name") == SCRIPT
    window.go("sessions")
    assert f"Phone {SCRIPT}" in window.page.locator("#sessions li").all_inner_texts()[0]
    assert window.page.locator("#sessions img").count() == 0 and dialogs == []


def test_the_browser_itself_refuses_what_the_policy_forbids(window: Window) -> None:
    """A script in the page, text made into HTML, a file from elsewhere, a form that leaves."""
    window.wait("log_in")
    tried = window.page.evaluate(
        """async () => {
            const script = document.createElement("script");
            try { script.textContent = "window.ran = true"; document.body.append(script); } catch {}
            let html = "made";
            try { document.querySelector("h1").innerHTML = "<b>"; } catch (error) { html = error.name; }
            const elsewhere = await fetch("http://evil.example/").then(() => "sent", () => "refused");
            return [window.ran ?? "not run", html, elsewhere];
        }"""
    )

    assert tried == ["not run", "TypeError", "refused"]
    assert window.complaints
    window.complaints.clear()  # these errors were the point


EVIL = """<!doctype html><title>evil</title>
<form id=out method=post action="{url}session/logout"></form>
<form id=in method=post action="{url}session/login" enctype="text/plain">
<input name='{{"email":"thief@example.com","password":"{password}","x":"' value='"}}'></form>"""


@pytest.mark.parametrize("form", ["out", "in"])
def test_a_form_of_another_site_does_nothing(server: Server, window: Window, form: str) -> None:
    """It cannot log a user out, or in to another account; the cookie is not even sent with it."""
    window.log_in(new_account(server))
    window.wait("account")
    before = window.cookie()
    page = window.context.new_page()
    page.route(
        "http://evil.example/",
        lambda route: route.fulfill(
            content_type="text/html", body=EVIL.format(url=window.url, password=PASSWORD)
        ),
    )
    page.goto("http://evil.example/")

    with page.expect_response(f"{window.url}session/*") as sent:
        page.evaluate(f"document.getElementById('{form}').submit()")

    assert sent.value.status == 403
    assert "__Host-refresh" not in sent.value.request.all_headers().get("cookie", "")
    assert window.cookie() == before
    window.page.reload()
    window.wait("account")


@pytest.mark.parametrize("headers", [{}, OURS], ids=["plain", "with our header"])
def test_a_script_of_another_site_does_nothing(
    server: Server, window: Window, headers: dict[str, str]
) -> None:
    """Without our header it is refused; with it the browser asks first, and gets no permission."""
    window.log_in(new_account(server))
    window.wait("account")
    before = window.cookie()
    page = window.context.new_page()
    page.route("http://evil.example/", lambda route: route.fulfill(content_type="text/html", body="<p>"))
    page.goto("http://evil.example/")

    ask = "([url, options]) => fetch(url, options).then((answer) => answer.type, () => 'refused')"
    options = {"method": "POST", "credentials": "include", "headers": headers}
    options |= {"mode": "cors" if headers else "no-cors"}
    came = page.evaluate(ask, [f"{window.url}session/logout", options])

    assert came in ({"refused"} if headers else {"refused", "opaque"})  # some browsers do not even send it
    assert window.cookie() == before
    window.page.reload()
    window.wait("account")
    assert window.fetch("/session/refresh", {}) == 403  # our own page, without the header
    assert window.fetch("/session/refresh", OURS) == 200


# -- the documentation page ------------------------------------------------------------------------


def test_the_documentation_page_can_be_used(server: Server, browser: Any) -> None:
    """Sign up, log in, authorise and call `/accounts/me`, by clicking, with no files from elsewhere."""
    email = new_account(server)
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.set_default_timeout(longest())
        heard = complaints(page)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"http://127.0.0.1:{server.port}/v2/docs")

        def run(method: str, path: str, body: str | None = None) -> Any:
            block = page.locator(f".opblock-{method}", has=page.locator(f"[data-path='{path}']")).first
            block.locator(".opblock-summary").click()
            block.locator("button.try-out__btn").click()
            if body is not None:
                block.locator("textarea").first.fill(body)
            with page.expect_response(f"**/v2{path}") as answer:
                block.locator("button.execute").click()
            block.locator(".live-responses-table").wait_for()
            return answer.value

        signed_up = f'{{"email": "docs-{email}", "name": "김미나", "password": "{PASSWORD}"}}'
        assert run("post", "/accounts", signed_up).status == 202
        assert run("get", "/accounts/me").status == 401
        grant = run("post", "/auth/login", f'{{"email": "{email}", "password": "{PASSWORD}"}}').json()
        page.click("button.authorize")
        page.fill(".auth-container input", f"Bearer {grant['access_token']}")
        page.click(".auth-container button.authorize")
        page.click(".auth-container button.btn-done")
        with page.expect_response("**/v2/accounts/me") as answer:
            page.locator(".opblock-get button.execute:visible").click()

        assert answer.value.json()["email"] == email
        assert heard == []
        assert {Path(url).parts[1] for url in asked if not url.startswith("data:")} == {
            f"127.0.0.1:{server.port}"
        }
