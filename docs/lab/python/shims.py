"""What Python lacks in a browser, as far as a lesson needs it."""

import functools
import hashlib
import json
import json.scanner
import sys
from pathlib import Path
from typing import Any

import lab_hashes  # docs/lab/src/hashes.js
from pyodide.ffi import to_js

HOME = "/home/reader"


def install() -> None:
    """Put the missing functions where they are looked for."""
    Path(HOME).mkdir(exist_ok=True)
    sys.prefix = "/packages"  # not "/": Flask would take the reader's folder for an installed package
    hashlib.scrypt = scrypt  # type: ignore[attr-defined]
    hashlib.pbkdf2_hmac = pbkdf2_hmac  # type: ignore[attr-defined]
    # Python's own reader of JSON goes down as deep as a body is nested, and a browser's stack ends before.
    json.scanner.make_scanner = json.scanner.py_make_scanner  # type: ignore[attr-defined]
    json._default_decoder = json.JSONDecoder()  # type: ignore[attr-defined]
    import flask
    from werkzeug.routing import Rule

    flask.Flask.run = run  # type: ignore[method-assign]
    Rule._compile_builder = functools.partialmethod(_build_later, Rule._compile_builder)  # type: ignore


@functools.lru_cache(1024)  # the log-in that follows a sign-up asks for the same again
def scrypt(
    password: bytes, *, salt: bytes, n: int, r: int, p: int, maxmem: int = 0, dklen: int = 64
) -> bytes:
    """As `hashlib.scrypt`, RFC 7914."""
    made = lab_hashes.scrypt(to_js(password), to_js(salt), n, r, p, dklen, maxmem or 2**30)
    return bytes(made.to_py())


def pbkdf2_hmac(
    hash_name: str, password: bytes, salt: bytes, iterations: int, dklen: int | None = None
) -> bytes:
    """As `hashlib.pbkdf2_hmac`, RFC 8018."""
    length = dklen or hashlib.new(hash_name).digest_size
    made = lab_hashes.pbkdf2(hash_name, to_js(password), to_js(salt), iterations, length)
    return bytes(made.to_py())


def _build_later(rule: Any, compiled: Any, append_unknown: bool = True) -> Any:
    """Stand in for what compiles a function to build the URLs of ``rule``: compile it when it is called.

    Each rule has two, most are never called, and they took half the time in which an application is made.
    """

    def build(self: Any, **values: Any) -> Any:
        return compiled(rule, append_unknown)(self, **values)

    return build


def run(self: Any, *_: Any, **__: Any) -> None:
    """Stand in for `Flask.run`, which would wait for connections that no browser can accept."""
    print("app.run() does nothing here: the lab itself hands each request to the application.")
