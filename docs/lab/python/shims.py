"""Replaces what a lesson needs and Python in a browser lacks."""

import functools
import hashlib
import json
import json.scanner
import sys
from pathlib import Path
from typing import Any

import lab_hashes  # docs/lab/src/hashes.js
from pyodide.ffi import to_js

from course.judging.routing import build_urls_later

HOME = "/home/reader"


def install() -> None:
    """Install the replacements. Call it before Flask is imported."""
    Path(HOME).mkdir(exist_ok=True)
    sys.prefix = "/packages"  # not "/": Flask would take the reader's folder for an installed package
    hashlib.scrypt = scrypt  # type: ignore[attr-defined]
    hashlib.pbkdf2_hmac = pbkdf2_hmac  # type: ignore[attr-defined]
    # The C scanner recurses as deep as a body is nested, and a browser's stack is too small for that.
    json.scanner.make_scanner = json.scanner.py_make_scanner  # type: ignore[attr-defined]
    json._default_decoder = json.JSONDecoder()  # type: ignore[attr-defined]
    import flask

    flask.Flask.run = run  # type: ignore[method-assign]
    build_urls_later()


@functools.lru_cache(1024)  # a log-in after a sign-up computes the same hash
def scrypt(
    password: bytes, *, salt: bytes, n: int, r: int, p: int, maxmem: int = 0, dklen: int = 64
) -> bytes:
    """As `hashlib.scrypt`, RFC 7914."""
    digest = lab_hashes.scrypt(to_js(password), to_js(salt), n, r, p, dklen, maxmem or 2**30)
    return bytes(digest.to_py())


def pbkdf2_hmac(
    hash_name: str, password: bytes, salt: bytes, iterations: int, dklen: int | None = None
) -> bytes:
    """As `hashlib.pbkdf2_hmac`, RFC 8018."""
    length = dklen or hashlib.new(hash_name).digest_size
    digest = lab_hashes.pbkdf2(hash_name, to_js(password), to_js(salt), iterations, length)
    return bytes(digest.to_py())


def run(self: Any, *_: Any, **__: Any) -> None:
    """Replace `Flask.run`: a browser cannot accept connections."""
    print("app.run() does nothing here: the lab itself hands each request to the application.")
