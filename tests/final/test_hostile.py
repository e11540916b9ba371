"""Hostile requests, a row each: what is sent, what comes back, and that nothing happened.

A row names the request, the response, and its rows in the audit. `refused` asserts what holds for all of
them: the database is as it was, no mail waits to be sent, no password was hashed needlessly, the response
repeats nothing that was sent, and it took little time and memory. So no row can change what the next one
meets, and all of them share one service.

A table is sent whole to one endpoint. Each other endpoint with the same code behind it gets three of its
rows, which prove that it is the same code.
"""

from __future__ import annotations

import json
import re
import time
import tracemalloc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import pytest
from kit.adapter import PASSWORD, Client, LoadedStage, Stage, expect
from kit.people import People
from sqlalchemy import text

JSON = "application/json"
SECONDS, MEMORY = 2, 4 * 1024 * 1024  # that one request may take at the most, and bytes of Python's memory

ME, ACCOUNTS, SESSIONS, AUDIT = "/v2/accounts/me", "/v2/accounts", "/v2/auth/sessions", "/v2/audit"
LOGIN, MFA = "/v2/auth/login", "/v2/auth/mfa"
NOBODY_IS = "01900000-0000-7000-8000-000000000000"


class Endpoint(NamedTuple):
    """A method of a path, a client that may use it, and a body that it would take."""

    method: str
    path: str
    who: str = "nobody"
    body: dict[str, Any] | None = None


LINK, NEW = "x" * 43, "another passphrase for the tests"
KNOWN = {"current_password": PASSWORD}
ENDPOINTS = [
    Endpoint("GET", ACCOUNTS, "boss"),
    Endpoint("POST", ACCOUNTS, body={"email": "new@example.org", "name": "새 사람", "password": PASSWORD}),
    Endpoint("POST", f"{ACCOUNTS}/verify", body={"token": LINK}),
    Endpoint("POST", f"{ACCOUNTS}/verify/resend", body={"email": "mina@example.com"}),
    Endpoint("POST", f"{ACCOUNTS}/email/confirm", body={"token": LINK}),
    Endpoint("GET", ME, "mina"),
    Endpoint("PATCH", ME, "mina", {"name": "이서준", "role": "member", "disabled": False}),
    Endpoint("DELETE", ME, "mina", KNOWN),
    Endpoint("GET", f"{ACCOUNTS}/{{mina}}", "mina"),
    Endpoint(
        "PATCH", f"{ACCOUNTS}/{{mina}}", "boss", {"name": "이서준", "role": "member", "disabled": False}
    ),
    Endpoint("DELETE", f"{ACCOUNTS}/{{mina}}", "mina", KNOWN),
    Endpoint("DELETE", f"{ACCOUNTS}/{{mina}}/sessions", "boss"),
    Endpoint("GET", f"{ME}/export", "mina"),
    Endpoint("PUT", f"{ME}/password", "mina", KNOWN | {"new_password": NEW}),
    Endpoint("POST", f"{ME}/email", "mina", KNOWN | {"email": "new@example.org"}),
    Endpoint("POST", LOGIN, body={"email": "mina@example.com", "password": PASSWORD}),
    Endpoint("POST", f"{LOGIN}/mfa", body={"mfa_token": "{mfa}", "code": "000000"}),
    Endpoint("POST", "/v2/auth/refresh", body={"refresh_token": "{refresh}"}),
    Endpoint("POST", "/v2/auth/logout", "mina"),
    Endpoint("GET", SESSIONS, "mina"),
    Endpoint("DELETE", SESSIONS, "mina"),
    Endpoint("DELETE", f"{SESSIONS}/{{session}}", "mina"),
    Endpoint("POST", "/v2/auth/password/forgot", body={"email": "mina@example.com"}),
    Endpoint("POST", "/v2/auth/password/reset", body={"token": LINK, "new_password": NEW}),
    Endpoint("POST", MFA, "mina", KNOWN),
    Endpoint("DELETE", MFA, "sora", KNOWN | {"code": "000000"}),
    Endpoint("POST", f"{MFA}/recovery-codes", "sora", KNOWN | {"code": "000000"}),
    Endpoint("POST", f"{MFA}/confirm", "mina", {"code": "000000"}),
    Endpoint("GET", AUDIT, "boss"),
]
#: Endpoints without a token and a body; only the method can be wrong.
OPEN = ["/health/live", "/health/ready", "/version", "/metrics", "/.well-known/jwks.json"]
OPEN += ["/v2/docs", "/v2/openapi.json"]


@dataclass(frozen=True)
class Row:
    """One hostile request. Words in braces become ids and tokens.

    ``code`` is what `errors` has to name; ``audit`` the rows that it leaves: the action, its outcome, and to
    whom and by whom, m for Mina, j for Juno, s for Sora, b for the admin, - for none. ``hashes`` is the
    work.
    """

    name: str
    method: str = "POST"
    path: str = ""
    body: str | bytes | dict[str, Any] | None = None
    status: int = 400
    code: str = ""
    who: str = "nobody"
    kind: str | None = JSON
    headers: dict[str, str] = field(default_factory=dict)
    audit: tuple[str, ...] = ()
    hashes: int = 0

    def __str__(self) -> str:
        return f"{self.method} {self.path[:40]}: {self.name}"


class Recorded(People):
    """The people, their ids and tokens, and what the database has."""

    def __init__(self, service: Stage) -> None:
        super().__init__(service)
        service.log_in("mina@bücher.example")  # loads the tables of IDNA, so that no row pays for it
        self.tokens = {name: one.client.token or "" for name, one in self.members.items()}
        self.tokens |= {"boss": service.admin.token or "", "nobody": ""}
        self.ids = {one.id: name[0] for name, one in self.members.items()}
        self.ids |= {expect(self.client("boss").get(ME), 200)["id"]: "b", None: "-"}
        ended = Client(self.app, "/v2", service.token("juno@example.com"))
        expect(ended.post("/v2/auth/logout"), 204)
        self.known = {name: one.id for name, one in self.members.items()} | {
            "session": self.session_of("mina"),
            "other_session": self.session_of("juno"),
            "refresh": expect(service.log_in("mina@example.com"), 200)["refresh_token"],
            "mfa": expect(service.log_in("sora@example.com"), 200)["mfa_token"],
            "access": self.tokens["mina"],
            "ended": ended.token or "",
        }
        self.seen = self.snapshot()

    def client(self, who: str) -> Client:
        """Return a client that adds no `If-Match` by itself."""
        client = Client(self.app, "/v2", self.tokens[who])
        client.reads_first = False
        return client

    def session_of(self, who: str) -> str:
        """Return the id of a session."""
        return str(expect(self.client(who).get(SESSIONS), 200)["items"][0]["id"])

    def fill(self, value: Any) -> Any:
        """Put the ids and tokens in."""
        if isinstance(value, dict):
            return {name: self.fill(one) for name, one in value.items()}
        if not isinstance(value, str):
            return value
        return re.sub(r"\{(\w+)\}", lambda match: self.known.get(match[1], match[0]), value)

    def snapshot(self) -> dict[str, list[Any]]:
        """Return all that the database has, table by table; all mail waits in the outbox."""
        with self.app.app_context():
            database = self.app.extensions["sqlalchemy"]
            with database.engine.connect() as connection:
                return {
                    name: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {name} ORDER BY 1"))]  # noqa: S608
                    for name in database.metadata.tables
                }

    def recorded(self, before: dict[str, list[Any]], after: dict[str, list[Any]]) -> tuple[str, ...]:
        """Return the rows that the audit has gained."""
        with self.app.app_context():
            columns = [*self.app.extensions["sqlalchemy"].metadata.tables["audit_events"].c.keys()]
        rows = [
            dict(zip(columns, row, strict=True))
            for row in after["audit_events"][len(before["audit_events"]) :]
        ]
        names = [(self.ids.get(row["account_id"], "?"), self.ids.get(row["actor_id"], "?")) for row in rows]
        return tuple(
            f"{row['action']} {row['outcome']} {to} {by}" for row, (to, by) in zip(rows, names, strict=True)
        )


@pytest.fixture(scope="module")
def people(final: LoadedStage, request: pytest.FixtureRequest) -> Iterator[Recorded]:
    """The service that all rows share."""
    on_server = request.config.getoption("--database") == "postgresql"
    service = Stage(final, server=request.getfixturevalue("postgresql") if on_server else None)
    yield Recorded(service)
    service.close()


def refused(people: Recorded, row: Row, hashes: list[str], problem: Any) -> Any:
    """Send a row, check its response and that nothing else happened, and return the body."""
    hashes.clear()
    windows = people.app.extensions["rate_limits"]
    people.app.extensions["rate_limits"] = type(windows)()  # some rows of the audit are written once a minute
    sent = json.dumps(people.fill(row.body)) if isinstance(row.body, dict) else row.body
    options: dict[str, Any] = {"data": sent, "content_type": row.kind} if sent is not None else {}
    headers = {name: people.fill(value) for name, value in row.headers.items()}
    path, client = people.fill(row.path), people.client(row.who)
    if "Authorization" in headers:
        client.token = None

    tracemalloc.start()
    began = time.perf_counter()
    answer = client.open(row.method, path, headers=headers, **options)
    took, (_, peak) = time.perf_counter() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()

    body = problem(answer, row.status)
    assert row.code in {"", *(error["code"] for error in body.get("errors", []))}, body
    assert echoed(f"{_text(sent)} {path.partition('?')[2]} {' '.join(headers.values())}", answer) == set()
    assert len(hashes) == row.hashes
    before, people.seen = people.seen, people.snapshot()
    assert people.recorded(before, people.seen) == row.audit
    assert {**people.seen, "audit_events": []} == {**before, "audit_events": []}
    assert took < SECONDS and peak < MEMORY, (took, peak)
    return body


#: What a message may repeat: the names of fields and of their possible values.
OURS = {name for endpoint in ENDPOINTS for name in endpoint.body or ()}
OURS |= {"member", "admin", "Bearer", "accounts", "gzip", "disabled"}
OURS |= {"account_id", "actor_id", "action", "outcome"}


def echoed(sent: str, answer: Any) -> set[str]:
    """Return the parts of the request that its response repeats."""
    back = answer.text + str(answer.headers)
    return {word for word in re.findall(r"[\w@.+-]{6,}", sent) if word not in OURS and word in back}


def _text(sent: str | bytes | None) -> str:
    return sent.decode("utf-8", "replace") if isinstance(sent, bytes) else sent or ""


def test_every_endpoint_is_in_the_table(people: Recorded) -> None:
    """What `flask routes` prints of version 2, every method of every path."""
    rules = [rule for rule in people.app.url_map.iter_rules() if rule.endpoint.startswith("v2.")]
    served = {
        (method, re.sub(r"<\w+:(\w+)_id>", r"{\1}", rule.rule))
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    known = {(one.method, one.path.replace("{mina}", "{account}")) for one in ENDPOINTS}

    assert served == known | {("GET", path) for path in OPEN if path.startswith("/v2")} | {("GET", "/v2/")}


def everywhere(tables: Iterable[Sequence[Row]]) -> Iterator[Row]:
    """Return the whole first table, and of each other one the first, the middle and the last row."""
    for number, table in enumerate(tables):
        yield from (table[0], table[len(table) // 2], table[-1]) if number else table


# -- bodies -------------------------------------------------------------------------------------------

# What every endpoint with a body refuses before it looks at a field.
BODIES = [
    Row("nothing", body=b"", code="not_json"),
    Row("a brace", body="{", code="not_json"),
    Row("two objects", body="{}{}", code="not_json"),
    Row("a comma too many", body='{"name": "hunter2",}', code="not_json"),
    Row("single quotes", body="{'name': 'hunter2'}", code="not_json"),
    Row("a comment", body='{"name": "hunter2" /* no */}', code="not_json"),
    Row("a raw line break", body='{"name": "hunter2\nb"}', code="not_json"),
    Row("not a number", body='{"name": NaN}', code="not_json"),
    Row("infinity", body='{"name": -Infinity}', code="not_json"),
    Row("a number of 5000 digits", body=f'{{"name": {"9" * 5000}}}', code="not_json"),
    Row("a byte order mark", body=b"\xef\xbb\xbf{}", code="not_json"),
    Row("Latin-1", body='{"name": "hunter2é"}'.encode("latin-1"), code="not_json"),
    Row("UTF-16", body='{"name": "hunter2"}'.encode("utf-16"), code="not_json"),
    Row("half a character in bytes", body=b'{"name": "hunter2\xed\xa0\x80"}', code="not_json"),
    Row("an overlong slash", body=b'{"name": "hunter2\xc0\xaf"}', code="not_json"),
    Row("a list", body='["hunter2"]', code="not_an_object"),
    Row("null", body="null", code="not_an_object"),
    Row("a text", body='"hunter2"', code="not_an_object"),
    Row("a number", body="7777777", code="not_an_object"),
    Row("lists nested 8,000 deep", body="[" * 8000, code="too_deep"),
    Row("objects nested 2,000 deep", body='{"a":' * 2000 + "1" + "}" * 2000, code="too_deep"),
    Row("deep behind a text full of quotes", body='["' + '\\"' * 3000 + '",' + "[" * 3000, code="too_deep"),
    Row("a field twice", body='{"name": "hunter2", "name": "b"}', code="duplicate_field"),
    Row("a field twice, once in disguise", body='{"name": "a", "n\\u0061me": "b"}', code="duplicate_field"),
    Row("an empty object", body="{}", code="missing"),
    Row("an unknown field", body='{"hunter2": "admin"}', code="unknown_field"),
    Row("a prototype", body='{"__proto__": {"role": "admin"}}', code="unknown_field"),
    Row("a thousand fields", body=json.dumps({f"x{n}": 1 for n in range(1000)}), code="unknown_field"),
    Row("too long", body=b" " * 16_385, status=413),
    Row("a form", body="name=hunter2", status=415, kind="application/x-www-form-urlencoded"),
    Row("no type", body='{"name": "hunter2"}', status=415, kind=None),
    Row("text", body='{"name": "hunter2"}', status=415, kind="text/plain"),
    Row("nearly JSON", body='{"name": "hunter2"}', status=415, kind="application/jsonp"),
    Row("another charset", body='{"name": "hunter2"}', status=415, kind="application/json; charset=utf-7"),
    Row("compressed", body=b"\x1f\x8b\x08\x00", status=415, headers={"Content-Encoding": "gzip"}),
]

#: Invalid values for each kind of field, and their code.
NO_TEXT = dict.fromkeys(["7", "null", "[]", "{}", "true"], "wrong_type")
NO_TEXT |= dict.fromkeys(['"hunter2\\u0000"', '"hunter2\\ud800"', '"\\udc00\\ud800"'], "not_text")
NO_ROLE = dict.fromkeys(["7", "null", '"hunter2"', '""', '"Admin"'], "invalid")
NO_TRUTH = dict.fromkeys(["0", "1", '"true"', "null", "[]"], "wrong_type")
RULES = {"role": NO_ROLE, "disabled": NO_TRUTH}


def with_bodies() -> Iterator[Row]:
    """Return every broken body, and every field broken in every way, as `everywhere` deals them out."""
    taking = [(one._asdict(), one.body) for one in ENDPOINTS if one.body is not None]
    yield from everywhere([replace(row, **at | {"body": row.body}) for row in BODIES] for at, _ in taking)
    fields = [(at, body, name) for at, body in taking for name in body]
    for rule in (NO_TEXT, NO_ROLE, NO_TRUTH):
        yield from everywhere(
            [
                Row(f"{value} as {name}", **at | {"body": written(body, name, value)}, code=code)
                for value, code in rule.items()
            ]
            for at, body, name in fields
            if RULES.get(name, NO_TEXT) is rule
        )
    for at, body, name in fields:
        if at["method"] != "PATCH":
            others = {key: value for key, value in body.items() if key != name}
            yield Row(f"without {name}", **at | {"body": others}, code="missing")
    for at, body in taking:
        yield Row("a field too many", **at | {"body": body | {"id": "hunter2"}}, code="unknown_field")


def written(body: dict[str, Any], name: str, value: str) -> str:
    """Return a body in JSON, with a piece of JSON for one of its fields."""
    return json.dumps(body | {name: "?"}).replace('"?"', value)


@pytest.mark.parametrize("row", [*with_bodies()], ids=str)
def test_a_hostile_body_is_refused_and_nothing_happens(
    people: Recorded, problem: Any, hashes: list[str], row: Row
) -> None:
    """A problem with the right status and code, no hash computed, no account made or changed."""
    refused(people, row, hashes, problem)


# -- tokens, methods, paths, queries --------------------------------------------------------------------

TOKENS = {
    "no token": {},
    "an empty header": {"Authorization": ""},
    "a password instead": {"Authorization": "Basic bWluYTpwYXNzd29yZA=="},
    "a made-up token": {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJtaW5hIn0."},
    "the token of a session that is over": {"Authorization": "Bearer {ended}"},
    "half a token": {"Authorization": "Bearer hunter2"},
    "two tokens": {"Authorization": "Bearer {access}, Bearer {access}"},
    "an MFA token": {"Authorization": "Bearer {mfa}"},
    "a refresh token": {"Authorization": "Bearer {refresh}"},
}


def with_tokens() -> Iterator[Row]:
    """Return every invalid token, for every endpoint that needs a valid one."""
    yield from everywhere(
        [Row(name, one.method, one.path, one.body, 401, headers=sent) for name, sent in TOKENS.items()]
        for one in ENDPOINTS
        if one.who != "nobody"
    )


@pytest.mark.parametrize("row", [*with_tokens()], ids=str)
def test_a_bad_token_is_401(people: Recorded, problem: Any, hashes: list[str], row: Row) -> None:
    """401 for every endpoint that wants one, before its body is read."""
    refused(people, row, hashes, problem)


METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "HUNTER2"}
OFFERED = {
    path: {one.method for one in ENDPOINTS if one.path == path} for path in {one.path for one in ENDPOINTS}
}
OFFERED |= {path: {"GET"} for path in OPEN}


def with_methods() -> Iterator[Row]:
    """Return the methods that a path lacks."""
    yield from everywhere(
        [
            Row("a method too many", method, path, status=405, who="boss")
            for method in sorted(METHODS - offered)
        ]
        for path, offered in sorted(OFFERED.items())
    )


@pytest.mark.parametrize("row", [*with_methods()], ids=str)
def test_a_method_that_is_not_there_is_405(
    people: Recorded, problem: Any, hashes: list[str], row: Row
) -> None:
    """On every path, and `Allow` says which methods there are."""
    refused(people, row, hashes, problem)


QUERIES = [
    *("limit=0", "limit=101", "limit=-1", "limit=1e1", "limit=%31%30%30%30", "limit=٣", "limit=", "limit= 1"),
    *("limit=%ff", "limit=1%00", "limit=hunter2", "limit=10&limit=10", "hunter2=1", "Limit=10"),
    *("limit[]=10", "limit=0x10", "after=", "after=%00", "after='", "after=1 OR 1=1", "after=" + "9" * 5000),
    *("after=%ed%a0%80", "after=0190000000007000800000000000000", "after=../../etc/passwd"),
    "after=01900000-0000-7000-8000-00000000000A",
]
STATES = ("role=owner", "role=", "role=ADMIN", "state=gone")
ACTIONS = ("action=hunter2-", "action=';--", "action=", "outcome=good")
FILTERS = {
    ACCOUNTS: ["email=hunter2", "email=", "email=a%00@example.org", *STATES],
    AUDIT: ["account_id=hunter2", "actor_id=", *ACTIONS],
}


def with_queries() -> Iterator[Row]:
    """Return queries for impossible pages, and meaningless filters."""
    lists = (ACCOUNTS, SESSIONS, AUDIT)
    yield from everywhere(
        [Row("a query", "GET", f"{it}?{one}", who="boss") for one in QUERIES] for it in lists
    )
    for path, filters in FILTERS.items():
        yield from (Row("a filter", "GET", f"{path}?{one}", who="boss") for one in filters)


@pytest.mark.parametrize("row", [*with_queries()], ids=str)
def test_a_hostile_query_is_refused(people: Recorded, problem: Any, hashes: list[str], row: Row) -> None:
    """An impossible page or a meaningless filter is 400."""
    (error,) = refused(people, row, hashes, problem)["errors"]
    assert error["field"] in (row.path.partition("?")[2].partition("=")[0], "query")


HOSTILE_IDS = ["%00", "%ff%fe", "me%00", "ME", "1", "' OR 1=1", "..%2f..%2fetc", "me/", "9" * 5000, "{mina}0"]
HOSTILE_IDS += ["{{mina}}", "%7Bmina%7D", "me;x=1", "%E2%80%8Bme", "-", "0x1"]
PATHS = [f"{ACCOUNTS}/{one}" for one in HOSTILE_IDS]
PATHS += [f"{SESSIONS}/{one}" for one in HOSTILE_IDS if one != "me/"]
PATHS += ["/v2", "/v2/", "/v2/accounts//me", "//example.com/v2", "/v2/accounts/me/role", "/v3/accounts"]
PATHS += [
    "/swaggerui/..%2f..%2f__init__.py",
    "/swaggerui/%00",
    "/static/x",
    "/.git/config",
    "/.env",
    "/console",
]
PATHS += [
    f"{SESSIONS}/",
    "/v2/auth/login/",
    "/health",
    "/health/live/",
    "/.well-known/",
    "/instance/accounts.sqlite",
]


OLD = ["/v1", "/v1/", "/v1/accounts", "/v1/accounts/1", "/v1/%00", "/v1/../v2/accounts/me"]


def with_paths() -> Iterator[Row]:
    """Return paths that are not there, and those of version 1, which is retired."""
    yield from everywhere(
        [Row("a path", method, path, status=404, who="boss") for path in PATHS]
        for method in ("GET", "DELETE")
    )
    yield from everywhere(
        [Row("version 1", method, path, status=410, who="boss") for path in OLD]
        for method in ("GET", "POST", "DELETE")
    )


@pytest.mark.parametrize("row", [*with_paths()], ids=str)
def test_a_hostile_path_leads_nowhere(people: Recorded, problem: Any, hashes: list[str], row: Row) -> None:
    """No path reaches a database, a file or another host, and none is a redirect."""
    refused(people, row, hashes, problem)


# -- what each endpoint refuses by its own rules --------------------------------------------------------


NO_EMAILS = [
    *("", "hunter2", "@", "hunter2@", "@example.org", "a@b@example.org", "hunter2 @example.org"),
    *("hunter2@exa mple.org", "hunter2@example.org\\r\\nBcc: all@example.org", "hunter2@example.org\\u0007"),
    *("hunter2@-example.org", "hunter2@example..org", "hunter2@.org", "hunter2@example.org."),
    *("<hunter2@example.org>", "hunter2@[127.0.0.1]", "hunter2@exam\\u200bple.org"),
    *("hun\\u202eter2@example.org", "hunter2@exam_ple.org", '\\"hunter2\\"@example.org'),
    *("a" * 65 + "@example.org", "hunter2@" + "a" * 64 + ".org", "hunter2@" + "a." * 140 + "org"),
    *("hunter2@example.org,all@example.org", "hunter2@example.org\\u3000", "hunter2@xn--a.org"),
    *("hunter2\\u00ad@example.org", "hunter2@ex\\u0430mple\\u2024"),
    *("hunter2@example.org\\u3002", "hunter2@example.org\\uff0e", "hunter2\\u3164@example.org"),
    *("hunter2\\ufe0f@example.org",),
]
NO_NAMES = dict.fromkeys(["", "   ", "\\u200b\\u2060", "\\t", "\\u3000"], "blank")
UNSEEN = ["hunt\\ner2", "hunt\\u001b[2Jer2", "hunt\\u2028er2", "hunt\\u0085er2"]
UNSEEN += [
    f"hunt\\u{code}er2" for code in ("200b", "200d", "200c", "202e", "2066", "200f", "061c", "00ad", "feff")
]
UNSEEN += [f"hunt\\u{code}er2" for code in ("3164", "115f", "034f", "2800", "2060", "fff9")]
UNSEEN += ["hunter2\\ufe0f", "\\ufe0f", "\\udb40\\udd00", "\\ufe0f\\ufe0f", "hunter2\\u180b"]
UNSEEN += ["hunter2\\u200d", "\\u200dhunter2", "\\ue000\\u200cx", "\\ud83d\\udc69\\u200d"]
# The first and the last of those that choose a shape for the letter before them.
UNSEEN += [f"hunter2{letter}" for letter in ("\\u180f", "\\ufe00", "\\udb40\\udd00", "\\udb40\\uddef")]
NO_NAMES |= dict.fromkeys(UNSEEN, "control_character") | {"hunter2" * 15: "too_long"}
NO_PASSWORDS = dict.fromkeys(["hunter2", "", "fourteen chars", "\u1100\u1161" * 14], "too_short")
NO_PASSWORDS |= dict.fromkeys(["x" * 129, "x" * 9000, "\ufdfa" * 8], "too_long")
COMMON = ["1234567890qwerty", "1qaz2wsx3edc4rfv", "PasswordPassword", "１２３４５６７８" * 2]
COMMON += [
    "password1234567",
    "1234567password",
    "Sunshine-Football!",
    "iloveyoupassword",
    "qwertyuiopqwertyuiop1",
]
NO_PASSWORDS |= dict.fromkeys(COMMON, "too_common")
NO_PASSWORDS |= dict.fromkeys(["accountsaccounts", "Accounts, accounts!"], "too_easy")
WRONG = "not this one, certainly"


def login(name: str, email: str = "mina@example.com", password: str = WRONG, to: str = "-") -> Row:
    """Return a log-in that fails, with one hash and one row of the audit."""
    body = {"email": email, "password": password}
    return Row(name, path=LOGIN, body=body, status=401, audit=(f"login failed {to} -",), hashes=1)


#: Tokens that were never mailed.
NO_LINKS = {
    "an empty one": "",
    "a made-up one": LINK,
    "an endless one": "x" * 9000,
    "NUL, spelled out": "\\u0000",
}
NO_LINKS |= {"SQL": "' OR '1'='1", "a refresh token": "{refresh}", "digits": "٣" * 43, "a hash": "0" * 64}
LINKS = {
    f"{ACCOUNTS}/verify": ("account.verify", {}),
    f"{ACCOUNTS}/email/confirm": ("email.change", {}),
    "/v2/auth/password/reset": ("password.reset", {"new_password": NEW}),
}
NO_REFRESH = {"nothing": "", "a made-up one": "rt_" + "A" * 70, "an access token": "{access}"}
NO_REFRESH |= {"an MFA token": "{mfa}", "one letter more": "{refresh}A", "padding": "{refresh}="}
NO_REFRESH |= {"without rt_": "AAAA", "twice": "{refresh}{refresh}", "an endless one": "rt_" + "A" * 12_000}
NO_REFRESH |= {"blanks around it": " {refresh} ", "another script": "rt_" + "Ａ" * 70}
NO_REFRESH |= {"SQL": "rt_' OR 1=1 --", "capitals": "RT_AAAA"}
NO_MFA = NO_REFRESH | {
    "a refresh token": "{refresh}",
    "an MFA token": "{mfa}=",
    "a made-up one": "mfa_" + "A" * 75,
}
NO_CODES = {"a wrong one": "", "nothing": " ", "letters": "abcdef", "five": "12345", "seven": "1234567"}
NO_CODES |= {"another script": "１２３４５６", "an endless one": "7" * 9000, "SQL": "' OR 1=1 --"}
NO_CODES |= {"a list": "[1]", "a made-up recovery code": "aaaa-bbbb-cccc-dddd-eeee-ffff"}
NO_CODES |= {"a sign": "+12345", "a float": "1234.5"}
NO_TAGS = {"a stale tag": '"0"', "a weak tag": 'W/"{version}"', "no tag": "hunter2", "half a tag": '"'}
NO_TAGS |= {"none": "", "an endless tag": '"' + "9" * 9000 + '"'}
NO_TAGS |= {"many tags": ", ".join(f'"{n + 900}"' for n in range(900)), "bytes": "\xff\xfe"}
NO_TAGS |= {"a date": "Sat, 21 Nov 2026 12:00:00 GMT", "a star in quotes": '"*"'}


def refusals(at: Row, name: str, values: Mapping[str, str]) -> list[Row]:
    """Return a row for each value of a field, written in JSON, which is refused with its code."""
    assert isinstance(at.body, dict)
    return [
        replace(at, name=f"{one:.30} as {name}", body=written(at.body, name, f'"{one}"'), code=code)
        for one, code in values.items()
    ]


def rules() -> Iterator[Row]:
    """Return what each endpoint refuses by its own rules."""
    new, star = Row("", path=ACCOUNTS, body=ENDPOINTS[1].body), {"If-Match": "*"}
    move = Row("", path=f"{ME}/email", body=KNOWN | {"email": "?"}, who="mina")
    rename = Row("", "PATCH", ME, {"name": "?"}, who="mina", headers=star)
    change = Row("", "PUT", f"{ME}/password", KNOWN | {"new_password": "?"}, who="mina")
    no_emails = dict.fromkeys(NO_EMAILS, "not_an_email")
    yield from everywhere(refusals(at, "email", no_emails) for at in (new, move))
    yield from everywhere(refusals(at, "name", NO_NAMES) for at in (new, rename))
    yield from everywhere(
        [refusals(new, "password", NO_PASSWORDS), refusals(change, "new_password", NO_PASSWORDS)]
    )

    yield login("a wrong password", to="m")
    yield login("a wrong password where there is a second factor", "sora@example.com", to="s")
    yield login("nobody", "nobody@example.org")
    yield login("SQL", "' OR 1=1 --")
    yield login("SQL as the password", password="' OR 1=1 --", to="m")
    yield login("an endless e-mail", "a" * 9000)
    yield login("an endless password", password="x" * 9000, to="m")
    yield login("nothing at all", "", "")
    yield login("the hash itself", password="$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaA", to="m")
    yield login("an e-mail that looks like hers", "mınа@example.com")
    yield login("two addresses", "mina@example.com,juno@example.com")
    yield login("a wildcard", "%@example.com")

    link = Row("", body={"token": "?"}, code="not_valid")
    yield from everywhere(
        [
            replace(link, name=name, path=path, body={"token": one} | more, audit=(f"{action} failed - -",))
            for name, one in NO_LINKS.items()
        ]
        for path, (action, more) in LINKS.items()
    )
    for name, token in NO_REFRESH.items():
        yield Row(name, path="/v2/auth/refresh", body={"refresh_token": token}, status=401)
    for name, token in NO_MFA.items():
        yield Row(name, path=f"{LOGIN}/mfa", body={"mfa_token": token, "code": "000000"}, status=401)
    half = Row(
        "", path=f"{LOGIN}/mfa", body={"mfa_token": "{mfa}"}, status=401, audit=("login.mfa failed s -",)
    )
    off = Row("", "DELETE", MFA, KNOWN, 403, who="sora", hashes=1, audit=("mfa.remove failed s s",))
    anew = replace(off, method="POST", path=f"{MFA}/recovery-codes", audit=("mfa.renew failed s s",))
    gone = replace(off, path=ME, headers=star, audit=("account.delete failed s s",))
    yield replace(gone, name="without a code")
    yield from everywhere(
        [replace(at, name=name, body={**at.body, "code": code}) for name, code in NO_CODES.items()]
        for at in (half, off, gone, anew)
    )

    yield from everywhere(
        [
            Row(name, method, path, body, 412, who=who, headers={"If-Match": tag})
            for name, tag in NO_TAGS.items()
        ]
        + [Row("without If-Match", method, path, body, 428, who=who)]
        for who, path in (("mina", ME), ("mina", f"{ACCOUNTS}/{{mina}}"), ("boss", f"{ACCOUNTS}/{{mina}}"))
        for method, body in (("PATCH", {"name": "이서준"}), ("DELETE", KNOWN))
    )

    for path in (f"{ACCOUNTS}/{{juno}}", f"{ACCOUNTS}/{NOBODY_IS}"):
        yield Row("another account's", "GET", path, status=404, who="mina")
        yield Row("another account's", "PATCH", path, {"name": "이서준"}, 404, who="mina", headers=star)
        yield Row("another account's", "PATCH", path, {"role": "admin"}, 404, who="mina", headers=star)
        yield Row("another account's", "DELETE", path, status=404, who="mina", headers=star)
    yield Row("nobody", "GET", f"{ACCOUNTS}/{NOBODY_IS}", status=404, who="boss")
    yield Row("nobody", "PATCH", f"{ACCOUNTS}/{NOBODY_IS}", {"name": "x"}, 404, who="boss", headers=star)
    yield Row("nobody", "DELETE", f"{ACCOUNTS}/{NOBODY_IS}", status=404, who="boss", headers=star)
    for body in ({"role": "admin"}, {"disabled": False}, {"role": "member", "name": "이서준"}):
        row = Row(f"{body} of one's own", "PATCH", ME, body, 403, who="mina", headers=star)
        yield replace(row, audit=("account.change refused m m",))
    for name, body in {"steps down": {"role": "member"}, "is disabled": {"disabled": True}}.items():
        yield Row(f"the last admin {name}", "PATCH", ME, body, 409, who="boss", headers=star)
    yield Row("the last admin leaves", "DELETE", ME, KNOWN, 409, who="boss", headers=star, hashes=1)
    yield Row("nothing to change", "PATCH", ME, {}, code="missing", who="boss", headers=star)
    for path in (ACCOUNTS, AUDIT):
        for query in ("", "?limit=1", "?limit=hunter2"):
            row = Row(f"a member{query}", "GET", path + query, status=403, who="mina")
            yield replace(row, audit=("access refused - m",))

    yield Row(
        "the session of another account", "DELETE", f"{SESSIONS}/{{other_session}}", status=404, who="mina"
    )
    yield Row("the session of a member", "DELETE", f"{SESSIONS}/{{other_session}}", status=404, who="boss")
    for who in ("mina", "sora"):
        path, audit = f"{ACCOUNTS}/{{juno}}/sessions", (f"access refused - {who[0]}",)
        yield Row("the sessions of another account", "DELETE", path, status=403, who=who, audit=audit)
    yield Row("nobody's sessions", "DELETE", f"{ACCOUNTS}/{NOBODY_IS}/sessions", status=404, who="boss")
    yield Row("an account as a session", "DELETE", f"{SESSIONS}/{{mina}}", status=404, who="mina")
    yield Row("no session", "DELETE", f"{SESSIONS}/{NOBODY_IS}", status=404, who="mina")

    wrong = {"current_password": WRONG}
    for name, endpoint in {
        "password.change": Row("", "PUT", f"{ME}/password", wrong | {"new_password": NEW}),
        "email.request": Row("", "POST", f"{ME}/email", wrong | {"email": "new@example.org"}),
        "mfa.set_up": Row("", "POST", MFA, wrong),
        "account.delete": Row("", "DELETE", ME, wrong, headers=star),
        "mfa.remove": Row("", "DELETE", MFA, wrong | {"code": "000000"}),
        "mfa.renew": Row("", "POST", f"{MFA}/recovery-codes", wrong | {"code": "000000"}),
    }.items():
        for who in ("mina", "sora", "boss"):
            one = f"{name} failed {who[0]} {who[0]}"
            yield replace(endpoint, name="a wrong password", who=who, status=403, audit=(one,), hashes=1)
    yield Row("a second factor where there is one", "POST", MFA, KNOWN, 409, who="sora", hashes=1)
    yield Row(
        "no second factor to remove", "DELETE", MFA, KNOWN | {"code": "000000"}, 409, who="mina", hashes=1
    )
    yield Row("nothing to confirm", "POST", f"{MFA}/confirm", {"code": "000000"}, 409, who="mina")
    yield Row("confirmed already", "POST", f"{MFA}/confirm", {"code": "000000"}, 409, who="sora")


@pytest.mark.parametrize("row", [*rules()], ids=str)
def test_a_hostile_value_is_refused_and_nothing_happens(
    people: Recorded, problem: Any, hashes: list[str], row: Row
) -> None:
    """By the rules of its endpoint: the status, the code, the rows of the audit, and nothing else."""
    refused(people, row, hashes, problem)
