"""The address of the client, as our own proxies saw it. Chapter 2."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Some proxies write the port of the client too: `203.0.113.6:1001`, `[2001:db8::1]:1001`.
_WITH_PORT = re.compile(r"([0-9.]+):[0-9]+|\[([^\]]+)\](?::[0-9]+)?")


def init_app(app: Flask) -> None:
    """Have ``app`` believe as many proxies as PROXIES says, and none of what stands before those."""
    if proxies := app.config["PROXIES"]:
        inside = ReadAddress(app.wsgi_app)
        app.wsgi_app = ProxyFix(inside, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]


class ReadAddress:
    """Takes the address that a proxy wrote; where it is none, the address of the proxy itself counts."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Hand the request on."""
        seen = environ["werkzeug.proxy_fix.orig"]["REMOTE_ADDR"]
        environ["REMOTE_ADDR"] = _address(environ.get("REMOTE_ADDR", "")) or seen
        return self._app(environ, start_response)


def _address(text: str) -> str:
    found = _WITH_PORT.fullmatch(text)
    try:
        return str(ip_address((found[1] or found[2]) if found else text))
    except ValueError:
        return ""
