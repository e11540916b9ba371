"""View decorators: what many views need before or after their own work. Chapter 3, view decorators.

Each works on a function, on a method, and on a whole view by `decorators = [...]`. Of those stacked on a
view the one on top runs first; in a list it is the last.
"""

from __future__ import annotations

from flask import Flask

from ..services.sealing import derive
from .access import principal, recent_login_required, role_required, token_required
from .bodies import json_required, validated
from .caching import Cache, cached
from .compression import compressed
from .rate_limits import FixedWindows, rate_limited

__all__ = [
    "cached",
    "compressed",
    "init_app",
    "json_required",
    "principal",
    "rate_limited",
    "recent_login_required",
    "role_required",
    "token_required",
    "validated",
]


def init_app(app: Flask) -> None:
    """Give ``app`` what its decorators remember. It is an application's own: two of them count apart."""
    app.extensions["cache"] = Cache()
    if url := app.config["REDIS_URL"]:
        from .shared_limits import SharedWindows  # with its client of Redis 22 MiB, for those who have one

        app.extensions["rate_limits"] = SharedWindows(url, derive(app.config["SECRET_KEY"], "rate limits"))
    else:
        app.extensions["rate_limits"] = FixedWindows()
