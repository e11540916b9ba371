"""The keys that sign access tokens: one set for all processes, announced before they sign, sealed."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from kit.adapter import PASSWORD, Client, Stage, expect

JWKS, ME = "/.well-known/jwks.json", "/v2/accounts/me"


class Times:
    """The clocks of the service, moved by the test: wall time and monotonic time."""

    def __init__(self, service: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = timedelta(0)
        real, monotonic = datetime.now, time.monotonic
        services = service.loaded.package.services
        for module in (services.keys, services.tokens, services.auth, services.refresh):
            monkeypatch.setattr(module, "utc_now", lambda: real(UTC) + self.ahead)

        class Moved(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
                return cls.fromtimestamp((real(UTC) + moved.ahead).timestamp(), tz)

        moved = self
        for clock in ("flask_jwt_extended.tokens.datetime", "jwt.api_jwt.datetime"):
            monkeypatch.setattr(clock, Moved)
        measured = SimpleNamespace(monotonic=lambda: monotonic() + max(0.0, self.ahead.total_seconds()))
        monkeypatch.setattr(services.keys, "time", measured)

    def forward(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@pytest.fixture
def times(service: Stage, monkeypatch: pytest.MonkeyPatch) -> Times:
    """The clocks of the service."""
    return Times(service, monkeypatch)


def keys_of(app: Any) -> list[dict[str, str]]:
    """Return the published JWKS."""
    answer = app.test_client().get(JWKS)
    assert answer.status_code == 200, answer.text
    return list(json.loads(answer.data)["keys"])


def kid_of(token: str | None) -> str:
    """Return the name of the key that signed a token."""
    return str(jwt.get_unverified_header(token or "")["kid"])


def run(app: Any, *command: str) -> str:
    """Run `flask keys ...`, which has to succeed, and return what it printed."""
    result = app.test_cli_runner().invoke(args=["keys", *command])
    assert result.exit_code == 0, result.output
    return str(result.output)


def test_the_jwks_is_enough_to_check_a_token(service: Stage) -> None:
    """Any library checks a token with it; it contains nothing private, and says how long to cache it."""
    account = service.sign_up()

    answer = service.client.get(JWKS)

    (key,) = expect_jwks(answer)
    assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    found = jwt.PyJWKSet.from_dict({"keys": [key]})[kid_of(account.client.token)]
    claims = jwt.decode(account.client.token or "", found, ["ES256"], audience="accounts", issuer="accounts")
    assert claims["sub"] == account.id
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    members = '{{"crv":"{crv}","kty":"{kty}","x":"{x}","y":"{y}"}}'.format(**key)  # RFC 7638, section 3
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(members.encode()).digest()).rstrip(b"=")
    assert key["kid"] == thumbprint.decode()


def expect_jwks(answer: Any) -> list[dict[str, str]]:
    """Return the keys of a response, which must be a JWKS."""
    assert (answer.status_code, answer.content_type) == (200, "application/jwk-set+json")
    return list(json.loads(answer.data)["keys"])


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_every_algorithm_signs_and_is_published(service: Stage, algorithm: str) -> None:
    """One at a time, by configuration; a public key has no private members."""
    app = service.another_process(TOKEN_ALGORITHM=algorithm)
    account = service.sign_up()
    token = expect(log_in(app, account.email), 200)["access_token"]

    expect(Client(app, token=token).get(ME), 200)
    keys = {key["kid"]: key for key in keys_of(app)}
    key = keys[kid_of(token)]
    assert key["alg"] == algorithm
    assert not set("dpq") & set(key) and not {"dp", "dq", "qi"} & set(key)
    jwt.decode(token, jwt.PyJWK(key), [algorithm], audience="accounts")
    assert Client(app, token=account.client.token).get(ME).status_code == (
        200 if algorithm == "ES256" else 401
    )


def log_in(app: Any, email: str) -> Any:
    """Log in on this process."""
    return Client(app).post("/v2/auth/login", json={"email": email, "password": PASSWORD})


def test_an_unknown_algorithm_stops_the_start(service: Stage) -> None:
    """One line at the start, not an error at the first log-in; `none` and HMAC cannot be chosen."""
    for algorithm in ("none", "HS256", "es256"):
        with pytest.raises(SystemExit, match="TOKEN_ALGORITHM has to be one of"):
            service.new_app(TOKEN_ALGORITHM=algorithm)


def test_workers_that_start_together_agree_on_one_key(service: Stage, at_once: Any) -> None:
    """Eight processes on an empty table: one of them makes the key, and all sign with it."""
    apps = [service.another_process() for _ in range(8)]

    found = at_once(8, lambda number: [key["kid"] for key in keys_of(apps[number])])

    assert found == [found[0]] * 8 and len(found[0]) == 1


def test_a_new_key_is_announced_before_it_signs(service: Stage, times: Times) -> None:
    """A client that caches the JWKS as long as allowed never gets a token with an unknown key."""
    other = service.another_process()
    account = service.sign_up()
    old = kid_of(account.client.token)
    expect(log_in(other, account.email), 200)
    lead = service.loaded.package.services.keys.LEAD.total_seconds()
    kept = keys_of(other)  # by a verifier, from a process that does not know of the rotation yet

    run(service.app, "rotate")
    assert lead > 300 + 10
    times.forward(300 + 10)  # the verifier may have cached it that long, and the process that long before
    token = expect(log_in(other, account.email), 200)["access_token"]

    assert kid_of(token) == old and old in {key["kid"] for key in kept}
    assert len(keys_of(other)) == 2
    times.forward(lead - 300 - 10 + 1)
    new = expect(log_in(other, account.email), 200)["access_token"]
    assert kid_of(new) != old
    with service.app.app_context():
        assert service.app.extensions["keys"].find(kid_of(new)) and service.app.extensions["keys"].find(old)


def test_an_old_key_checks_until_its_last_token_has_ended(service: Stage, times: Times) -> None:
    """Its tokens go on for their ten minutes; then it is gone from the JWKS."""
    account = service.sign_up()
    first = keys_of(service.app)[0]["kid"]
    run(service.app, "rotate")
    lead = service.loaded.package.services.keys.LEAD.total_seconds()

    times.forward(lead - 1)
    last = expect(service.log_in(account.email), 200)["access_token"]
    assert kid_of(last) == first
    times.forward(590)
    assert first in {key["kid"] for key in keys_of(service.app)}
    times.forward(80)

    assert [key["kid"] for key in keys_of(service.app)] == [kid_of(service.token(account.email))]
    assert kid_of(service.token(account.email)) != first


def test_a_key_that_another_process_made_is_found_at_once(service: Stage, problem: Any) -> None:
    """An unknown key id is looked up at most once a second: attackers can make up as many as they like."""
    other = service.another_process()
    account = service.sign_up()
    expect(Client(other, token=account.client.token).get(ME), 200)
    run(service.app, "rotate", "--now")
    keys = other.extensions["keys"]
    keys._read_at -= 2  # seconds ago
    reads: list[int] = []
    original = keys._read
    keys._read = lambda: (reads.append(1), original())

    expect(Client(other, token=service.token(account.email)).get(ME), 200)
    assert len(reads) == 1
    with other.app_context():
        assert [keys.find(f"made up {number}") for number in range(1000)] == [None] * 1000
    assert len(reads) == 1
    problem(Client(other, token=account.client.token).get(ME), 401)  # signed with the stolen key


def test_rotating_twice_at_once_makes_one_key(service: Stage, at_once: Any) -> None:
    """Two operators, or a timer on two machines: the second finds it done."""
    apps = [service.another_process() for _ in range(4)]
    for app in apps:
        keys_of(app)

    at_once(4, lambda number: make(apps[number]))

    assert len(keys_of(service.another_process())) == 2


def make(app: Any) -> None:
    with app.app_context():
        app.extensions["keys"].make()


def test_the_table_alone_signs_nothing(service: Stage, in_database: Any) -> None:
    """The private half is sealed, and a row copied from another key does not open."""
    service.sign_up()
    service.client.get(JWKS)
    (sealed,) = in_database("SELECT private_key FROM signing_keys")[0]
    assert b"PRIVATE" not in bytes(sealed)
    sealing = service.loaded.package.services.sealing
    key = sealing.derive(service.app.config["SECRET_KEY"], "signing keys")
    (kid,) = in_database("SELECT kid FROM signing_keys")[0]

    assert sealing.unseal(key, bytes(sealed), kid) is not None
    assert sealing.unseal(key, bytes(sealed), "another") is None
    assert sealing.unseal(key, bytes(sealed)[:-1], kid) is None
    assert sealing.unseal(key, b"", kid) is None
    assert sealing.unseal(sealing.derive("another secret", "signing keys"), bytes(sealed), kid) is None
    assert sealing.derive("one", "signing keys") != sealing.derive("one", "refresh tokens")


def test_a_changed_secret_is_one_clear_line(service: Stage, problem: Any, log: Any) -> None:
    """Not ready; the log and the command say why, and `rotate --now` repairs it."""
    account = service.sign_up()
    changed = service.another_process(SECRET_KEY="another secret, which is not in use yet")

    problem(changed.test_client().get("/health/ready"), 503)
    problem(log_in(changed, account.email), 503)
    assert "sealed under another SECRET_KEY" in log.text and "Traceback" not in log.text
    for command in (["list"], ["rotate"]):
        result = changed.test_cli_runner().invoke(args=["keys", *command])
        assert result.exit_code == 1 and result.output.count("\n") == 1, result.output
        assert "another SECRET_KEY" in result.output

    run(changed, "rotate", "--now")
    expect(changed.test_client().get("/health/ready"), 200)
    expect(log_in(changed, account.email), 200)


def test_keys_are_listed_by_what_they_do(service: Stage, times: Times) -> None:
    """One line each: retiring, signing, announced."""
    assert [line.split()[2] for line in run(service.app, "list").splitlines()] == ["signs"]
    run(service.app, "rotate")
    assert [line.split()[2] for line in run(service.app, "list").splitlines()] == ["signs", "announced"]
    times.forward(400)
    assert [line.split()[2] for line in run(service.app, "list").splitlines()] == ["retiring", "signs"]


def test_a_clock_that_is_set_back_signs_all_the_same(service: Stage, times: Times) -> None:
    """An hour back, before the only key was made: logging in, refreshing and the JWKS go on."""
    account = service.sign_up()
    grant = expect(service.log_in(account.email), 200)
    times.forward(-3600)
    service.app.extensions["keys"]._read_at = float("-inf")

    again = expect(
        service.client.post("/v2/auth/refresh", json={"refresh_token": grant["refresh_token"]}), 200
    )

    assert kid_of(again["access_token"]) == kid_of(grant["access_token"])
    expect(service.log_in(account.email), 200)
    assert len(keys_of(service.app)) == 1


CHECK = """
const [jwksText, token] = process.argv.slice(2);
const [header, body, signature] = token.split(".");
const decode = (part) => JSON.parse(Buffer.from(part, "base64url"));
const { kid, alg } = decode(header);
const jwk = JSON.parse(jwksText).keys.find((key) => key.kid === kid);
const kinds = {
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  EdDSA: { name: "Ed25519" },
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
};
const { subtle } = require("node:crypto").webcrypto;
(async () => {
  const key = await subtle.importKey("jwk", { ...jwk, alg: undefined }, kinds[alg], false, ["verify"]);
  const signed = Buffer.from(`${header}.${body}`);
  const good = await subtle.verify(kinds[alg], key, Buffer.from(signature, "base64url"), signed);
  const other = await subtle.verify(kinds[alg], key, Buffer.from(signature, "base64url"), Buffer.from("x"));
  console.log(JSON.stringify({ good, other, sub: decode(body).sub }));
})();
"""


@pytest.mark.skipif(
    shutil.which("node") is None, reason="no Node.js: install it to check tokens in JavaScript"
)
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_another_language_checks_a_token_by_the_jwks_alone(
    service: Stage, tmp_path: Path, algorithm: str
) -> None:
    """The Web Crypto of Node.js, which every browser has too, and no library of ours."""
    script = tmp_path / "check.cjs"
    script.write_text(CHECK, encoding="utf-8")
    app = service.another_process(TOKEN_ALGORITHM=algorithm)
    account = service.sign_up()
    token = expect(log_in(app, account.email), 200)["access_token"]
    jwks = app.test_client().get(JWKS).text

    done = subprocess.run(["node", script, jwks, token], capture_output=True, text=True, timeout=60)

    assert done.stdout, done.stderr
    assert json.loads(done.stdout) == {"good": True, "other": False, "sub": account.id}
