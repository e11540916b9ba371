"""Access tokens: Flask-JWT-Extended as in the chapters, made strict (RFC 9068, RFC 8725). Chapters 2 and 3.

The extension takes any JWT that was signed with its key, and fills in what is missing (trap 2). Its loaders,
below, demand everything first. What depends on the moment is asked of every token on every request.
"""

from __future__ import annotations

import sys
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from flask import Flask, current_app
from flask_jwt_extended import JWTManager, create_access_token
from jwt import InvalidTokenError, get_unverified_header

from ..models.columns import is_id, utc_now
from . import keys
from .algorithms import GENERATE, PrivateKey, PublicKey

TYPE = "at+jwt"  # the `typ` of an access token, so that no other token can pass for one (RFC 9068 2.1)
CLAIMS: dict[str, type] = {
    **dict.fromkeys(("iss", "aud", "sub", "sid", "jti", "type"), str),
    **dict.fromkeys(("iat", "nbf", "exp"), int),
}
REMEMBERED = 4096  # tokens, of which each takes about a KiB


class Verified(NamedTuple):
    """A token whose signature is right: nothing that it says can change any more."""

    claims: dict[str, Any]
    kid: str
    key: PublicKey


class Subject(NamedTuple):
    """Whom a token is written for, and by which key.

    The key is chosen once. Asked for twice it could be another one for the signature than for the name.
    """

    account_id: str
    session_id: str
    logged_in_at: datetime
    key: keys.Key


class StrictJWTManager(JWTManager):
    """The manager of the chapters, for one algorithm, one issuer and one audience."""

    def init_app(self, app: Flask, add_context_processor: bool = False) -> None:
        """Give ``app`` its tokens. What the environment says of the extension's own settings does not count.

        Raises:
            SystemExit: TOKEN_ALGORITHM is none that a token may be signed with.
        """
        config = app.config
        algorithm = config["TOKEN_ALGORITHM"]
        if algorithm not in GENERATE:
            sys.exit(f"TOKEN_ALGORITHM has to be one of {', '.join(GENERATE)}")
        config.update(
            JWT_ALGORITHM=algorithm,
            JWT_DECODE_ALGORITHMS=[algorithm],  # exactly one, so that no token chooses how it is checked
            JWT_ENCODE_ISSUER=config["TOKEN_ISSUER"],
            JWT_DECODE_ISSUER=config["TOKEN_ISSUER"],
            JWT_ENCODE_AUDIENCE=config["TOKEN_AUDIENCE"],
            JWT_DECODE_AUDIENCE=config["TOKEN_AUDIENCE"],
            JWT_DECODE_LEEWAY=keys.CLOCK_SKEW,  # the machine that issued a token may be ahead of this one
            JWT_IDENTITY_CLAIM="sub",
            JWT_COOKIE_CSRF_PROTECT=False,  # no cookie holds an access token
        )
        super().init_app(app, add_context_processor)
        # A signature that was right stays right, and checking one is the most expensive step of a request. So
        # the tokens in use are checked once. What is refused raises, and is not remembered: no client fills
        # this with tokens that are not ours.
        app.extensions["verified_tokens"] = lru_cache(REMEMBERED)(self._verify)

    def _decode_jwt_from_config(
        self, encoded_token: str, csrf_value: str | None = None, allow_expired: bool = False
    ) -> dict[str, Any]:
        """Return the claims of an access token that is good at this moment: what `decode_token()` calls.

        Raises:
            InvalidTokenError: it is not. The extension hands that to `invalid_token_loader`, see errors.py.
        """
        claims, kid, key = current_app.extensions["verified_tokens"](encoded_token)
        # What was right a moment ago may not be now: the time is over, or the key was stolen and deleted.
        # The skew is allowed at the beginning alone: no token lives a minute longer by it.
        begins = max(claims["iat"], claims["nbf"]) - keys.CLOCK_SKEW
        if not begins <= utc_now().timestamp() < claims["exp"]:
            raise InvalidTokenError("not at this moment")
        if keys.current().find(kid) is not key:
            raise InvalidTokenError("its key was deleted")
        return dict(claims)

    def _verify(self, token: str) -> Verified:
        # `allow_expired`, because each request asks for the end, above, and without the leeway.
        claims = super()._decode_jwt_from_config(token, allow_expired=True)
        kid = get_unverified_header(token)["kid"]
        key = keys.current().find(kid)
        if key is None:
            raise InvalidTokenError("its key was deleted meanwhile")
        return Verified(claims, kid, key)


jwt = StrictJWTManager()


def issue(account_id: str, session_id: str, logged_in_at: datetime) -> str:
    """Return an access token for ``account_id``, worth something while ``session_id`` is alive.

    Args:
        logged_in_at: for other services that ask for a recent log-in (RFC 9470); this one asks the row.
    """
    token: str = create_access_token(Subject(account_id, session_id, logged_in_at, keys.current().signing()))
    return token


@jwt.decode_key_loader
def find_key(header: dict[str, Any], claims: dict[str, Any]) -> PublicKey:
    """Return the key to check a token with, if the token says all that an access token has to say.

    The extension calls this before it fills in claims: here they are what was sent. Nothing is believed yet;
    the signature, which is checked next, covers all that is demanded here.

    Raises:
        InvalidTokenError: it is not an access token, or its key is unknown.
    """
    if str(header.get("typ", "")).lower() != TYPE:
        raise InvalidTokenError("another kind")
    # `type(...) is`, because True is an int.
    if not all(type(claims.get(name)) is kind for name, kind in CLAIMS.items()):
        raise InvalidTokenError("a claim is missing")
    if claims["type"] != "access" or not is_id(claims["sub"]) or not is_id(claims["sid"]):
        raise InvalidTokenError("no access token")
    if not 0 < claims["exp"] - claims["iat"] <= current_app.config["JWT_ACCESS_TOKEN_EXPIRES"]:
        raise InvalidTokenError("too long a life")
    # Only a look-up: a key that the token brings along (`jwk`, `jku`, `x5u`) is not even read.
    key = keys.current().find(header.get("kid"))
    if key is None:
        raise InvalidTokenError("unknown key")
    return key


@jwt.encode_key_loader
def signing_key(subject: Subject) -> PrivateKey:
    """Return the key that signs the token of ``subject``."""
    return subject.key.private


@jwt.additional_headers_loader
def header_of(subject: Subject) -> dict[str, str]:
    """Return what a token is, and by which key it is signed."""
    return {"typ": TYPE, "kid": subject.key.kid}


@jwt.user_identity_loader
def sub_of(subject: Subject) -> str:
    """Return whom a token is for."""
    return subject.account_id


@jwt.additional_claims_loader
def claims_of(subject: Subject) -> dict[str, Any]:
    """Return what our tokens say besides the claims that the extension writes."""
    return {"sid": subject.session_id, "auth_time": int(subject.logged_in_at.timestamp())}
