"""Encryption, by a key for each purpose, derived from SECRET_KEY (RFC 5869, NIST SP 800-38D).

From one key neither SECRET_KEY nor another key can be computed. A new SECRET_KEY makes all of them new: what
was sealed before cannot be opened, and refresh tokens of before are refused.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE = 12  # bytes


def derive(secret: str, purpose: str) -> bytes:
    """Return the key of 32 bytes that ``secret`` has for ``purpose``."""
    # Without a salt: SECRET_KEY is random already, 32 bytes of it, and every process has to find the same.
    return HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret.encode())


def seal(key: bytes, content: bytes, belongs_to: str) -> bytes:
    """Encrypt ``content`` so that it opens only together with ``belongs_to``, the name of its row."""
    nonce = secrets.token_bytes(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, content, belongs_to.encode())


def unseal(key: bytes, sealed: bytes, belongs_to: str) -> bytes | None:
    """Return what was sealed; None where it was sealed by another key, for another row, or was changed."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], belongs_to.encode())
    except (InvalidTag, ValueError):
        return None
