"""What a transcript may need besides the course: if that is missing, it stays as recorded."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable


def redis_url() -> str:
    """Return where the Redis of the transcripts is: `TEST_REDIS_URL`, `REDIS_URL`, or the usual place."""
    return os.environ.get("TEST_REDIS_URL") or os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0"


def _redis() -> str:
    import redis  # slow to import, and a build of the site only wants the names

    client = redis.Redis.from_url(redis_url(), socket_connect_timeout=1, socket_timeout=1)
    try:
        client.ping()
    except redis.RedisError:
        place = redis_url().rpartition("@")[2].removeprefix("redis://")  # without a password
        return (
            f"no Redis answers at {place}: start one, for example by "
            "docker run --rm -p 6379:6379 redis, or name yours in REDIS_URL"
        )
    finally:
        client.close()
    return ""


def _quart() -> str:
    if all(importlib.util.find_spec(name) for name in ("quart", "asgiref")):
        return ""
    return "quart is not installed here: python3 -m course test or pip install quart asgiref brings it"


#: Each returns what is missing and how to get it, as one sentence, or nothing.
NEEDS: dict[str, Callable[[], str]] = {"redis": _redis, "quart": _quart}
