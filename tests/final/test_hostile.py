"""Hostile requests, a row each: what is sent, what comes back, and that nothing happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from adapter import PASSWORD, Stage, expect

JSON = "application/json"


@dataclass(frozen=True)
class Row:
    """One hostile request; ``code`` is what `errors` has to name, where the status is 400."""

    name: str
    body: str | bytes
    status: int = 400
    code: str = ""
    kind: str | None = JSON
    headers: dict[str, str] = field(default_factory=dict)


def new(email: str = '"mina@example.com"', name: str = '"김미나"', password: str = f'"{PASSWORD}"') -> str:
    """Return the body of a sign-up from pieces of JSON."""
    return f'{{"email": {email}, "name": {name}, "password": {password}}}'


# What every endpoint with a body refuses before it looks at a field.
BODIES = [
    Row("nothing", b"", code="not_json"),
    Row("a brace", "{", code="not_json"),
    Row("two objects", "{}{}", code="not_json"),
    Row("a comma too many", '{"name": "x",}', code="not_json"),
    Row("single quotes", "{'name': 'x'}", code="not_json"),
    Row("a comment", '{"name": "x" /* no */}', code="not_json"),
    Row("a raw line break", '{"name": "a\nb"}', code="not_json"),
    Row("not a number", '{"name": NaN}', code="not_json"),
    Row("infinity", '{"name": -Infinity}', code="not_json"),
    Row("a number of 5000 digits", f'{{"name": {"9" * 5000}}}', code="not_json"),
    Row("a byte order mark", b"\xef\xbb\xbf{}", code="not_json"),
    Row("Latin-1", '{"name": "é"}'.encode("latin-1"), code="not_json"),
    Row("UTF-16", '{"name": "x"}'.encode("utf-16"), code="not_json"),
    Row("half a character in bytes", b'{"name": "\xed\xa0\x80"}', code="not_json"),
    Row("an overlong slash", b'{"name": "\xc0\xaf"}', code="not_json"),
    Row("a list", "[]", code="not_an_object"),
    Row("null", "null", code="not_an_object"),
    Row("a text", '"mina"', code="not_an_object"),
    Row("a number", "7", code="not_an_object"),
    Row("lists nested 8,000 deep", "[" * 8000, code="too_deep"),
    Row("objects nested 2,000 deep", '{"a":' * 2000 + "1" + "}" * 2000, code="too_deep"),
    Row("deep behind a text full of quotes", '["' + '\\"' * 3000 + '",' + "[" * 3000, code="too_deep"),
    Row("a field twice", '{"name": "a", "name": "b"}', code="duplicate_field"),
    Row("a field twice, once in disguise", '{"name": "a", "n\\u0061me": "b"}', code="duplicate_field"),
    Row("an empty object", "{}", code="missing"),
    Row("an unknown field", '{"role": "admin"}', code="unknown_field"),
    Row("a prototype", '{"__proto__": {"role": "admin"}}', code="unknown_field"),
    Row("too long", b" " * 16_385, 413),
    Row("a form", "name=x", 415, kind="application/x-www-form-urlencoded"),
    Row("no type", '{"name": "x"}', 415, kind=None),
    Row("text", '{"name": "x"}', 415, kind="text/plain"),
    Row("nearly JSON", '{"name": "x"}', 415, kind="application/jsonp"),
    Row("another charset", '{"name": "x"}', 415, kind="application/json; charset=utf-7"),
    Row("compressed", b"\x1f\x8b\x08\x00", 415, headers={"Content-Encoding": "gzip"}),
]

# What signing up refuses besides.
ACCOUNTS = [
    *(
        Row(f"the e-mail {value}", new(email=value), code="wrong_type")
        for value in ("7", "null", "[]", "true")
    ),
    *(Row(f"the password {value}", new(password=value), code="wrong_type") for value in ("7", "{}", "false")),
    *(
        Row(f"the e-mail {text}", new(email=f'"{text}"'), code="not_an_email")
        for text in (
            "",
            "mina",
            "@",
            "mina@",
            "@example.com",
            "a@b@example.com",
            "mina @example.com",
            "mina@exa mple.com",
            "mina@example.com\\r\\nBcc: all@example.com",
            "mina@example.com\\u0007",
            "mina@-example.com",
            "mina@example..com",
            "mina@.com",
            "mina@example.com.",
            "<mina@example.com>",
            "mina@[127.0.0.1]",
            "mina@exam\\u200bple.com",
            "mi\\u202ena@example.com",
            "a" * 65 + "@example.com",
            "mina@" + "a" * 64 + ".com",
            "mina@" + "a." * 140 + "com",
        )
    ),
    *(
        Row(f"the name {text!r:.20}", new(name=f'"{text}"'), code=code)
        for text, code in (
            ("", "blank"),
            ("   ", "blank"),
            ("\\u200b\\u2060", "blank"),
            ("\\t", "blank"),
            ("mi\\nna", "control_character"),
            ("mi\\u001b[2Jna", "control_character"),
            ("mi\\u2028na", "control_character"),
            ("mi\\u0085na", "control_character"),
            ("x" * 101, "too_long"),
            ("mi\\u0000na", "not_text"),
            ("mi\\ud800na", "not_text"),
            ("\\udc00\\ud800", "not_text"),
        )
    ),
    Row("a password of one letter", new(password='"x"'), code="too_short"),
    Row("a password of 129", new(password=f'"{"x" * 129}"'), code="too_long"),
    Row("a password with NUL", new(password=f'"{PASSWORD}\\u0000"'), code="not_text"),
    Row("a role", new()[:-1] + ', "role": "admin"}', code="unknown_field"),
]


def change(new: str, current: str = f'"{PASSWORD}"') -> str:
    """Return the body of a change of password from pieces of JSON."""
    return f'{{"current_password": {current}, "new_password": {new}}}'


LONG = '"a passphrase that is long enough"'

# What changing a password refuses besides: the rules of signing up, before any password is checked.
PASSWORDS = [
    *(
        Row(f"the new password {value}", change(value), code="wrong_type")
        for value in ("7", "null", "[]", "true")
    ),
    *(
        Row(f"the current password {value}", change(LONG, value), code="wrong_type")
        for value in ("7", "null", "{}")
    ),
    Row("a new password of 14", change('"fourteen chars"'), code="too_short"),
    Row("a new password of 129", change(f'"{"x" * 129}"'), code="too_long"),
    Row("a new password that becomes 144", change('"' + "\ufdfa" * 8 + '"'), code="too_long"),
    Row("a new password that becomes 14", change('"' + "\u1100\u1161" * 14 + '"'), code="too_short"),
    Row("a new password with NUL", change('"a passphrase with\\u0000 in it"'), code="not_text"),
    Row("a new password with half a character", change('"a passphrase with\\ud800"'), code="not_text"),
    Row("a current password with NUL", change(LONG, '"\\u0000"'), code="not_text"),
    Row("no current password", f'{{"new_password": {LONG}}}', code="missing"),
    Row("somebody else's id", change(LONG)[:-1] + ', "id": "7"}', code="unknown_field"),
    Row("two new passwords", change(LONG)[:-1] + f', "new_password": {LONG}}}', code="duplicate_field"),
]

CASES = [
    *(("POST", "/v2/accounts", row) for row in [*BODIES, *ACCOUNTS]),
    *(("POST", "/v2/auth/login", row) for row in BODIES if row.code != "missing"),
    *(("PATCH", "/v2/accounts/me", row) for row in BODIES if "field" not in row.name),
    *(("PUT", "/v2/accounts/me/password", row) for row in [*BODIES, *PASSWORDS]),
]


@pytest.mark.parametrize(
    ("method", "path", "row"), CASES, ids=[f"{m} {p}: {row.name}" for m, p, row in CASES]
)
def test_a_hostile_body_is_refused_and_nothing_happens(
    service: Stage, problem: Any, hashes: Any, method: str, path: str, row: Row
) -> None:
    """A problem with the right status and code, no hash computed, no account made or changed."""
    account = service.sign_up()
    hashes.clear()
    body = row.body.encode() if isinstance(row.body, str) else row.body
    options: dict[str, Any] = {"data": body, "headers": row.headers, "content_type": row.kind}

    answer = account.client.open(method, path, **options)

    body = problem(answer, row.status)
    if row.status == 400:
        assert row.code in {error["code"] for error in body["errors"]}
    assert hashes == []
    assert "passphrase" not in answer.text
    assert expect(account.client.get("/accounts/me"), 200)["name"] == account.name
    assert len(service.list_accounts()) == 1


QUERIES = [
    "limit=0",
    "limit=101",
    "limit=-1",
    "limit=1e1",
    "limit=%31%30%30%30",
    "limit=٣",
    "limit=",
    "limit= 1",
]
QUERIES += [
    "limit=%ff",
    "limit=1%00",
    "after=",
    "after=%00",
    "after='",
    "after=1 OR 1=1",
    "after=" + "9" * 5000,
]
QUERIES += ["after=0190000000007000800000000000000", "after=../../etc/passwd"]


@pytest.mark.parametrize("path", ["/v2/accounts", "/v2/auth/sessions"])
@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:24])
def test_a_hostile_query_is_refused(service: Stage, problem: Any, query: str, path: str) -> None:
    """A page that cannot be is 400."""
    assert problem(service.admin.get(f"{path}?{query}"), 400)["errors"]


PATHS = ["/v2/accounts/%00", "/v2/accounts/%ff%fe", "/v2/accounts/me%00", "/v2/accounts/ME", "/v2/accounts/1"]
PATHS += [
    "/v2/accounts/' OR 1=1",
    "/v2/accounts/..%2f..%2fetc",
    "/v2/accounts/me/",
    "/v2/accounts/" + "9" * 5000,
]
PATHS += [
    "/",
    "/v2",
    "/v2/",
    "/v2/accounts//me",
    "//example.com/v2",
    "/swaggerui/..%2f..%2f__init__.py",
    "/static/x",
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:32])
def test_a_hostile_path_is_404(service: Stage, problem: Any, path: str) -> None:
    """No path reaches a database, a file or another host."""
    headers = {"Authorization": f"Bearer {service.admin.token}"}

    answer = service.app.test_client().get(path, headers=headers, base_url="http://localhost")

    problem(answer, 404)
    assert "Location" not in answer.headers
