"""Access tokens: signed, and accepted only if every claim is there (RFC 9068, RFC 8725).

Written and read by PyJWT, with the keys of `keys.py`. The chapters leave that to Flask-JWT-Extended, which
also takes tokens that are no access tokens (trap 2); what is demanded of one stands here, to be read. Chapter
2 for the tokens themselves, chapter 3 for who checks them.
"""

from __future__ import annotations

import sys
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, cast

import jwt as pyjwt
from flask import Flask, current_app

from ..errors import TokenRefused
from ..models.columns import is_id, new_id, utc_now
from . import keys
from .algorithms import GENERATE, PublicKey

TYPE = "at+jwt"  # the `typ` of an access token, so that no other token can pass for one (RFC 9068 2.1)
CLAIMS: dict[str, type] = {
    **dict.fromkeys(("iss", "aud", "sub", "sid", "jti", "type"), str),
    **dict.fromkeys(("iat", "nbf", "exp"), int),
}
REMEMBERED = 4096  # tokens, of which each takes about a KiB
# What depends on the moment is asked of every token on every request, by `Tokens.read`, and not by PyJWT.
_NOT_NOW = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}


class Verified(NamedTuple):
    """What a token says whose signature is right: nothing in it can change any more."""

    account_id: str
    session_id: str
    begins: int  # seconds since 1970
    ends: int
    kid: str
    key: PublicKey


class Tokens:
    """Writes and reads the access tokens of one application.

    Args:
        issuer: who issues them.
        audience: for whom they are.
        algorithm: by which they are signed. Exactly one, so that no token chooses how it is checked.
        lifetime: seconds that one lives.
    """

    def __init__(self, issuer: str, audience: str, algorithm: str, lifetime: int) -> None:
        self._issuer, self._audience = issuer, audience
        self._algorithm, self._lifetime = algorithm, lifetime
        # A signature that was right is right for ever, and checking one is the most expensive step of a
        # request; so the tokens that are in use are checked once. What is refused raises, and is not
        # remembered: nobody fills this with tokens that are not ours.
        self._remembered = lru_cache(REMEMBERED)(self._verify)

    def issue(self, account_id: str, session_id: str, logged_in_at: datetime) -> str:
        """Return an access token for ``account_id``, worth something while ``session_id`` is alive.

        Args:
            logged_in_at: for other services that ask for a recent log-in (RFC 9470); this one asks the row.
        """
        # Asked once: with two questions the key could become another between the name and the signature.
        key, now = keys.current().signing(), int(utc_now().timestamp())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": account_id,
            "sid": session_id,
            "jti": new_id(),
            "type": "access",
            "auth_time": int(logged_in_at.timestamp()),
            "iat": now,
            "nbf": now,
            "exp": now + self._lifetime,
        }
        return pyjwt.encode(claims, key.private, key.algorithm, {"typ": TYPE, "kid": key.kid})

    def read(self, token: str) -> Verified:
        """Return what ``token`` says, if it is an access token of ours and good at this moment.

        Whether its session and its account are alive is for `auth.find_principal` to say.

        Raises:
            TokenRefused: it is not.
        """
        try:
            found = self._remembered(token)
        except pyjwt.InvalidTokenError:
            raise TokenRefused from None
        # What was right a moment ago may not be now: the time is over, or the key was stolen and deleted.
        # The machine that issued it may be ahead of this one: it is good at once all the same. The leeway is
        # for its beginning alone: nobody gains a minute by it.
        if not found.begins - keys.CLOCK_SKEW <= utc_now().timestamp() < found.ends:
            raise TokenRefused
        if keys.current().find(found.kid) is not found.key:
            raise TokenRefused
        return found

    def _verify(self, token: str) -> Verified:
        """Check all of a token that stays as it is: whose it is, what it is, and that nothing is missing."""
        header = pyjwt.get_unverified_header(token)
        if str(header.get("typ", "")).lower() != TYPE:
            raise pyjwt.InvalidTokenError("another kind")
        # Only a look-up: a key that the token brings along (`jwk`, `jku`, `x5u`) is not even read.
        kid = header.get("kid")
        key = keys.current().find(kid)
        if key is None:
            raise pyjwt.InvalidTokenError("unknown key")
        claims = pyjwt.decode(
            token,
            key,
            [self._algorithm],
            issuer=self._issuer,
            audience=self._audience,
            options=_NOT_NOW,  # type: ignore[arg-type]
        )
        # `type(...) is`, because True is an int.
        if not all(type(claims.get(name)) is kind for name, kind in CLAIMS.items()):
            raise pyjwt.InvalidTokenError("a claim is missing")
        if claims["type"] != "access" or not is_id(claims["sub"]) or not is_id(claims["sid"]):
            raise pyjwt.InvalidTokenError("no access token")
        if not 0 < claims["exp"] - claims["iat"] <= self._lifetime:
            raise pyjwt.InvalidTokenError("too long a life")
        begins = max(claims["iat"], claims["nbf"])
        return Verified(claims["sub"], claims["sid"], begins, claims["exp"], cast(str, kid), key)


def init_app(app: Flask) -> None:
    """Give ``app`` its tokens.

    Raises:
        SystemExit: TOKEN_ALGORITHM is none that a token may be signed with.
    """
    config = app.config
    if config["TOKEN_ALGORITHM"] not in GENERATE:
        sys.exit(f"TOKEN_ALGORITHM has to be one of {', '.join(GENERATE)}")
    app.extensions["tokens"] = Tokens(
        config["TOKEN_ISSUER"],
        config["TOKEN_AUDIENCE"],
        config["TOKEN_ALGORITHM"],
        config["JWT_ACCESS_TOKEN_EXPIRES"],
    )


def current() -> Tokens:
    """Return the tokens of the application that runs."""
    return cast(Tokens, current_app.extensions["tokens"])
