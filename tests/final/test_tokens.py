"""An access token is accepted only if it is ours, complete, and for a session that has not ended."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask_jwt_extended import exceptions as extended
from kit.adapter import SignedUp, Stage, expect

ME = "/v2/accounts/me"
Forge = Callable[..., str]


@pytest.fixture
def account(service: Stage) -> SignedUp:
    """An account that is logged in."""
    return service.sign_up()


@pytest.fixture
def forge(service: Stage, account: SignedUp) -> Forge:
    """Return a token signed with the key of the service, like a real one except for the given fields.

    A claim or a field of the header that is `...` is left out.
    """
    private = signing_key(service).private
    token = account.client.token or ""
    real_header = jwt.get_unverified_header(token)
    real_claims = jwt.decode(token, options={"verify_signature": False})

    def make(key: Any = None, algorithm: str = "ES256", header: Any = None, **claims: Any) -> str:
        merged = {name: value for name, value in (real_claims | claims).items() if value is not ...}
        headers = {name: value for name, value in (real_header | (header or {})).items() if value is not ...}
        parts = [{"alg": algorithm} | headers | {"alg": algorithm}, merged]
        signed = b".".join(_base64(json.dumps(part).encode()) for part in parts)
        if algorithm == "none":
            return signed.decode() + "."
        signer = jwt.get_algorithm_by_name(algorithm)
        return (signed + b"." + _base64(signer.sign(signed, key or private))).decode()

    return make


def signing_key(service: Stage) -> Any:
    """Return the key that the service signs with."""
    with service.app.app_context():
        return service.app.extensions["keys"].signing()


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def ask(service: Stage, authorization: str) -> Any:
    """Ask for the own account with this header."""
    return service.client.get(ME, headers={"Authorization": authorization})


def test_a_token_made_like_a_real_one_is_accepted(service: Stage, forge: Forge) -> None:
    """The tokens in the table below are refused for what they change, not because forging went wrong."""
    expect(ask(service, f"Bearer {forge()}"), 200)


NOW = int(time.time())
HOSTILE: dict[str, dict[str, Any]] = {
    **{
        f"without {claim}": {claim: ...} for claim in ("iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp")
    },
    "without type": {"type": ...},
    "of a log-in that waits for MFA": {"type": "mfa"},
    "to reset a password": {"type": "reset"},
    "a refresh token": {"type": "refresh"},
    "a plain JWT": {"header": {"typ": "JWT"}},
    "without typ": {"header": {"typ": ...}},
    "a logout token": {"header": {"typ": "logout+jwt"}},
    "expired": {"exp": NOW - 1},
    "not valid yet": {"nbf": NOW + 3600},
    "issued in the future": {"iat": NOW + 3600},
    "never ending": {"exp": float("inf")},
    "no number": {"exp": float("nan")},
    "an endless number": {"exp": 10**400},
    "true as a time": {"nbf": True},
    "a time in words": {"exp": "tomorrow"},
    "of another issuer": {"iss": "elsewhere"},
    "for another audience": {"aud": "elsewhere"},
    "for several audiences": {"aud": ["accounts", "elsewhere"]},
    "for an account that is not there": {"sub": "01900000-0000-7000-8000-000000000000"},
    "for a number": {"sub": 7},
    "for a list": {"sub": ["7"]},
    "for an object as session": {"sid": {"id": 7}},
    "of a session that is not there": {"sid": "01900000-0000-7000-8000-000000000000"},
    "for NUL": {"sub": "\0", "sid": "\0"},
    "half a character": {"sid": "\ud800"},
    "of an unknown key": {"header": {"kid": "another"}},
    "of no key": {"header": {"kid": ...}},
    "of a list of keys": {"header": {"kid": ["another"]}},
    "of a file": {"header": {"kid": "../../../dev/null"}},
    "with an unknown critical header": {"header": {"crit": ["new"], "new": True}},
    "not signed": {"algorithm": "none"},
    "signed with another key": {"key": generate_private_key(SECP256R1())},
}


@pytest.mark.parametrize("changes", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_token_is_401(
    service: Stage, problem: Any, account: SignedUp, forge: Forge, changes: Any
) -> None:
    """Signed with our key or not: what is not an access token of a live session is refused (trap 2).

    Even while the token that it imitates is remembered.
    """
    token = forge(**changes)
    expect(account.client.get(ME), 200)

    answer = ask(service, f"Bearer {token}")

    problem(answer, 401)
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert token not in answer.text


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_the_clocks_of_two_machines_may_differ(
    service: Stage, problem: Any, forge: Forge, claim: str
) -> None:
    """By a minute: a token from one that is ahead is valid here at once, and expires when it says."""
    now = int(time.time())
    expect(ask(service, f"Bearer {forge(**{claim: now + 40})}"), 200)
    problem(ask(service, f"Bearer {forge(**{claim: now + 90})}"), 401)


def test_the_public_key_is_no_secret_to_sign_with(service: Stage, problem: Any, forge: Forge) -> None:
    """A token signed by HMAC with the public key is refused."""
    secret = signing_key(service).public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    problem(ask(service, f"Bearer {forge(key=secret, algorithm='HS256')}"), 401)


def test_a_key_that_the_token_brings_along_is_not_read(service: Stage, problem: Any, forge: Forge) -> None:
    """`jwk`, `jku` and `x5u` point to the attacker's key."""
    own = generate_private_key(SECP256R1())
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(own.public_key()))
    header = {"jwk": jwk, "jku": "https://attacker.example/jwks.json", "x5u": "https://attacker.example/x"}

    problem(ask(service, f"Bearer {forge(key=own, header=header)}"), 401)
    problem(ask(service, f"Bearer {forge(key=own, header=header | {'kid': 'attacker'})}"), 401)


DEEP = _base64(b"[" * 50_000).decode()
HALF = _base64(b'{"alg": "ES256", "kid": "\\ud800", "typ": "at+jwt"}').decode()
AUTHORIZATIONS = ["", "Bearer", "Bearer ", "Bearer a", "Bearer a b", "Bearer ..", "Bearer a.b.c", "bearer"]
AUTHORIZATIONS += [
    f"Bearer {HALF}.e30.YQ",
    ", ,a",
    "Basic bWluYTpwdw==",
    "Token x",
    "Bearer a, Bearer b",
    "\x80\xff",
    "Bearer \xff.\xfe.\x80",
]
AUTHORIZATIONS += [
    f"Bearer {'a' * 60_000}",
    f"Bearer {DEEP}.{DEEP}.YQ",
    f"Bearer eyJhbGciOiJFUzI1NiJ9.{DEEP}.YQ",
]


@pytest.mark.parametrize("authorization", AUTHORIZATIONS, ids=range(len(AUTHORIZATIONS)))
def test_a_header_that_is_no_token_is_401(service: Stage, problem: Any, authorization: str) -> None:
    """Nonsense, bytes, a token nested thousands deep: 401, never 422 and never 500 (trap 1)."""
    problem(ask(service, authorization), 401)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_may_be_written_in_any_case(service: Stage, account: SignedUp, scheme: str) -> None:
    """RFC 9110 11.1."""
    expect(ask(service, f"{scheme} {account.client.token}"), 200)


@pytest.mark.parametrize(
    "written", ["Bearer {}, Basic a", "Basic a, Bearer {}", "Bearer  {}", "{}", "Bearer,{}"]
)
def test_the_header_holds_one_token_and_nothing_else(
    service: Stage, problem: Any, account: SignedUp, written: str
) -> None:
    """Flask-JWT-Extended looks for a token among others; a proxy in front may have read another one."""
    problem(ask(service, written.format(account.client.token)), 401)


REFUSALS: dict[str, Exception] = {
    **{
        kind.__name__: kind("said by the extension")
        for kind in (
            *(extended.CSRFError, extended.InvalidHeaderError, extended.InvalidQueryParamError),
            *(extended.JWTDecodeError, extended.NoAuthorizationError, extended.WrongTokenError),
            *(jwt.DecodeError, jwt.InvalidAudienceError, jwt.InvalidIssuerError, jwt.InvalidTokenError),
            *(jwt.ImmatureSignatureError, jwt.InvalidSignatureError, jwt.InvalidAlgorithmError),
        )
    },
    **{
        kind.__name__: kind("said by the extension", {}, {})
        for kind in (
            *(extended.FreshTokenRequired, extended.UserClaimsVerificationError, extended.UserLookupError),
        )
    },
    "RevokedTokenError": extended.RevokedTokenError({}, {}),
    "MissingRequiredClaimError": jwt.MissingRequiredClaimError("sub"),
    "ExpiredSignatureError": jwt.ExpiredSignatureError("said by the extension"),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_every_refusal_of_the_extension_is_ours(service: Stage, problem: Any, refusal: Exception) -> None:
    """401 with `WWW-Authenticate`, as a problem: the extension itself has 401 or 422, and neither."""
    refusal.jwt_header, refusal.jwt_data = {}, {}  # type: ignore[attr-defined]

    def refuse() -> None:
        raise refusal

    service.replace_view(ME, refuse)
    answer = service.client.get(ME)

    problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert "said by the extension" not in answer.text


#: What the environment could say: every variable that begins with FLASK_ is a setting.
LOOSER: dict[str, Any] = {
    "JWT_ALGORITHM": "HS256",
    "JWT_DECODE_ALGORITHMS": ["HS256", "none"],
    "JWT_DECODE_AUDIENCE": None,
    "JWT_DECODE_ISSUER": None,
    "JWT_DECODE_LEEWAY": 10_000,
    "JWT_IDENTITY_CLAIM": "iss",
    "JWT_SECRET_KEY": "known to everybody, as it is here",
}


@pytest.fixture
def loosened(service: Stage) -> None:
    """The service as it starts where the environment says all that."""
    service.app = service.new_app(**LOOSER)


def test_no_setting_of_the_extension_makes_it_looser(
    service: Stage, problem: Any, loosened: None, account: SignedUp, forge: Forge
) -> None:
    """The settings of this service decide, whatever is set beside them."""
    expect(ask(service, f"Bearer {forge()}"), 200)
    for changes in ({"aud": "elsewhere"}, {"iss": "elsewhere"}, {"nbf": NOW + 3600}, {"algorithm": "none"}):
        problem(ask(service, f"Bearer {forge(**changes)}"), 401)
    problem(ask(service, f"Bearer {forge(key=LOOSER['JWT_SECRET_KEY'].encode(), algorithm='HS256')}"), 401)
    token = expect(service.log_in(account.email), 200)["access_token"]
    assert jwt.get_unverified_header(token)["alg"] == "ES256"
    assert jwt.decode(token, options={"verify_signature": False})["sub"] == account.id


# -- a token is worth what its session and its account are (trap 8) --------------------------------

ENDINGS = {
    "the session was ended": "UPDATE sessions SET revoked_at = '2026-01-01 00:00:00'",
    "the session is too old": "UPDATE sessions SET expires_at = '2026-01-01 00:00:00'",
    "the session was deleted": "DELETE FROM sessions",
    "the account was disabled": "UPDATE accounts SET disabled_at = '2026-01-01 00:00:00'",
    "the account was deleted": "DELETE FROM sessions; DELETE FROM accounts",
}


@pytest.mark.parametrize("statements", ENDINGS.values(), ids=ENDINGS)
def test_a_token_ends_with_its_session(
    service: Stage, problem: Any, account: SignedUp, in_database: Any, statements: str
) -> None:
    """From the next request on, though the token itself would be valid for minutes."""
    expect(account.client.get(ME), 200)
    for statement in statements.split(";"):
        in_database(statement)

    problem(account.client.get(ME), 401)


def test_a_lost_role_counts_at_once(service: Stage, problem: Any, in_database: Any) -> None:
    """A former admin may not list accounts, even with a token from before."""
    expect(service.admin.get("/v2/accounts"), 200)
    in_database("UPDATE accounts SET role = 'member'")

    problem(service.admin.get("/v2/accounts"), 403)


def test_a_session_belongs_to_one_account(service: Stage, problem: Any, forge: Forge) -> None:
    """A token that names one account and the session of another is refused."""
    other = service.sign_up()

    problem(ask(service, f"Bearer {forge(sub=other.id)}"), 401)


# -- what is remembered of a token is its signature, and nothing else ------------------------------


def verified(service: Stage) -> Any:
    """Return what the service remembers of the tokens that it has verified."""
    return service.app.extensions["verified_tokens"]


def test_a_signature_is_checked_once(
    service: Stage, account: SignedUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The most expensive step is done for the first request with a token only."""
    verified(service).cache_clear()
    checked: list[str] = []
    real = jwt.decode

    def decode(token: str, *args: Any, **more: Any) -> Any:
        if more["options"].get("verify_signature", True):
            checked.append(token)
        return real(token, *args, **more)

    monkeypatch.setattr(jwt, "decode", decode)

    assert [account.client.get(ME).status_code for _ in range(3)] == [200] * 3
    assert checked == [account.client.token]


def test_a_remembered_token_expires(
    service: Stage, problem: Any, account: SignedUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the second; and on a clock that is more than a minute behind it is not valid yet."""
    claims = jwt.decode(account.client.token or "", options={"verify_signature": False})
    expect(account.client.get(ME), 200)
    clock = service.loaded.package.services.tokens

    def at(seconds: float) -> Any:
        monkeypatch.setattr(clock, "utc_now", lambda: datetime.fromtimestamp(seconds, UTC))
        return account.client.get(ME)

    expect(at(claims["exp"] - 0.5), 200)
    problem(at(claims["exp"]), 401)
    problem(at(claims["nbf"] - 61), 401)


def test_a_remembered_token_ends_with_its_key(
    service: Stage, problem: Any, account: SignedUp, in_database: Any
) -> None:
    """A stolen key is deleted, and tokens signed with it are refused, however often they were accepted."""
    expect(account.client.get(ME), 200)
    result = service.app.test_cli_runner().invoke(args=["keys", "rotate", "--now"])
    assert result.exit_code == 0, result.output

    problem(account.client.get(ME), 401)


def test_another_algorithm_remembers_nothing(service: Stage, problem: Any, account: SignedUp) -> None:
    """A process that signs by another algorithm refuses what this one remembers."""
    expect(account.client.get(ME), 200)
    other = service.another_process(TOKEN_ALGORITHM="EdDSA")

    answer = other.test_client().get(ME, headers={"Authorization": f"Bearer {account.client.token}"})

    assert answer.status_code == 401


def test_a_signature_is_remembered_with_every_letter(service: Stage, problem: Any, account: SignedUp) -> None:
    """A token in another spelling, or with something appended, is not the remembered one."""
    token = account.client.token or ""
    expect(account.client.get(ME), 200)
    content, _, signature = token.rpartition(".")
    other = ("A" if signature[0] != "A" else "B") + signature[1:]

    for changed in (
        f"{content}.",
        f"{content}.{other}",
        f"{token}A",
        f"{token}.",
        f" {token}",
        token.swapcase(),
    ):
        problem(ask(service, f"Bearer {changed}"), 401)


def test_what_is_refused_is_not_remembered(
    service: Stage, problem: Any, account: SignedUp, forge: Forge
) -> None:
    """So no client fills the memory or drives out the tokens in use; valid ones are limited, too."""
    expect(account.client.get(ME), 200)
    before = verified(service).cache_info()
    for number in range(3):
        problem(ask(service, f"Bearer {forge(key=generate_private_key(SECP256R1()), jti=str(number))}"), 401)
    after = verified(service).cache_info()

    assert (before.currsize, after.currsize) == (1, 1)
    assert 0 < after.maxsize <= 10_000


# -- what a token is ------------------------------------------------------------------------------


def test_any_library_can_verify_a_token(service: Stage, account: SignedUp) -> None:
    """With the public key alone; ES256, `at+jwt`, ten minutes, nothing secret in it."""
    token = account.client.token or ""
    header = jwt.get_unverified_header(token)
    public = signing_key(service).public

    claims = jwt.decode(token, public, ["ES256"], audience="accounts", issuer="accounts")

    assert (header["alg"], header["typ"]) == ("ES256", "at+jwt")
    assert claims["exp"] - claims["iat"] == 600
    assert claims["sub"] == account.id
    assert account.email not in str(claims)
    assert "csrf" not in claims
