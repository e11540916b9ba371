"""Refresh tokens: how one is written and read.

A token names a session and a generation, and is marked as ours by a key that only this service has. So the
table keeps one number for each session, and no token: whoever reads the database cannot refresh.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import uuid
from typing import NamedTuple

from flask import Flask, current_app

from .sealing import derive

PREFIX = "rt_"  # by which a person, and a program that looks for leaked secrets, knows one
_SHAPE = struct.Struct(">16sI")  # the session, the generation
_LAST = 2**31 - 1  # the highest generation that the column can hold
_MARK = 32  # bytes of HMAC-SHA256 behind it


class Shown(NamedTuple):
    """What a refresh token says."""

    session_id: str
    generation: int


def init_app(app: Flask) -> None:
    """Give ``app`` the key that marks its refresh tokens."""
    app.extensions["refresh_tokens"] = derive(app.config["SECRET_KEY"], "refresh tokens")


def write(session_id: str, generation: int) -> str:
    """Return the refresh token of a session in this generation: always the same one."""
    body = _SHAPE.pack(uuid.UUID(session_id).bytes, generation)
    mark = hmac.digest(current_app.extensions["refresh_tokens"], body, hashlib.sha256)
    return PREFIX + base64.urlsafe_b64encode(body + mark).decode().rstrip("=")


def read(token: str) -> Shown | None:
    """Return what ``token`` says; None where it is not ours."""
    try:
        content = base64.urlsafe_b64decode(token.removeprefix(PREFIX) + "==")
        session, generation = _SHAPE.unpack(content[:-_MARK])
    except (ValueError, struct.error):
        return None
    if generation > _LAST:
        return None
    shown = Shown(str(uuid.UUID(bytes=session)), generation)
    # The whole text is compared, so that there is one spelling of each token and no other.
    return shown if hmac.compare_digest(write(*shown).encode(), token.encode()) else None
