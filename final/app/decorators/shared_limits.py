"""Counters that all processes share, in Redis; while it is away, each counts for itself. Chapter 3."""

from __future__ import annotations

import hashlib
import logging
import sys
import time
from contextlib import suppress
from threading import Lock

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from .rate_limits import FixedWindows

PREFIX = "accounts:limits:"
TIMEOUT = 0.2  # seconds; on a good day an answer takes less than a thousandth
PAUSE = 5  # seconds until Redis is asked again after it did not answer

log = logging.getLogger(__name__)


class SharedWindows:
    """Like `FixedWindows`, for all processes together.

    Each process goes on counting for itself too, and the higher count holds. So a Redis that is away, or
    comes back having forgotten, weakens the limits to so many for each process, and never to none.

    Args:
        url: where Redis is.
        secret: a key by which addresses and e-mails are hashed: none of them is there to be read.

    Raises:
        SystemExit: the URL is none of Redis.
    """

    def __init__(self, url: str, secret: bytes) -> None:
        never = Retry(NoBackoff(), 0)  # the request has waited enough
        try:
            self._redis = Redis.from_url(
                url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=never
            )
        except ValueError:
            sys.exit("REDIS_URL has to begin with redis:, rediss: or unix:")
        self._secret = secret
        self._local = FixedWindows()
        self._lock = Lock()
        self._down = False
        self._again_at = 0.0

    def hit(self, key: str, seconds: int) -> tuple[int, int]:
        """Count one request for ``key``.

        Returns:
            how many there are in this window of ``seconds`` so far, and how many seconds of it are left.
        """
        count, left = self._local.hit(key, seconds)
        if not self._may_ask():
            return count, left
        name = self._name(key, seconds)
        try:
            pipeline = self._redis.pipeline(transaction=False)  # both in one packet
            pipeline.incr(name)
            pipeline.expire(name, seconds)
            shared, _ = pipeline.execute()
        except (RedisError, OSError) as error:
            self._went(down=True, why=type(error).__name__)
            return count, left
        self._went(down=False)
        return max(count, shared), left

    def forget(self, key: str, seconds: int) -> None:
        """Begin to count ``key`` again."""
        self._local.forget(key, seconds)
        if self._may_ask():
            with suppress(RedisError, OSError):  # then time does it
                self._redis.delete(self._name(key, seconds))

    def _name(self, key: str, seconds: int) -> str:
        window = f"{int(time.time()) // seconds} {key}".encode()
        return PREFIX + hashlib.blake2s(window, key=self._secret).hexdigest()

    def _may_ask(self) -> bool:
        # A circuit breaker: while Redis is down one request in PAUSE seconds finds out whether it is back,
        # and the others do not wait for it.
        if not self._down:
            return True
        with self._lock:
            if time.monotonic() < self._again_at:
                return False
            self._again_at = time.monotonic() + PAUSE
            return True

    def _went(self, down: bool, why: str = "") -> None:
        if down:
            self._again_at = time.monotonic() + PAUSE
        if down and not self._down:
            log.warning("Redis does not answer (%s): each process counts for itself until it does", why)
        elif self._down and not down:
            log.warning("Redis answers again: all processes count together")
        self._down = down
