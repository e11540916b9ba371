"""Types and values that several tables share."""

from __future__ import annotations

import re
import secrets
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect
from sqlalchemy.types import TypeDecorator

#: The form of an id, as a regular expression.
ID = "^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$"


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps text, and forgets the time zone: it is put back when a row is read.

    A row has up to five of them, and every request reads one; so SQLite's text is read and written in one
    step, instead of first by SQLAlchemy and then by us.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """Return what writes a moment for this kind of database."""
        return _write_text if dialect.name == "sqlite" else _to_utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Return what reads one; PostgreSQL's driver has done it already."""
        return _read_text if dialect.name == "sqlite" else None


def _to_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


def _write_text(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def _read_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


def utc_now() -> datetime:
    """Return this moment, in UTC."""
    return datetime.now(UTC)


def new_id(after: str | None = None) -> str:
    """Return a new id: a UUID of version 7 (RFC 9562), whose order is the order of creation.

    Never given twice, and unlike 1, 2, 3 it does not tell how many accounts there are.

    Args:
        after: an id that this one has to stand behind, even where the clock has been set back since, or is
            behind that of another machine (6.2, "monotonicity and counters").
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    # Section 6.2, method 3: what is left of the time stands where random bits may, or two rows of one
    # millisecond, of the audit say, would be read in any order.
    moment = milliseconds << 12 | (nanoseconds << 12) // 1_000_000
    if after is not None:
        last = uuid.UUID(after).int
        moment = max(moment, (last >> 80 << 12 | last >> 64 & 0xFFF) + 1)
    number = moment >> 12 << 80 | 7 << 76 | (moment & 0xFFF) << 64 | 2 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=number))


def is_id(text: str) -> bool:
    """Say whether ``text`` has the form of an id, so that nothing else is ever compared with one."""
    return re.fullmatch(ID, text) is not None
