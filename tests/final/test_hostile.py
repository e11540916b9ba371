"""Hostile requests, a row each: what is sent, what comes back, and that nothing happened.

A row names the request, the answer, and what the audit has of it. What holds for all of them, `refused`
asserts: the database is as it was, no mail waits to be sent, no password was hashed that need not be, the
answer repeats nothing that was sent, and it took little time and memory. So no row can change what the next
one meets, and all of them share one service.
"""

from __future__ import annotations

import json
import re
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import pyotp
import pytest
from kit.adapter import PASSWORD, Client, LoadedStage, Stage, expect
from sqlalchemy import text

JSON = "application/json"
SECONDS, MEMORY = 2, 4 * 1024 * 1024  # that one request may take at the most, and bytes of Python's memory
FREELY = 999_999  # attempts: how they are counted is another file

ME, ACCOUNTS, SESSIONS, AUDIT = "/v2/accounts/me", "/v2/accounts", "/v2/auth/sessions", "/v2/audit"
LOGIN, MFA = "/v2/auth/login", "/v2/auth/mfa"
NOBODY_IS = "01900000-0000-7000-8000-000000000000"


class Endpoint(NamedTuple):
    """A method of a path, who may use it, and a body that it would take."""

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
    Endpoint("DELETE", ME, "mina"),
    Endpoint("GET", f"{ACCOUNTS}/{{mina}}", "mina"),
    Endpoint(
        "PATCH", f"{ACCOUNTS}/{{mina}}", "boss", {"name": "이서준", "role": "member", "disabled": False}
    ),
    Endpoint("DELETE", f"{ACCOUNTS}/{{mina}}", "mina"),
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
    Endpoint("POST", f"{MFA}/confirm", "mina", {"code": "000000"}),
    Endpoint("GET", AUDIT, "boss"),
]
#: What is asked without a token and without a body; nothing can be wrong with it but the method.
OPEN = ["/health/live", "/health/ready", "/version", "/metrics", "/.well-known/jwks.json"]
OPEN += ["/v2/docs", "/v2/openapi.json"]


@dataclass(frozen=True)
class Row:
    """One hostile request. Words in braces stand for ids and tokens.

    ``code`` is what `errors` has to name; ``audit`` the rows that it leaves: the action, its outcome, and to
    whom and by whom, m for Mina, j for Juno, s for Sora, b for the admin, - for nobody. ``hashes`` is the
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


class World:
    """Mina and Juno are members, Sora has a second factor, and there is an admin. All are logged in."""

    def __init__(self, service: Stage) -> None:
        limits = ["ATTEMPTS_PER_ADDRESS", "ATTEMPTS_PER_ACCOUNT", "CODES_PER_ACCOUNT", "MAILS_PER_ACCOUNT"]
        limits += ["REFRESHES_PER_ADDRESS"]
        self.service, self.app = service, service.new_app(**dict.fromkeys(limits, FREELY))
        service.app = self.app
        people = {name: service.sign_up(name, f"{name}@example.com") for name in ("mina", "juno", "sora")}
        self.tokens = {name: one.client.token or "" for name, one in people.items()}
        self.tokens |= {"boss": service.admin.token or "", "nobody": ""}
        self.ids = {one.id: name[0] for name, one in people.items()}
        self.ids |= {expect(self.client("boss").get(ME), 200)["id"]: "b", None: "-"}
        secret = expect(people["sora"].client.post(MFA, json=KNOWN), 200)["secret"]
        expect(people["sora"].client.post(f"{MFA}/confirm", json={"code": pyotp.TOTP(secret).now()}), 200)
        refresh = expect(service.log_in("mina@example.com"), 200)["refresh_token"]
        mfa = expect(service.log_in("sora@example.com"), 200)["mfa_token"]
        ended = Client(self.app, "/v2", service.token("juno@example.com"))
        expect(ended.post("/v2/auth/logout"), 204)
        self.known = {name: one.id for name, one in people.items()}
        self.known |= {"session": self.session_of("mina"), "other_session": self.session_of("juno")}
        self.known |= {
            "refresh": refresh,
            "mfa": mfa,
            "access": self.tokens["mina"],
            "ended": ended.token or "",
        }
        self.seen = self.snapshot()

    def client(self, who: str) -> Client:
        """Return a client that sends what it is told, and nothing more."""
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
        """Return all that the database has, table by table; in the outbox waits all mail there is."""
        with self.app.app_context():
            database = self.app.extensions["sqlalchemy"]
            with database.engine.connect() as connection:
                return {
                    name: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {name} ORDER BY 1"))]  # noqa: S608
                    for name in database.metadata.tables
                }

    def recorded(self, before: dict[str, list[Any]], after: dict[str, list[Any]]) -> tuple[str, ...]:
        """Return what the audit has got in between."""
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
def world(final: LoadedStage, request: pytest.FixtureRequest) -> Iterator[World]:
    """The service that all rows share."""
    on_server = request.config.getoption("--database") == "postgresql"
    service = Stage(final, server=request.getfixturevalue("postgresql") if on_server else None)
    yield World(service)
    service.close()


def refused(world: World, row: Row, hashes: list[str], problem: Any) -> Any:
    """Send a row, and check its answer and that nothing else happened. Returns the body of the answer."""
    hashes.clear()
    windows = world.app.extensions["rate_limits"]
    world.app.extensions["rate_limits"] = type(windows)()  # some rows of the audit are written once a minute
    sent = json.dumps(world.fill(row.body)) if isinstance(row.body, dict) else row.body
    options: dict[str, Any] = {"data": sent, "content_type": row.kind} if sent is not None else {}
    headers = {name: world.fill(value) for name, value in row.headers.items()}
    path, client = world.fill(row.path), world.client(row.who)
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
    before, world.seen = world.seen, world.snapshot()
    assert world.recorded(before, world.seen) == row.audit
    assert {**world.seen, "audit_events": []} == {**before, "audit_events": []}
    assert took < SECONDS and peak < MEMORY, (took, peak)
    return body


#: What a message may say though it was sent: the names of fields and of what they can be.
OURS = {name for endpoint in ENDPOINTS for name in endpoint.body or ()}
OURS |= {
    "member",
    "admin",
    "Bearer",
    "accounts",
    "gzip",
    "account_id",
    "actor_id",
    "action",
    "outcome",
    "disabled",
}


def echoed(sent: str, answer: Any) -> set[str]:
    """Return what of the request stands in its answer."""
    back = answer.text + str(answer.headers)
    return {word for word in re.findall(r"[\w@.+-]{6,}", sent) if word not in OURS and word in back}


def _text(sent: str | bytes | None) -> str:
    return sent.decode("utf-8", "replace") if isinstance(sent, bytes) else sent or ""


def test_every_endpoint_is_in_the_table(world: World) -> None:
    """What `flask routes` prints of version 2, every method of every path."""
    rules = [rule for rule in world.app.url_map.iter_rules() if rule.endpoint.startswith("v2.")]
    served = {
        (method, re.sub(r"<\w+:(\w+)_id>", r"{\1}", rule.rule))
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    known = {(one.method, one.path.replace("{mina}", "{account}")) for one in ENDPOINTS}

    assert served == known | {("GET", path) for path in OPEN if path.startswith("/v2")} | {("GET", "/v2/")}


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

#: What no field of a kind can be, and the code of it.
NO_TEXT = {
    "7": "wrong_type",
    "null": "wrong_type",
    "[]": "wrong_type",
    "{}": "wrong_type",
    "true": "wrong_type",
}
NO_TEXT |= {'"hunter2\\u0000"': "not_text", '"hunter2\\ud800"': "not_text", '"\\udc00\\ud800"': "not_text"}
NO_ROLE = {"7": "invalid", "null": "invalid", '"hunter2"': "invalid", '""': "invalid", '"Admin"': "invalid"}
NO_TRUTH = {
    "0": "wrong_type",
    "1": "wrong_type",
    '"true"': "wrong_type",
    "null": "wrong_type",
    "[]": "wrong_type",
}
FAULTS = {"role": NO_ROLE, "disabled": NO_TRUTH}


def with_bodies() -> Iterator[Row]:
    """Return every broken body, and every field broken in every way, for every endpoint that takes one."""
    for endpoint in ENDPOINTS:
        if endpoint.body is None:
            continue
        at = {"method": endpoint.method, "path": endpoint.path, "who": endpoint.who}
        for row in BODIES:
            yield replace(row, **at)
        for name in endpoint.body:
            others = {key: value for key, value in endpoint.body.items() if key != name}
            if endpoint.method != "PATCH":
                yield Row(f"without {name}", body=others, code="missing", **at)
            for value, code in FAULTS.get(name, NO_TEXT).items():
                whole = json.dumps(others)[:-1] + (", " if others else "") + f'"{name}": {value}}}'
                yield Row(f"{value} as {name}", body=whole, code=code, **at)
        yield Row("a field too many", body=endpoint.body | {"id": "hunter2"}, code="unknown_field", **at)


@pytest.mark.parametrize("row", [*with_bodies()], ids=str)
def test_a_hostile_body_is_refused_and_nothing_happens(
    world: World, problem: Any, hashes: list[str], row: Row
) -> None:
    """A problem with the right status and code, no hash computed, no account made or changed."""
    refused(world, row, hashes, problem)


# -- tokens, methods, paths, queries --------------------------------------------------------------------

TOKENS = {
    "no token": {},
    "an empty header": {"Authorization": ""},
    "a password instead": {"Authorization": "Basic bWluYTpwYXNzd29yZA=="},
    "a made-up token": {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJtaW5hIn0."},
    "half a token": {"Authorization": "Bearer hunter2"},
    "a refresh token": {"Authorization": "Bearer {refresh}"},
    "an MFA token": {"Authorization": "Bearer {mfa}"},
    "the token of a session that is over": {"Authorization": "Bearer {ended}"},
    "two tokens": {"Authorization": "Bearer {access}, Bearer {access}"},
}


@pytest.mark.parametrize(
    "row",
    [
        Row(name, one.method, one.path, one.body, 401, headers=headers)
        for one in ENDPOINTS
        if one.who != "nobody"
        for name, headers in TOKENS.items()
    ],
    ids=str,
)
def test_without_a_good_token_there_is_no_way_in(
    world: World, problem: Any, hashes: list[str], row: Row
) -> None:
    """401 for every endpoint that wants one, before its body is looked at."""
    refused(world, row, hashes, problem)


METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "HUNTER2"}
OFFERED = {
    path: {one.method for one in ENDPOINTS if one.path == path} for path in {one.path for one in ENDPOINTS}
}
OFFERED |= {path: {"GET"} for path in OPEN}


@pytest.mark.parametrize(
    "row",
    [
        Row("a method too many", method, path, status=405, who="boss")
        for path, offered in sorted(OFFERED.items())
        for method in sorted(METHODS - offered)
    ],
    ids=str,
)
def test_a_method_that_is_not_there_is_405(world: World, problem: Any, hashes: list[str], row: Row) -> None:
    """On every path, for everybody, and `Allow` says which there are."""
    refused(world, row, hashes, problem)


LISTS = (ACCOUNTS, SESSIONS, AUDIT)
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
    "limit=hunter2",
    "limit=10&limit=10",
    "hunter2=1",
    "Limit=10",
    "limit[]=10",
    "limit=0x10",
]
QUERIES += ["after=", "after=%00", "after='", "after=1 OR 1=1", "after=" + "9" * 5000, "after=%ed%a0%80"]
QUERIES += [
    "after=0190000000007000800000000000000",
    "after=../../etc/passwd",
    "after=01900000-0000-7000-8000-00000000000A",
]
FILTERS = {
    ACCOUNTS: [
        "email=hunter2",
        "email=",
        "email=a%00@example.org",
        "role=owner",
        "role=",
        "role=ADMIN",
        "state=gone",
    ],
    AUDIT: ["account_id=hunter2", "actor_id=", "action=hunter2-", "action=';--", "action=", "outcome=good"],
    SESSIONS: [],
}


@pytest.mark.parametrize(
    "row",
    [
        Row("a query", "GET", f"{path}?{query}", who="boss")
        for path in LISTS
        for query in QUERIES + FILTERS[path]
    ],
    ids=str,
)
def test_a_hostile_query_is_refused(world: World, problem: Any, hashes: list[str], row: Row) -> None:
    """A page that cannot be, or a filter that means nothing, is 400."""
    assert refused(world, row, hashes, problem)["errors"]


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
PATHS += ["/v2/auth/login/", "/health", "/health/live/", "/.well-known/", "/instance/accounts.sqlite"]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:40])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_hostile_path_is_404(world: World, problem: Any, hashes: list[str], method: str, path: str) -> None:
    """No path reaches a database, a file or another host, and none is a redirect."""
    status = 405 if method == "DELETE" and path == "/v2/" else 404  # where RESTX would have its page
    refused(world, Row("a path", method, path, status=status, who="boss"), hashes, problem)


OLD = ["/v1", "/v1/", "/v1/accounts", "/v1/accounts/1", "/v1/%00", "/v1/../v2/accounts/me"]


@pytest.mark.parametrize("path", OLD)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_version_1_is_over(world: World, problem: Any, hashes: list[str], method: str, path: str) -> None:
    """410, whatever is asked of it and by whom."""
    refused(world, Row("version 1", method, path, status=410, who="boss"), hashes, problem)


# -- what each endpoint refuses by its own rules --------------------------------------------------------


def sign_up(what: str, code: str, **changes: str) -> Row:
    """Return a sign-up that is refused, with pieces of JSON in place of good fields."""
    fields = {"email": '"new@example.org"', "name": '"김미나"', "password": f'"{PASSWORD}"'} | changes
    body = ", ".join(f'"{name}": {value}' for name, value in fields.items())
    return Row(what, path=ACCOUNTS, body=f"{{{body}}}", code=code)


NO_EMAILS = [
    *("", "hunter2", "@", "hunter2@", "@example.org", "a@b@example.org", "hunter2 @example.org"),
    *("hunter2@exa mple.org", "hunter2@example.org\\r\\nBcc: all@example.org", "hunter2@example.org\\u0007"),
    *("hunter2@-example.org", "hunter2@example..org", "hunter2@.org", "hunter2@example.org."),
    *(
        "<hunter2@example.org>",
        "hunter2@[127.0.0.1]",
        "hunter2@exam\\u200bple.org",
        "hun\\u202eter2@example.org",
    ),
    *("a" * 65 + "@example.org", "hunter2@" + "a" * 64 + ".org", "hunter2@" + "a." * 140 + "org"),
    *("hunter2@example.org,all@example.org", '\\"hunter2\\"@example.org', "hunter2@exam_ple.org"),
    *(
        "hunter2@example.org\\u3000",
        "hunter2@xn--a.org",
        "hunter2\\u00ad@example.org",
        "hunter2@ex\\u0430mple\\u2024",
    ),
]
NO_NAMES = {
    **dict.fromkeys(["", "   ", "\\u200b\\u2060", "\\t", "\\u3000"], "blank"),
    **dict.fromkeys(
        ["hunt\\ner2", "hunt\\u001b[2Jer2", "hunt\\u2028er2", "hunt\\u0085er2"], "control_character"
    ),
    "hunter2" * 15: "too_long",
}
NO_PASSWORDS = {
    **dict.fromkeys(["hunter2", "", "fourteen chars", "\u1100\u1161" * 14], "too_short"),
    **dict.fromkeys(["x" * 129, "x" * 9000, "\ufdfa" * 8], "too_long"),
    **dict.fromkeys(
        ["1234567890qwerty", "1qaz2wsx3edc4rfv", "PasswordPassword", "１２３４５６７８" * 2], "too_common"
    ),
    **dict.fromkeys(["accountsaccounts", "Accounts, accounts!"], "too_easy"),
}
WRONG = "not this one, certainly"


def login(name: str, email: str = "mina@example.com", password: str = WRONG, to: str = "-") -> Row:
    """Return a log-in that fails, with one hash and one row of the audit."""
    body = {"email": email, "password": password}
    return Row(name, path=LOGIN, body=body, status=401, audit=(f"login failed {to} -",), hashes=1)


#: No token that was mailed.
NO_LINKS = {
    "an empty one": "",
    "a made-up one": LINK,
    "an endless one": "x" * 9000,
    "NUL, spelled out": "\\u0000",
}
NO_LINKS |= {"SQL": "' OR '1'='1", "a refresh token": "{refresh}", "digits": "٣" * 43, "a hash": "0" * 64}
LINKS = {f"{ACCOUNTS}/verify": "account.verify", f"{ACCOUNTS}/email/confirm": "email.change"}
LINKS |= {"/v2/auth/password/reset": "password.reset"}
NO_REFRESH = {
    **{
        "nothing": "",
        "a made-up one": "rt_" + "A" * 70,
        "an access token": "{access}",
        "an MFA token": "{mfa}",
    },
    **{
        "one letter more": "{refresh}A",
        "padding": "{refresh}=",
        "without rt_": "AAAA",
        "twice": "{refresh}{refresh}",
    },
    **{
        "an endless one": "rt_" + "A" * 12_000,
        "blanks around it": " {refresh} ",
        "another script": "rt_" + "Ａ" * 70,
    },
    **{"SQL": "rt_' OR 1=1 --", "capitals": "RT_AAAA"},
}
NO_MFA = {
    **NO_REFRESH,
    "a refresh token": "{refresh}",
    "an MFA token": "{mfa}=",
    "a made-up one": "mfa_" + "A" * 75,
}
NO_CODES = {"a wrong one": "", "nothing": " ", "letters": "abcdef", "five": "12345", "seven": "1234567"}
NO_CODES |= {
    "another script": "１２３４５６",
    "an endless one": "7" * 9000,
    "SQL": "' OR 1=1 --",
    "a list": "[1]",
}
NO_CODES |= {
    "a made-up recovery code": "aaaa-bbbb-cccc-dddd-eeee-ffff",
    "a sign": "+12345",
    "a float": "1234.5",
}

NO_TAGS = {
    "a stale tag": '"0"',
    "a weak tag": 'W/"{version}"',
    "no tag": "hunter2",
    "half a tag": '"',
    "none": "",
}
NO_TAGS |= {
    "an endless tag": '"' + "9" * 9000 + '"',
    "many tags": ", ".join(f'"{n + 900}"' for n in range(900)),
}
NO_TAGS |= {"bytes": "\xff\xfe", "a date": "Sat, 21 Nov 2026 12:00:00 GMT", "a star in quotes": '"*"'}


def rules() -> Iterator[Row]:
    """Return what each endpoint refuses by its own rules."""
    for email in NO_EMAILS:
        yield sign_up(f"the e-mail {email:.30}", "not_an_email", email=f'"{email}"')
        body = f'{{"email": "{email}", "current_password": "{PASSWORD}"}}'
        yield Row(f"{email:.30}", path=f"{ME}/email", who="mina", body=body, code="not_an_email")
    for name, code in NO_NAMES.items():
        yield sign_up(f"the name {name:.20}", code, name=f'"{name}"')
        tag = {"If-Match": "*"}
        yield Row(f"{name:.20}", "PATCH", ME, f'{{"name": "{name}"}}', code=code, who="mina", headers=tag)
    for password, code in NO_PASSWORDS.items():
        yield sign_up(f"the password {password:.20}", code, password=f'"{password}"')
        body = KNOWN | {"new_password": password}
        yield Row(f"{password:.20}", "PUT", f"{ME}/password", body, code=code, who="mina")

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

    for path, action in LINKS.items():
        more = {"new_password": NEW} if "reset" in path else {}
        for name, link in NO_LINKS.items():
            body = {"token": link, **more}
            yield Row(name, path=path, body=body, code="not_valid", audit=(f"{action} failed - -",))
    for name, token in NO_REFRESH.items():
        yield Row(name, path="/v2/auth/refresh", body={"refresh_token": token}, status=401)
    for name, token in NO_MFA.items():
        yield Row(name, path=f"{LOGIN}/mfa", body={"mfa_token": token, "code": "000000"}, status=401)
    for name, code in NO_CODES.items():
        half = {"mfa_token": "{mfa}", "code": code}
        yield Row(
            f"code: {name}", path=f"{LOGIN}/mfa", body=half, status=401, audit=("login.mfa failed s -",)
        )
        off = Row(f"code: {name}", "DELETE", MFA, KNOWN | {"code": code}, 403, who="sora", hashes=1)
        yield replace(off, audit=("mfa.remove failed s s",))

    for who, path in (("mina", ME), ("mina", f"{ACCOUNTS}/{{mina}}"), ("boss", f"{ACCOUNTS}/{{mina}}")):
        for method, change in (("PATCH", {"name": "이서준"}), ("DELETE", None)):
            yield Row("without If-Match", method, path, change, 428, who=who)
            for name, tag in NO_TAGS.items():
                yield Row(name, method, path, change, 412, who=who, headers={"If-Match": tag})

    star, hers = {"If-Match": "*"}, {"mina": "m", "sora": "s", "boss": "b"}
    for path in (f"{ACCOUNTS}/{{juno}}", f"{ACCOUNTS}/{NOBODY_IS}"):
        yield Row("somebody else's", "GET", path, status=404, who="mina")
        yield Row("somebody else's", "PATCH", path, {"name": "이서준"}, 404, who="mina", headers=star)
        yield Row("somebody else's", "PATCH", path, {"role": "admin"}, 404, who="mina", headers=star)
        yield Row("somebody else's", "DELETE", path, status=404, who="mina", headers=star)
    yield Row("nobody", "GET", f"{ACCOUNTS}/{NOBODY_IS}", status=404, who="boss")
    yield Row("nobody", "PATCH", f"{ACCOUNTS}/{NOBODY_IS}", {"name": "x"}, 404, who="boss", headers=star)
    yield Row("nobody", "DELETE", f"{ACCOUNTS}/{NOBODY_IS}", status=404, who="boss", headers=star)
    for change in ({"role": "admin"}, {"disabled": False}, {"role": "member", "name": "이서준"}):
        row = Row(f"{change} of one's own", "PATCH", ME, change, 403, who="mina", headers=star)
        yield replace(row, audit=("account.change refused m m",))
    for name, change in {"steps down": {"role": "member"}, "is disabled": {"disabled": True}}.items():
        yield Row(f"the last admin {name}", "PATCH", ME, change, 409, who="boss", headers=star)
    yield Row("the last admin leaves", "DELETE", ME, status=409, who="boss", headers=star)
    yield Row("nothing to change", "PATCH", ME, {}, code="missing", who="boss", headers=star)
    for path in (ACCOUNTS, AUDIT):
        for query in ("", "?limit=1", "?limit=hunter2"):
            row = Row(f"a member{query}", "GET", path + query, status=403, who="mina")
            yield replace(row, audit=("access refused - m",))

    yield Row(
        "the session of somebody else", "DELETE", f"{SESSIONS}/{{other_session}}", status=404, who="mina"
    )
    yield Row("the session of a member", "DELETE", f"{SESSIONS}/{{other_session}}", status=404, who="boss")
    yield Row("an account as a session", "DELETE", f"{SESSIONS}/{{mina}}", status=404, who="mina")
    yield Row("no session", "DELETE", f"{SESSIONS}/{NOBODY_IS}", status=404, who="mina")

    wrong = {"current_password": WRONG}
    for name, endpoint in {
        "password.change": Row("", "PUT", f"{ME}/password", wrong | {"new_password": NEW}),
        "email.request": Row("", "POST", f"{ME}/email", wrong | {"email": "new@example.org"}),
        "mfa.set_up": Row("", "POST", MFA, wrong),
        "mfa.remove": Row("", "DELETE", MFA, wrong | {"code": "000000"}),
    }.items():
        for who in ("mina", "sora", "boss"):
            one = f"{name} failed {hers[who]} {hers[who]}"
            yield replace(endpoint, name="a wrong password", who=who, status=403, audit=(one,), hashes=1)
    yield Row("a second factor where there is one", "POST", MFA, KNOWN, 409, who="sora", hashes=1)
    yield Row(
        "no second factor to remove", "DELETE", MFA, KNOWN | {"code": "000000"}, 409, who="mina", hashes=1
    )
    yield Row("nothing to confirm", "POST", f"{MFA}/confirm", {"code": "000000"}, 409, who="mina")
    yield Row("confirmed already", "POST", f"{MFA}/confirm", {"code": "000000"}, 409, who="sora")


@pytest.mark.parametrize("row", [*rules()], ids=str)
def test_a_hostile_value_is_refused_and_nothing_happens(
    world: World, problem: Any, hashes: list[str], row: Row
) -> None:
    """By the rules of its endpoint: the status, the code, the rows of the audit, and nothing else."""
    refused(world, row, hashes, problem)
