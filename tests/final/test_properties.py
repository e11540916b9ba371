"""What holds for every input, and not only for the examples of other tests.

Hypothesis makes the inputs up, the same ones at every run.
"""

from __future__ import annotations

import importlib
import json
import string
import unicodedata
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, example, given, settings
from hypothesis import strategies as st
from kit.adapter import PASSWORD, Client, LoadedStage, Stage, expect
from kit.people import People

#: The same inputs at every run, and not many: these are tests, not a search.
bounded = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    phases=[Phase.explicit, Phase.generate],  # to find a failure; shrinking it takes ten times as long
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

ME, LOGIN = "/v2/accounts/me", "/v2/auth/login"
MINA = "mina@example.com"
TEXT = st.text(max_size=300)
#: What a header can carry over the wire: bytes, but no control characters.
HEADER = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=80
)


class WithLetters(People):
    """The people, and their mail."""

    def __init__(self, service: Stage) -> None:
        super().__init__(service)
        self.app.extensions["mail"] = SimpleNamespace(send=lambda letter: self.letters.append(letter.text))
        self.letters: list[str] = []
        self.mina, self.sora = (self.members[name].client for name in ("mina", "sora"))
        self.client = service.client

    def module(self, name: str) -> Any:
        """Return a module of the service."""
        return importlib.import_module(f"{self.app.import_name}.{name}")

    def mailed(self) -> str:
        """Return the token of the letter that was mailed last."""
        with self.app.app_context():
            self.module("services.mail").deliver()
        return self.letters[-1].partition("&token=")[2].partition("\n")[0]


@pytest.fixture(scope="module")
def people(final: LoadedStage) -> Iterator[WithLetters]:
    """A service that all tests of this file share."""
    service = Stage(final)
    yield WithLetters(service)
    service.close()


# -- e-mails --------------------------------------------------------------------------------------------

LETTERS = st.sampled_from([*string.ascii_letters, *string.digits, *"ßıİéÅΣςöñЖж한글日本K'+_~-"])
LOCAL = st.text(LETTERS, min_size=1, max_size=20)
LABEL = st.sampled_from(
    ["example", "EXAMPLE", "bücher", "BÜCHER", "straße", "한국", "例え", "xn--bcher-kva", "a-1"]
)
EMAIL = st.builds(lambda local, *labels: f"{local}@{'.'.join(labels)}.com", LOCAL, LABEL, LABEL)
#: Other ways to write the same address.
SPELLINGS = {
    "capitals in the domain": lambda local, domain: f"{local}@{domain.upper()}" if domain.isascii() else None,
    "blanks around it": lambda local, domain: f"  {local}@{domain} ",
    "letters in pieces": lambda local, domain: unicodedata.normalize("NFD", f"{local}@{domain}"),
    "letters in one": lambda local, domain: unicodedata.normalize("NFC", f"{local}@{domain}"),
    "the domain in ASCII": lambda local, domain: f"{local}@{domain.encode('idna').decode()}",
    "capitals": lambda local, domain: f"{local}@{domain}".upper() if local.isascii() else None,
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@bounded
@given(email=EMAIL)
def test_another_spelling_is_the_same_address(people: WithLetters, spelling: Any, email: str) -> None:
    """In capitals, with decomposed letters, with the ASCII form of its domain: the key is the same."""
    emails = people.module("services.emails")
    local, _, domain = email.rpartition("@")
    assume("straße" not in domain)  # the codec of Python knows IDNA 2003 only, which makes `strasse` of it
    other = spelling(local, domain)
    assume(other is not None and emails.is_email(emails.tidy(email)))

    assert emails.email_key(other) == emails.email_key(email)
    assert emails.is_email(emails.tidy(other))


@bounded
@given(one=EMAIL, other=EMAIL)
@example(one="mıke@example.com", other="mike@example.com")
@example(one="faß@example.com", other="fass@example.com")
@example(one="\u212aim@example.com", other="Kim@example.com")
def test_another_letter_is_another_address(people: WithLetters, one: str, other: str) -> None:
    """Two addresses are the same only if they differ in nothing but case and Unicode form."""
    key = people.module("services.emails").email_key
    local = [unicodedata.normalize("NFC", email.rpartition("@")[0]).lower() for email in (one, other)]

    assert key(one) != key(other) or local[0] == local[1]


@bounded
@given(text=st.one_of(TEXT, EMAIL, st.emails()))
def test_an_address_that_is_accepted_can_be_stored_and_written_to(people: WithLetters, text: str) -> None:
    """Any text is accepted or refused, without an error; an address fits its columns and a mail."""
    emails, smtp, letters = (people.module(f"services.{name}") for name in ("emails", "smtp", "letters"))
    tidied = emails.tidy(text)
    key = emails.email_key(text)
    if not emails.is_email(tidied):
        return

    assert len(tidied) <= 254 and len(key) <= 400
    assert emails.email_key(tidied) == key == emails.email_key(key), "the key is a spelling, too"
    transport = smtp.Smtp("smtp", "localhost", 25, "", "", "no-reply@example.com", "example.com")
    message = transport._write(letters.Letter(tidied, "A subject", "A text\n"))
    assert len(message["To"].addresses) == 1 and message["Bcc"] is None


@settings(bounded, max_examples=15)
@given(email=EMAIL, spellings=st.lists(st.sampled_from([*SPELLINGS.values()]), min_size=1, max_size=3))
def test_one_account_however_its_address_is_spelled(
    people: WithLetters, email: str, spellings: list[Any]
) -> None:
    """Signing up in another spelling makes no second account, and every spelling logs in to the first."""
    local, _, domain = email.rpartition("@")
    assume("straße" not in domain)
    written = [email, *(other for spelling in spellings if (other := spelling(local, domain)))]
    new = [{"email": one, "name": "Mina", "password": PASSWORD} for one in written]

    answers = {people.client.post("/v2/accounts", json=body).status_code for body in new}

    assume(answers != {400})
    assert answers == {202}
    owners = set()
    for one in written:
        grant = expect(people.service.log_in(one), 200)
        owners.add(expect(Client(people.app, "/v2", grant["access_token"]).get(ME), 200)["id"])
    assert len(owners) == 1


# -- names and passwords --------------------------------------------------------------------------------


@bounded
@given(name=st.one_of(TEXT, st.text(st.characters(categories=["Cf", "Mn", "Zs", "Cc", "Lo"]), max_size=120)))
def test_a_name_is_kept_as_it_is_or_refused(people: WithLetters, name: str) -> None:
    """What is stored can be seen and has one line; what comes back is what was sent, in one form."""
    answer = people.mina.patch(ME, json={"name": name}, headers={"If-Match": "*"})

    if answer.status_code != 200:
        return expect(answer, 400) and None
    kept = expect(answer, 200)["name"]
    assert kept == unicodedata.normalize("NFC", name.strip(" "))
    assert 1 <= len(kept) <= 100 and len(kept.splitlines()) == 1
    assert any(unicodedata.category(letter)[0] not in "CZ" for letter in kept)
    return None


FORMS = ("NFC", "NFD", "NFKC", "NFKD")


@bounded
@given(password=st.text(st.characters(exclude_categories=["Cs"]), min_size=15, max_size=128), other=TEXT)
@example(password="긴 암호 문장은 외우기 쉽고 강합니다", other="")
@example(password="\ufdfa" * 15, other="")
@example(password="x" * 128, other="x" * 129)
def test_a_password_is_the_same_on_every_keyboard(people: WithLetters, password: str, other: str) -> None:
    """In each normal form of Unicode, and no other text matches; or it is refused for its length."""
    passwords = people.module("services.passwords")
    with people.app.app_context():
        hasher = passwords.current()
        stored = hasher.hash(password)
        if passwords.problem_with_new(password) is None:
            forms = [unicodedata.normalize(form, password) for form in FORMS]
            assert all(hasher.verify(stored, form) for form in forms if len(form) <= 128)
        same = unicodedata.normalize("NFKC", other) == unicodedata.normalize("NFKC", password)
        assert hasher.verify(stored, other) == same


@bounded
@given(password=TEXT)
def test_a_new_password_is_judged_by_its_length_and_not_by_its_letters(
    people: WithLetters, password: str
) -> None:
    """Any character will do; what is refused is shorter than 15 or longer than 128, typed or normalised."""
    lengths = {len(password), len(unicodedata.normalize("NFKC", password))}

    with people.app.app_context():
        problem = people.module("services.passwords").problem_with_new(password, MINA)

    assert (problem is None) == all(15 <= length <= 128 for length in lengths)


# -- queries, conditions, headers ------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v2/accounts", "/v2/auth/sessions", "/v2/audit"])
@bounded
@given(
    query=st.dictionaries(
        st.sampled_from(["after", "limit", "email", "role", "action", "x"]), TEXT, max_size=3
    )
)
def test_any_query_gets_a_page_or_a_400(people: WithLetters, path: str, query: dict[str, str]) -> None:
    """Any text behind `?`."""
    answer = people.service.admin.get(path, query_string=query)

    body = expect(answer, 200, 400)
    if answer.status_code == 200:
        assert set(body) == {"items", "next"} and query.get("limit", "1").isascii() and "x" not in query


TAG = st.one_of(st.integers(0, 9).map(lambda number: f'"{number}"'), HEADER, st.just('W/"1"'), st.just("*"))


@bounded
@given(tags=st.lists(TAG, min_size=1, max_size=4).map(", ".join))
def test_a_change_happens_only_by_the_tag_of_what_is_there(people: WithLetters, tags: str) -> None:
    """RFC 9110 13.1.1: a strong tag equal to the row's, or `*`; any other header changes nothing."""
    etag = people.mina.get(ME).headers["ETag"]
    people.mina.reads_first = False

    answer = people.mina.patch(ME, json={"name": f"name {etag[1:-1]}"}, headers={"If-Match": tags})

    expect(answer, 200, 412)
    if answer.status_code == 200:
        assert etag in tags or "*" in tags
    else:
        assert people.mina.get(ME).headers["ETag"] == etag


NAMES = [
    "Accept",
    "Accept-Encoding",
    "X-Request-ID",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "If-None-Match",
    "Range",
]
NAMES += [
    "If-Modified-Since",
    "Cookie",
    "Content-Type",
    "Content-Encoding",
    "Forwarded",
    "X-HTTP-Method-Override",
]


@bounded
@given(headers=st.dictionaries(st.sampled_from(NAMES), HEADER, max_size=4))
@example(headers={"Accept-Encoding": "gzip;q=nan, *;q=0"})
@example(headers={"Range": "bytes=0-0,-1"})
def test_any_header_leaves_the_answer_what_it_is(people: WithLetters, headers: dict[str, str]) -> None:
    """The response is the account, or 304."""
    answer = people.mina.get(ME, headers=headers)

    assert answer.status_code in {200, 304}, answer.text
    assert answer.status_code == 304 or answer.get_json(force=True)["email"] == MINA
    assert len(answer.headers["X-Request-ID"]) <= 64


@bounded
@given(value=HEADER)
def test_any_authorization_is_401(people: WithLetters, value: str) -> None:
    """Unless it is a valid token."""
    answer = people.client.get(ME, headers={"Authorization": value})

    expect(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


# -- bodies ------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=40)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = [
    "email",
    "name",
    "password",
    "token",
    "new_password",
    "current_password",
    "code",
    "mfa_token",
    "role",
]
FIELDS += ["refresh_token", "disabled"]
BODY = st.one_of(
    JSON.map(json.dumps).map(str.encode),
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4).map(json.dumps).map(str.encode),
    st.binary(max_size=200),
)
#: Those that need what no generator makes up: an address, a token, a password.
TAKE_A_BODY = [
    *(
        ("POST", f"/v2/accounts{path}")
        for path in ("", "/verify", "/verify/resend", "/email/confirm", "/me/email")
    ),
    *(
        ("POST", f"/v2/auth{path}")
        for path in ("/login", "/login/mfa", "/refresh", "/password/reset", "/mfa")
    ),
    *(("POST", "/v2/auth/mfa/confirm"), ("DELETE", "/v2/auth/mfa"), ("PUT", "/v2/accounts/me/password")),
]


@pytest.mark.parametrize(("method", "path"), TAKE_A_BODY, ids=lambda value: value)
@settings(bounded, max_examples=25)
@given(body=BODY)
def test_any_body_is_refused_by_a_4xx(people: WithLetters, method: str, path: str, body: bytes) -> None:
    """Never a 500, and always a problem."""
    answer = people.mina.open(method, path, data=body, content_type="application/json")

    assert 400 <= answer.status_code < 500, answer.text
    assert answer.content_type == "application/problem+json; charset=utf-8"


# -- tokens ------------------------------------------------------------------------------------------------

#: How a token is damaged on its way, or changed by an attacker.
CHARACTERS = [*string.ascii_letters, *string.digits, *"-_=.+/ !~%\u00e9"]
MUTATION = st.tuples(
    st.sampled_from(["replace", "insert", "delete", "cut", "swap"]),
    st.integers(0, 999),
    st.sampled_from(CHARACTERS),
)


def mutated(token: str, how: str, where: int, character: str) -> str:
    """Return ``token`` with one thing changed."""
    where %= len(token)
    before, here, after = token[:where], token[where], token[where + 1 :]
    return {
        "replace": before + character + after,
        "insert": token[:where] + character + token[where:],
        "delete": before + after,
        "cut": before,
        "swap": before + after[:1] + here + after[1:],
    }[how]


@pytest.fixture(scope="module")
def issued(people: WithLetters) -> dict[str, Any]:
    """A valid token of each kind, and the request that sends it."""
    grant = expect(people.service.log_in(MINA), 200)
    half = expect(people.service.log_in("sora@example.com"), 200)
    expect(people.client.post("/v2/auth/password/forgot", json={"email": MINA}), 202)
    link, post = people.mailed(), people.client.post

    def reset(token: str) -> Any:
        return post("/v2/auth/password/reset", json={"token": token, "new_password": PASSWORD})

    return {
        "access": (grant["access_token"], lambda token: Client(people.app, "/v2", token).get(ME), 401),
        "refresh": (
            grant["refresh_token"],
            lambda token: post("/v2/auth/refresh", json={"refresh_token": token}),
            401,
        ),
        "mfa": (
            half["mfa_token"],
            lambda token: post(f"{LOGIN}/mfa", json={"mfa_token": token, "code": "000000"}),
            401,
        ),
        "mailed": (link, reset, 400),
    }


def events(people: WithLetters) -> list[Any]:
    """Return the audit's rows of second halves of log-ins: a valid token with a wrong code leaves one."""
    return expect(people.service.admin.get("/v2/audit?action=login.mfa&limit=100"), 200)["items"]


@pytest.mark.parametrize("kind", ["access", "refresh", "mfa", "mailed"])
@settings(bounded, max_examples=150)
@given(mutation=MUTATION)
@example(mutation=("replace", -1, "x"))
@example(mutation=("insert", -1, "!"))
@example(mutation=("insert", -3, "="))
@example(mutation=("insert", -3, " "))
def test_a_token_with_one_thing_changed_is_refused(
    people: WithLetters, issued: dict[str, Any], kind: str, mutation: tuple[str, int, str]
) -> None:
    """One spelling of each token is valid, and every other is refused without a 500."""
    token, send, status = issued[kind]
    other = mutated(token, *mutation)
    assume(other != token)

    expect(send(other), status)


def test_every_last_character_counts(people: WithLetters, issued: dict[str, Any]) -> None:
    """Base64 has bits to spare at the end, where two texts could mean the same bytes."""
    for token, send, status in issued.values():
        for last in string.ascii_letters + string.digits + "-_":
            if last != token[-1]:
                expect(send(token[:-1] + last), status)
    assert events(people) == [], "the MFA token was believed"


def test_the_tokens_themselves_are_good(issued: dict[str, Any]) -> None:
    """Otherwise the tests above would prove nothing; and none of their changed tokens has used one up."""
    for kind, status in (("access", 200), ("refresh", 200), ("mfa", 401), ("mailed", 204)):
        token, send, _ = issued[kind]
        expect(send(token), status)
