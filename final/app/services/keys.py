"""The keys that sign access tokens: one set for all processes on all machines, in the database.

A key begins to sign at a moment that is stored when it is made, late enough for every verifier to have read
it. So no operator switches keys, and all processes whose clocks are about right agree on the key that signs:

    made, published         signs                        the next one signs     its last token ends
    |-------- LEAD -------->|--------------------------->|-- a token's life --->|
    |<------------- in the JWKS, and good to check tokens by ------------------>|

`LEAD` is longer than a verifier may keep the JWKS, so none meets a token whose key it has not got.
"""

from __future__ import annotations

import time
from contextlib import nullcontext, suppress
from datetime import datetime, timedelta
from itertools import zip_longest
from threading import Lock
from typing import NamedTuple, cast

from flask import Flask, current_app
from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..database import AnyRow, fetch_all, transaction
from ..engines import at_most
from ..exceptions import KeysUnreadable, NotReady
from ..extensions import db
from ..models import SigningKey
from ..models.columns import utc_now
from ..settings import command
from .algorithms import GENERATE, PrivateKey, PublicKey, public_jwk, read_key, write_key
from .sealing import derive, seal, unseal

PUBLISHED = 300  # seconds that a verifier may keep the JWKS
KNOWN = 10  # seconds that a process goes by what it has read
LONGEST = 2  # seconds that the database may take over it
LOOKUP_INTERVAL = 1  # seconds between two reads for an unknown name
CLOCK_SKEW = 60  # seconds that the clocks of two machines may differ
LEAD = timedelta(seconds=PUBLISHED + KNOWN + CLOCK_SKEW)

_ALL = select(SigningKey.__table__).order_by(SigningKey.number)


class Key(NamedTuple):
    """A signing key, decrypted."""

    kid: str
    algorithm: str
    signs_from: datetime
    private: PrivateKey
    public: PublicKey
    jwk: dict[str, str]


class Keys:
    """The keys as this process knows them. It reads the table again every few seconds.

    Args:
        secret: SECRET_KEY, by which the private halves are sealed: the table alone signs nothing.
        algorithm: what is signed with, and the only one that is accepted.
        lifetime: seconds that an access token lives.
    """

    def __init__(self, secret: str, algorithm: str, lifetime: int) -> None:
        self._seal = derive(secret, "signing keys")
        self._algorithm = algorithm
        self._retirement = timedelta(seconds=lifetime + CLOCK_SKEW)
        self._lock = Lock()
        self._read_at = float("-inf")
        self._last_number = 0
        self._opened: dict[str, Key] = {}
        self._published: list[Key] = []
        self._keys: dict[str, Key] = {}  # those of them that are of `_algorithm`

    def signing(self) -> Key:
        """Return the key that signs at this moment; the first one of all is made on first need.

        Raises:
            KeysUnreadable: they were sealed under another SECRET_KEY.
        """
        self.refresh()
        if not self._keys:
            self.make(at_once=True)
        now = utc_now()
        keys = list(self._keys.values())
        # By a clock that was set back none may sign yet: then the oldest does, which all verifiers have.
        return next((key for key in reversed(keys) if key.signs_from <= now), keys[0])

    def find(self, kid: object) -> PublicKey | None:
        """Return the public key that is called ``kid``; None where none is, or it has retired.

        An unknown name may be that of a new key, so the table is read again, once in LOOKUP_INTERVAL: made-up
        names must not flood the database.
        """
        if not isinstance(kid, str):
            return None
        self.refresh()
        if kid not in self._keys:
            self.refresh(max_age=LOOKUP_INTERVAL)
        key = self._keys.get(kid)
        return key.public if key else None

    def published(self) -> list[Key]:
        """Return every key that signs, has signed or will, oldest first.

        Also those of an algorithm that was configured before, as long as their tokens live.
        """
        self.signing()
        return self._published

    def retired(self) -> list[str]:
        """Return the names of the keys whose last token has ended."""
        self.refresh(max_age=-1)
        return sorted(self._opened.keys() - {key.kid for key in self._published})

    def rotate(self, now: bool) -> Key:
        """Make the next key, or for one that was stolen: another at once, and delete all there are.

        Raises:
            KeysUnreadable: they were sealed under another SECRET_KEY, and are not to be deleted.
        """
        with suppress(KeysUnreadable) if now else nullcontext():
            self.refresh(max_age=-1)
        return self.make(at_once=now or not self._keys, alone=now)

    def make(self, at_once: bool = False, alone: bool = False) -> Key:
        """Make the next key, unless another process has just done so, and return the newest.

        Args:
            at_once: it signs from now on, and not in `LEAD`.
            alone: delete all others; what they signed is refused as soon as a process reads the table again.
        """
        private = GENERATE[self._algorithm]()
        kid = public_jwk(private, self._algorithm)["kid"]
        now = utc_now()
        row = SigningKey(number=self._last_number + 1, kid=kid, algorithm=self._algorithm, created_at=now)
        row.private_key = seal(self._seal, write_key(private), kid)
        row.signs_from = now if at_once else now + LEAD
        # The number decides: it is the one behind the last that we know of, and the second to take it is
        # refused by the database.
        with suppress(IntegrityError), transaction():
            db.session.add(row)
            db.session.flush()
            if alone:
                db.session.execute(delete(SigningKey).where(SigningKey.kid != kid))
        self.refresh(max_age=-1)
        return self._published[-1]

    def refresh(self, max_age: float = KNOWN) -> None:
        """Read the table again if it was read longer than ``max_age`` seconds ago.

        Raises:
            KeysUnreadable: they were sealed under another SECRET_KEY.
            NotReady: there are none yet, and the thread that reads them gets no answer.
        """
        if time.monotonic() - self._read_at <= max_age:
            return
        # While one thread reads, the others go on with the keys they have; without any, or after one that
        # is new, they wait for it.
        needed = not self._keys or max_age < KNOWN
        if not self._lock.acquire(timeout=LONGEST if needed else 0):
            if not self._keys:
                raise NotReady
            return
        try:
            if time.monotonic() - self._read_at > max_age:
                with at_most(LONGEST):
                    self._read()
        except (DBAPIError, PoolTimeout):
            if not self._keys:  # those we have are as good as before
                raise
        finally:
            if self._keys:
                self._read_at = time.monotonic()
            self._lock.release()

    def _read(self) -> None:
        rows = fetch_all(_ALL)
        self._last_number = rows[-1].number if rows else 0
        opened = (self._opened.get(row.kid) or self._open(row) for row in rows)
        keys = [key for key in opened if key is not None]
        if rows and not keys:
            self._keys = {}
            raise KeysUnreadable(
                "the signing keys were sealed under another SECRET_KEY: set that one again, or make a new "
                f"key with {command('keys rotate --now')}; all access tokens end then"
            )
        # A key ends when the next one has signed for as long as a token lives; the newest does not.
        ends = [key.signs_from + self._retirement for key in keys[1:]]
        now = utc_now()
        self._opened = {key.kid: key for key in keys}
        self._published = [key for key, end in zip_longest(keys, ends) if end is None or end > now]
        self._keys = {key.kid: key for key in self._published if key.algorithm == self._algorithm}

    def _open(self, row: AnyRow) -> Key | None:
        content = unseal(self._seal, row.private_key, row.kid)
        if content is None:
            return None
        private = read_key(content)
        jwk = public_jwk(private, row.algorithm)
        return Key(row.kid, row.algorithm, row.signs_from, private, private.public_key(), jwk)


def init_app(app: Flask) -> None:
    """Give ``app`` its keys; nothing is read or made before the first token."""
    config = app.config
    app.extensions["keys"] = Keys(
        config["SECRET_KEY"], config["TOKEN_ALGORITHM"], config["JWT_ACCESS_TOKEN_EXPIRES"]
    )


def current() -> Keys:
    """Return the keys of the application that runs."""
    return cast(Keys, current_app.extensions["keys"])
