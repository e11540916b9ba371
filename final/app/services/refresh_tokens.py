"""Refresh tokens: how one is written and read.

A token names a session and a generation, and is signed by a key that only this service has. So the table
keeps one number for each session, and no token: a copy of the database refreshes nothing.
"""

from __future__ import annotations

import uuid
from hashlib import sha256
from typing import NamedTuple

from flask import Flask, current_app
from itsdangerous import BadSignature, Signer

from .sealing import derive

PREFIX = "rt_"  # by which a person, and a program that looks for leaked secrets, knows one
_LAST = 2**31 - 1  # the highest generation that the column can hold


class Shown(NamedTuple):
    """What a refresh token says."""

    session_id: str
    generation: int


def init_app(app: Flask) -> None:
    """Give ``app`` the signer of its refresh tokens."""
    key = derive(app.config["SECRET_KEY"], "refresh tokens")
    app.extensions["refresh_tokens"] = Signer(key, "refresh", digest_method=sha256)


def write(session_id: str, generation: int) -> str:
    """Return the refresh token of a session in this generation: always the same one."""
    signer: Signer = current_app.extensions["refresh_tokens"]
    return PREFIX + signer.sign(f"{uuid.UUID(session_id).hex}.{generation}").decode()


def read(token: str) -> Shown | None:
    """Return what ``token`` says; None where it is not ours."""
    signer: Signer = current_app.extensions["refresh_tokens"]
    try:
        session, generation = signer.unsign(token.removeprefix(PREFIX)).decode().split(".")
    except (BadSignature, ValueError):
        return None
    shown = Shown(str(uuid.UUID(session)), int(generation))
    # A signature in Base64 has several spellings. The whole text is compared, so that a token has one.
    return shown if shown.generation <= _LAST and write(*shown) == token else None
