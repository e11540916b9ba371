"""The algorithms that an access token may be signed with, and the public half of a key as JSON (RFC 7517).

One is chosen by configuration. A token never chooses how it is checked (RFC 8725 3.1).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

#: How a key is made. All have 128 bits of security (ASVS 11.2.3), which takes 3072 bits of RSA.
GENERATE: dict[str, Callable[[], PrivateKey]] = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "RS256": lambda: rsa.generate_private_key(65537, 3072),
}
_TO_JWK: dict[str, Callable[..., str]] = {
    "ES256": ECAlgorithm.to_jwk,
    "EdDSA": OKPAlgorithm.to_jwk,
    "RS256": RSAAlgorithm.to_jwk,
}
# The members that a thumbprint is made of, and no others (RFC 7638 3.2, RFC 8037 2).
_THUMBPRINT = {"ES256": ("crv", "kty", "x", "y"), "EdDSA": ("crv", "kty", "x"), "RS256": ("e", "kty", "n")}


def write_key(key: PrivateKey) -> bytes:
    """Return the bytes that `read_key` reads."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def read_key(content: bytes) -> PrivateKey:
    """Return the key again. Done once and kept: reading one of RSA takes 29 milliseconds."""
    key = load_der_private_key(content, password=None)
    assert isinstance(key, PrivateKey)  # noqa: S101 -- for mypy: nothing else was ever sealed
    return key


def public_jwk(key: PrivateKey, algorithm: str) -> dict[str, str]:
    """Return the public half of ``key`` for a JWKS, with what it is for; its `kid` is its thumbprint.

    The same on every machine, and never that of another key.
    """
    members = json.loads(_TO_JWK[algorithm](key.public_key()))
    members = {name: members[name] for name in _THUMBPRINT[algorithm]}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True)
    digest = hashlib.sha256(canonical.encode()).digest()
    kid = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return members | {"kid": kid, "alg": algorithm, "use": "sig"}
