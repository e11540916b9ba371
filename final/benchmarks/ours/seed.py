"""Makes the database of ours: `python -m benchmarks.ours.seed ACCOUNTS PASSWORD [SESSIONS ...]`, from final/.

The accounts are user0@example.com and so on, verified; the first ones have so many sessions, where asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from app import create_app, migrations
from app.database import transaction
from app.extensions import db
from app.models import Account, Session
from app.models.columns import new_id, utc_now
from app.services import passwords

AT_ONCE = 10_000  # rows in a statement


def main(accounts: int, password: str, sessions: list[int]) -> None:
    """Write so many accounts with one password, and for the first of them ``sessions``, in their order."""
    app = create_app("config.ProductionConfig")
    migrations.upgrade(app)
    with app.app_context():
        ids = [new_id() for _ in range(accounts)]
        hashed = passwords.current().hash(password)
        print(hashed)
        with transaction():
            for rows in _batches(_accounts(ids, hashed)):
                db.session.execute(insert(Account), rows)
            for rows in _batches(_sessions(ids, sessions)):
                db.session.execute(insert(Session), rows)


def _accounts(ids: list[str], hashed: str) -> Iterator[dict[str, Any]]:
    now = utc_now()
    for number, account_id in enumerate(ids):
        email = f"user{number}@example.com"
        rest = {"name": "A user", "password_hash": hashed, "created_at": now, "verified_at": now}
        yield {"id": account_id, "email": email, "email_key": email, "role": "member", **rest}


def _sessions(ids: list[str], counts: list[int]) -> Iterator[dict[str, Any]]:
    end = utc_now() + timedelta(days=30)
    for account_id, count in zip(ids, counts, strict=False):
        for _ in range(count):
            yield {"id": new_id(), "account_id": account_id, "expires_at": end}


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], [int(count) for count in sys.argv[3:]])
