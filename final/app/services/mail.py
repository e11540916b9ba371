"""The outbox: a mail is queued in the transaction that it tells of, and sent by a thread of its own.

A mail server that is down therefore loses nothing and slows nothing down, and no request takes longer because
there is something to write. Several processes share the outbox: the one that changes a row first sends it.
"""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from threading import Event, Lock, Thread

from flask import Flask, current_app
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.exc import OperationalError

from .. import metrics
from ..database import affected, after_commit, fetch_all, transaction
from ..extensions import db
from ..models import Account, Kind, Mail
from ..models.columns import utc_now
from . import letters, smtp

BATCH = 20
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=2), timedelta(hours=1)
MOST_ATTEMPTS = 30  # after a day; by then the links of most letters have expired

log = logging.getLogger(__name__)

_DUE = (
    select(Mail.id, Mail.attempts)
    .where(Mail.due_at <= bindparam("now"))
    .order_by(Mail.attempts, Mail.due_at, Mail.id)  # those that failed wait for those that have not
    .limit(BATCH)
)


def init_app(app: Flask) -> None:
    """Give ``app`` a way to send letters and, unless MAIL_INTERVAL is 0, a thread that does."""
    config = app.config
    app.extensions["mail"] = smtp.read_url(config["SMTP_URL"], config["PUBLIC_URL"], config["MAIL_FROM"])
    app.extensions["mail_sender"] = sender = Sender(app, config["MAIL_INTERVAL"])
    # Not at once: commands need no thread, and one that is made before the server forks is left behind.
    app.before_request(sender.start)


def queue(
    kind: Kind, account_id: str | None = None, email: str | None = None, sign_up: Account | None = None
) -> None:
    """Have a mail sent once this transaction is committed. Only inside of `transaction()`.

    Args:
        account_id: whose it is. None for a notice, which is sent also where the account is gone.
        email: where it goes; None for the address that the account has when it is sent.
        sign_up: what its link makes of the account, None where that is as it should be.
    """
    if account_id is not None or email is None:
        # A request that deletes the account now waits, or has done it. An unknown e-mail costs the same work.
        mine = select(Account.id).where(Account.id == (account_id or ""))
        account_id = db.session.scalar(mine.with_for_update(read=True, key_share=True))
    wanted = {"name": sign_up.name, "password_hash": sign_up.password_hash} if sign_up else {}
    db.session.add(Mail(kind=kind, account_id=account_id, email=email, **wanted))
    after_commit(current_app.extensions["mail_sender"].wake)


def deliver() -> None:
    """Send what is due, until nothing is left or the mail server does not answer."""
    while due := fetch_all(_DUE, now=utc_now()):
        for mail_id, attempts in due:
            if not _deliver(mail_id, attempts):
                return


class Sender:
    """The thread that sends, one in each process; it is started when it is first needed.

    Args:
        interval: seconds after which it looks for what is to be tried again, and for what others left.
    """

    def __init__(self, app: Flask, interval: int) -> None:
        self._app = app
        self._interval = interval
        self._woken = Event()
        self._lock = Lock()
        self._process: int | None = None  # whose thread this is; a fork takes no threads along
        self._thread: Thread | None = None
        self._stopping = False

    def start(self) -> None:
        """See to it that the thread runs."""
        if self._process == os.getpid() or not self._interval:
            return
        with self._lock:
            if self._process != os.getpid():
                self._process = os.getpid()
                self._thread = Thread(target=self._run, name="mail", daemon=True)
                self._thread.start()

    def wake(self) -> None:
        """Say that there is something to send."""
        self.start()
        self._woken.set()

    def stop(self) -> None:
        """End the thread once it has sent its current mail; the next process sends the others."""
        self._stopping = True
        self._woken.set()
        if self._thread is not None and self._process == os.getpid():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            try:
                with self._app.app_context():
                    deliver()
            except Exception as error:  # the database is down, say: the thread has to outlive that
                log.error("mail: %s, trying again", type(error).__name__)
            self._woken.wait(self._interval)
            self._woken.clear()


def _deliver(mail_id: str, attempts: int) -> bool:
    """Send one mail, unless another process does, and say whether the mail server can take more.

    An error of one mail does not stop the next: only a server that cannot be reached, or a database that is
    away, ends the round.
    """
    kind = _claim(mail_id, attempts)
    if kind is None:
        return True
    try:
        _send(mail_id)
    except OperationalError:  # the database is away: the thread tries again
        raise
    except (OSError, smtp.Deferred) as error:
        # Not with what the server said, which often repeats the address.
        why = str(error) if isinstance(error, smtp.Deferred) else type(error).__name__
        if attempts + 1 < MOST_ATTEMPTS:
            log.warning("mail %s (%s) is not sent yet: %s, attempt %s", mail_id, kind, why, attempts + 1)
            return isinstance(error, smtp.Deferred)
        _give_up(mail_id, kind, f"{why}, attempt {attempts + 1}")
    except smtp.Undeliverable as error:
        _give_up(mail_id, kind, str(error))
    except Exception as error:  # it cannot be written, and never could be
        _give_up(mail_id, kind, type(error).__name__)
    with transaction():
        db.session.execute(delete(Mail).where(Mail.id == mail_id))
    return True


def _claim(mail_id: str, attempts: int) -> str | None:
    """Make this mail ours, and return its kind; None where another process has it.

    A compare-and-swap: of all who read the same number of attempts one changes it. When to try again is
    committed before it is tried, so that neither a process that dies over it nor a mail that cannot be
    written keeps the others waiting.
    """
    pause = min(FIRST_PAUSE * 2**attempts, LONGEST_PAUSE)
    mine = update(Mail).where(Mail.id == mail_id, Mail.attempts == attempts)
    with transaction():
        if affected(mine.values(attempts=attempts + 1, due_at=utc_now() + pause)) == 0:
            return None
        return db.session.scalar(select(Mail.kind).where(Mail.id == mail_id))


def _send(mail_id: str) -> None:
    """Write the letter of a mail and send it; do nothing if it is not wanted any more."""
    with transaction():
        mail = db.session.get(Mail, mail_id, populate_existing=True)
        letter = letters.compose(mail) if mail else None
    if letter is not None:
        transport: smtp.Smtp | smtp.IntoTheLog = current_app.extensions["mail"]
        transport.send(letter)


def _give_up(mail_id: str, kind: str, why: str) -> None:
    log.error("mail %s (%s) is given up: %s", mail_id, kind, why)
    metrics.current().count_event("mail", "given_up")
