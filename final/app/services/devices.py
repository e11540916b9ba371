"""Known devices: by their marks the guesses of strangers shut out no owner (OWASP, "device cookies").

A successful log-in leaves a mark in the browser. By it the attempts from there are counted apart from those
of all others. It is not a credential, holds no address that can be read, and is for one e-mail alone.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from hashlib import sha256

from flask import Flask, current_app
from itsdangerous import BadSignature, TimestampSigner

from .emails import email_key
from .sealing import derive

#: `__Host-`: a browser takes it only by https from this very host, and no other host can set it.
COOKIE = "__Host-devices"
LIFETIME = 365 * 24 * 60 * 60  # seconds
MOST = 5  # accounts that share a browser


def init_app(app: Flask) -> None:
    """Give ``app`` the key of its marks."""
    app.extensions["devices"] = derive(app.config["SECRET_KEY"], "known devices")


def find(marks: str, email: str) -> str | None:
    """Return the id of the device if one of its ``marks`` is for ``email``, in any spelling."""
    for mark in marks.split("~")[:MOST]:
        with suppress(BadSignature):
            return _signer(email).unsign(mark, max_age=LIFETIME).decode()
    return None


def remember(marks: str, email: str) -> str:
    """Return ``marks`` with a new one for ``email``, by which a device keeps its id."""
    device = find(marks, email) or secrets.token_urlsafe(12)
    others = [mark for mark in marks.split("~") if mark and find(mark, email) is None]
    return "~".join([_signer(email).sign(device).decode(), *others][:MOST])


def _signer(email: str) -> TimestampSigner:
    return TimestampSigner(
        current_app.extensions["devices"], salt=f"device of {email_key(email)}", digest_method=sha256
    )
