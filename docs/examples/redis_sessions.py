"""Where to go next: sessions in Redis. The token is a random number, and Redis alone knows what it means."""

import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from redis import Redis

IDLE = 30 * 60  # seconds without a request, and a session is over
ABSOLUTE = 12 * 60 * 60  # seconds after the log-in, and it is over in any case


class Sessions:
    """The sessions of all accounts, shared by every worker and machine that uses the same Redis."""

    def __init__(self, redis: Redis, prefix: str, clock: Callable[[], float] = time.time) -> None:
        self.redis, self.prefix, self.clock = redis, prefix, clock

    def begin(self, account: str, device: str) -> str:
        """Log ``account`` in and return the token of its new session."""
        token = secrets.token_urlsafe(32)  # 256 random bits: nobody guesses them, so nothing is signed
        key, now = self._key(token), int(self.clock())
        with self.redis.pipeline() as pipe:  # MULTI ... EXEC: all of it, or nothing
            pipe.hset(key, mapping={"account": account, "device": device, "ends": now + ABSOLUTE})
            pipe.expireat(key, now + IDLE)
            pipe.sadd(self._list(account), key)
            pipe.expireat(self._list(account), now + ABSOLUTE)
            pipe.execute()
        return token

    def find(self, token: str) -> dict[str, str] | None:
        """Return the session of ``token`` and keep it alive, or None: it is over, or never was."""
        key = self._key(token)
        session = self.redis.hgetall(key)
        if not session:
            return None
        # No HSET here, to note the time: it would bring back what another request has just ended.
        self.redis.expireat(key, min(int(self.clock()) + IDLE, int(session["ends"])))
        return session | {"id": _id_of(key)}

    def of(self, account: str) -> list[dict[str, str]]:
        """Return the sessions of ``account``. Those that Redis let expire leave its list."""
        sessions = []
        for key in self.redis.smembers(self._list(account)):
            if session := self.redis.hgetall(key):
                sessions.append({"id": _id_of(key), "device": session["device"]})
            else:
                self.redis.srem(self._list(account), key)
        return sorted(sessions, key=lambda session: session["device"])

    def end(self, account: str, session_id: str) -> bool:
        """End one session of ``account``; return whether it had that one."""
        key = f"{self.prefix}session:{session_id}"
        if not self.redis.sismember(self._list(account), key):
            return False  # of another account, perhaps
        with self.redis.pipeline() as pipe:
            pipe.delete(key)
            pipe.srem(self._list(account), key)
            pipe.execute()
        return True

    def end_all(self, account: str) -> None:
        """Log ``account`` out everywhere."""

        def end(pipe: Any) -> None:
            keys = pipe.smembers(self._list(account))
            pipe.multi()
            pipe.delete(self._list(account), *keys)

        self.redis.transaction(end, self._list(account))  # anew, if somebody logs in in between

    def _key(self, token: str) -> str:
        # Who can read Redis cannot log in with a hash. A quick one will do: nobody guesses 256 random bits.
        return f"{self.prefix}session:{sha256(token.encode()).hexdigest()}"

    def _list(self, account: str) -> str:
        return f"{self.prefix}sessions-of:{account}"


def _id_of(key: str) -> str:
    return key.rpartition(":")[2]
