"""Access tokens: signed with ES256, and accepted only if every claim is there (RFC 9068, RFC 8725).

`init_app` finds or makes the signing key and tells Flask-JWT-Extended what else to demand of a token.
Chapter 2 for the tokens themselves, chapter 3 for who checks them.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from flask import Flask, current_app
from flask_jwt_extended import JWTManager, create_access_token
from jwt import InvalidTokenError

from ..files import keep_private
from ..models.columns import is_id

TYPE = "at+jwt"  # the `typ` of an access token, so that no other token can pass for one (RFC 9068 2.1)
CLAIMS: dict[str, type] = {
    **dict.fromkeys(("iss", "aud", "sub", "sid", "jti", "type"), str),
    **dict.fromkeys(("iat", "nbf", "exp"), int),
}


class Keys(NamedTuple):
    """The key that signs, loaded once, and the public keys that verify, by their `kid`."""

    kid: str
    private: EllipticCurvePrivateKey
    public: dict[str, EllipticCurvePublicKey]


def init_app(app: Flask, jwt: JWTManager) -> None:
    """Load the keys of ``app``, make one on the first run, and set the rules of its tokens."""
    keys = _load_keys(Path(app.instance_path) / app.config["KEYS_FOLDER"])
    app.extensions["keys"] = keys
    app.config.update(
        JWT_ALGORITHM="ES256",
        JWT_DECODE_ALGORITHMS=["ES256"],  # exactly one, so that no token chooses how it is checked
        JWT_ENCODE_ISSUER=app.config["TOKEN_ISSUER"],
        JWT_DECODE_ISSUER=app.config["TOKEN_ISSUER"],
        JWT_ENCODE_AUDIENCE=app.config["TOKEN_AUDIENCE"],
        JWT_DECODE_AUDIENCE=app.config["TOKEN_AUDIENCE"],
        JWT_TOKEN_LOCATION=["headers"],
        JWT_COOKIE_CSRF_PROTECT=False,  # no token is in a cookie, so none needs a CSRF claim
    )
    jwt.encode_key_loader(lambda identity: _keys().private)
    jwt.decode_key_loader(_find_key)


def issue(account_id: str, session_id: str) -> str:
    """Return an access token for ``account_id`` that is worth something while ``session_id`` is alive."""
    token: str = create_access_token(
        identity=account_id,
        additional_claims={"sid": session_id},
        additional_headers={"typ": TYPE, "kid": _keys().kid},
    )
    return token


def _find_key(header: dict[str, Any], claims: dict[str, Any]) -> EllipticCurvePublicKey:
    """Return the key that has to have signed this token.

    Also the only place to demand every claim. The extension would take any token that was signed with the
    key, without `exp`, meant to reset a password (trap 2). Its own hook for more checks comes after it has
    filled in what is missing: a token without `type` looks like an access token there.

    Raises:
        InvalidTokenError: it is no access token of ours, whoever signed it.
    """
    if not _is_access_token(header, claims):
        raise InvalidTokenError("no access token")
    # Only a look-up: a key that the token brings along (`jwk`, `jku`, `x5u`) is not even read.
    key = _keys().public.get(header.get("kid", ""))
    if key is None:
        raise InvalidTokenError("unknown key")
    return key


def _is_access_token(header: dict[str, Any], claims: dict[str, Any]) -> bool:
    if str(header.get("typ", "")).lower() != TYPE:
        return False
    # `type(...) is`, because True is an int.
    if not all(type(claims.get(name)) is kind for name, kind in CLAIMS.items()):
        return False
    if not is_id(claims["sub"]) or not is_id(claims["sid"]):
        return False
    lifetime: int = claims["exp"] - claims["iat"]
    return bool(claims["type"] == "access" and 0 < lifetime <= current_app.config["JWT_ACCESS_TOKEN_EXPIRES"])


def _keys() -> Keys:
    keys: Keys = current_app.extensions["keys"]
    return keys


def _load_keys(folder: Path) -> Keys:
    file = folder / "signing.pem"
    new = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    private = load_pem_private_key(keep_private(file, new), password=None)
    if not isinstance(private, EllipticCurvePrivateKey):
        sys.exit(f"{file} is no key for ES256: move it away, and a new one is made")
    public = private.public_key()
    # The name of a key is its own fingerprint: the same on every machine, and never another key's.
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    kid = hashlib.sha256(der).hexdigest()[:16]
    return Keys(kid, private, {kid: public})
