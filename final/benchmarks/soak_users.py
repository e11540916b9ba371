"""People who use the service for half an hour, and remember what they did, also where an answer got lost."""

from __future__ import annotations

import base64
import http.client
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Any

LEEWAY = 9.0  # seconds; the service gives ten to a refresh whose answer got lost
AWAY_AT_MOST = 90.0  # seconds that a service may be away, on a machine that does other things too
MOST_SESSIONS = 5  # of an account
SHORT_LIFE = 500.0  # seconds after which an access token is refreshed before it is used


class Lost(Exception):
    """No answer came, and the client cannot know whether the request was carried out."""


class Away(Lost):
    """The service did not take the request, so that nothing can have come of it."""


@dataclass
class Tokens:
    """A session, by its newest tokens."""

    access: str
    refresh: str
    since: float = field(default_factory=time.monotonic)

    @property
    def session(self) -> str:
        """The id of the session, which the access token names."""
        payload = self.access.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["sid"])


@dataclass
class Account:
    """What its owner knows of an account. `stray` log-ins were perhaps carried out, and never answered."""

    email: str
    password: str
    sessions: list[Tokens] = field(default_factory=list)
    stray: int = 0


class Tally:
    """What all of them did, and what went wrong."""

    def __init__(self) -> None:
        self.operations: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.lost = 0
        self.faults: list[str] = []
        self._lock = Lock()

    def count(self, operation: str) -> None:
        """Count something that was done, once, however often it had to be asked for."""
        with self._lock:
            self.operations[operation] += 1

    def answered(self, status: int | None) -> None:
        """Count an answer; None where it got lost."""
        with self._lock:
            if status is None:
                self.lost += 1
            else:
                self.statuses[status] += 1

    def fault(self, sentence: str) -> None:
        """Remember what should not have happened."""
        with self._lock:
            self.faults.append(sentence)


class User(Thread):
    """One of them: does one thing after the other, at random, until told to stop.

    Args:
        number: makes the e-mail addresses, and the random choices, its own.
    """

    def __init__(self, number: int, port: int, tally: Tally, stop: Event) -> None:
        super().__init__(name=f"user-{number}", daemon=True)
        self.accounts: list[Account] = []
        self._number, self._port, self._tally, self._stop_asked = number, port, tally, stop
        self._random = random.Random(number)  # noqa: S311 - no secret comes of it
        self._connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        """Sign up, then do one thing after the other at random."""
        things: dict[Callable[[Account], None], int] = {
            self.look: 50,
            self.refresh: 20,
            self.refresh_twice_at_once: 4,
            self.log_in: 8,
            self.log_out: 5,
            self.revoke: 4,
            self.change_password: 3,
            self.sign_up: 2,
        }
        try:
            while not self._stop_asked.is_set():
                if not self.accounts:
                    self.sign_up()
                account = self._random.choice(self.accounts)
                if not account.sessions:
                    self.log_in(account)
                    continue
                [thing] = self._random.choices(list(things), list(things.values()))
                thing(account)
        except Exception as error:  # otherwise the end of a thread goes unnoticed
            self._tally.fault(f"{self.name} stopped: {error!r}")

    def sign_up(self, account: Account | None = None) -> None:
        """Begin another account. Asking again after a lost answer is harmless: the answer is the same."""
        email = f"soak-{self._number}-{len(self.accounts)}@example.com"
        new = Account(email, self._new_password())
        body = {"email": email, "name": "Soak User", "password": new.password}
        if self._retry("POST", "/v2/accounts", body)[0] == 202:
            self.accounts.append(new)
            self._tally.count("sign-up")

    def log_in(self, account: Account) -> None:
        """Log in. Where the answer gets lost there may be a session whose token no client has."""
        if len(account.sessions) >= MOST_SESSIONS:
            return self.log_out(account)
        body = {"email": account.email, "password": account.password}
        status, answer, lost = self._retry("POST", "/v2/auth/login", body)
        account.stray += lost
        if self._expect("log-in", status, {200}):
            account.sessions.append(Tokens(answer["access_token"], answer["refresh_token"]))
        return None

    def look(self, account: Account) -> None:
        """Read the own account."""
        tokens = self._fresh(account)
        if tokens is None:
            return
        status, answer, _ = self._retry("GET", "/v2/accounts/me", token=tokens.access)
        if self._expect("look", status, {200}) and answer["email"] != account.email:
            self._tally.fault(f"{account.email} was shown the account of {answer['email']}")

    def refresh(self, account: Account) -> None:
        """Refresh one session."""
        self.renew(account, self._random.choice(account.sessions))

    def refresh_twice_at_once(self, account: Account) -> None:
        """Refresh from two windows at the same moment: both must get the same successor."""
        tokens, begun = self._random.choice(account.sessions), time.monotonic()
        other = User(self._number, self._port, self._tally, self._stop_asked)
        answers: list[Any] = []
        second = Thread(target=lambda: answers.append(other._once_refreshed(tokens.refresh)))
        second.start()
        answers.append(self._once_refreshed(tokens.refresh))
        second.join()
        got = {answer for answer in answers if answer}
        self._tally.count("two refreshes at once")
        if len(got) > 1:
            self._tally.fault(f"{account.email}: two refreshes at once made two sessions of one")
        self.renew(account, tokens, begun)

    def log_out(self, account: Account) -> None:
        """Log out one session, which is over then, at once and everywhere."""
        tokens = self._fresh(account)
        if tokens is None:
            return
        status, _, lost = self._retry("POST", "/v2/auth/logout", token=tokens.access)
        if self._expect("log-out", status, {204, 401} if lost else {204}):
            account.sessions.remove(tokens)
            self._must_be_over(tokens)

    def revoke(self, account: Account) -> None:
        """End one session from another."""
        tokens = self._fresh(account)
        others = [one for one in account.sessions if one is not tokens]
        if tokens is None or not others:
            return
        other = self._random.choice(others)
        path = f"/v2/auth/sessions/{other.session}"
        status, _, lost = self._retry("DELETE", path, token=tokens.access)
        if self._expect("revoke", status, {204, 404} if lost else {204}):
            account.sessions.remove(other)
            self._must_be_over(other)

    def change_password(self, account: Account) -> None:
        """Change the password, which ends the other sessions."""
        tokens = self._fresh(account)
        if tokens is None:
            return
        new = self._new_password()
        body = {"current_password": account.password, "new_password": new}
        status, _, lost = self._retry("PUT", "/v2/accounts/me/password", body, token=tokens.access)
        # Where the first time was carried out and not answered, the old password was wrong the second time.
        if self._expect("change of password", status, {204, 403} if lost else {204}):
            ended = [one for one in account.sessions if one is not tokens]
            account.password, account.sessions, account.stray = new, [tokens], 0
            for one in ended:
                self._must_be_over(one)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _fresh(self, account: Account) -> Tokens | None:
        tokens = self._random.choice(account.sessions)
        if time.monotonic() - tokens.since > SHORT_LIFE:
            return self.renew(account, tokens)
        return tokens

    def renew(self, account: Account, tokens: Tokens, begun: float | None = None) -> Tokens | None:
        """Refresh a session, and return it; None where it is over.

        Args:
            begun: when the first request was sent that may have been carried out without an answer.
        """
        began = begun or time.monotonic()
        status, answer, lost = self._retry("POST", "/v2/auth/refresh", {"refresh_token": tokens.refresh})
        too_late = bool(lost or begun) and time.monotonic() - began > LEEWAY
        if too_late and status == 401:
            # As promised: what comes so late may be a thief's. The session is over for both.
            account.sessions.remove(tokens)
            self._tally.count("refresh too late")
            return None
        if not self._expect("refresh", status, {200}):
            account.sessions.remove(tokens)
            return None
        tokens.access, tokens.refresh, tokens.since = answer["access_token"], answer["refresh_token"], began
        return tokens

    def _once_refreshed(self, token: str) -> str | None:
        try:
            status, answer = self.ask("POST", "/v2/auth/refresh", {"refresh_token": token})
        except Lost:
            return None
        finally:
            self.close()
        return str(answer["refresh_token"]) if status == 200 else None

    def _must_be_over(self, tokens: Tokens) -> None:
        status, _, _ = self._retry("GET", "/v2/accounts/me", token=tokens.access)
        if status != 401:
            self._tally.fault(f"a session that was ended is answered {status}")

    def _expect(self, what: str, status: int, wanted: set[int]) -> bool:
        if status not in wanted:
            self._tally.fault(f"{what}: {status}")
            return False
        self._tally.count(what)
        return True

    def _retry(self, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any, int]:
        """Ask until there is an answer; the last number is how many got lost before it."""
        end, lost = time.monotonic() + AWAY_AT_MOST, 0
        while time.monotonic() < end:
            try:
                status, answer = self.ask(method, path, body, token)
            except Lost as error:
                lost += not isinstance(error, Away)
                time.sleep(0.05)
                continue
            if status != 503:
                return status, answer, lost
            time.sleep(0.2)  # too many passwords at once: nothing was done
        return 0, None, lost

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
        """Send a request, and return the status and the JSON of the answer.

        Raises:
            Lost: there is none.
        """
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )
        try:
            if self._connection.sock is None:
                self._connection.connect()
        except OSError as error:
            self.close()
            raise Away from error
        try:
            self._connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            self._tally.answered(None)
            raise Lost from error
        self._tally.answered(response.status)
        return response.status, json.loads(content) if content else None

    def _new_password(self) -> str:
        return f"{self._random.getrandbits(96):024x} of a user"
