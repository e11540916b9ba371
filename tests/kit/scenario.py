"""One account and everything a request does to it: its response, the rows of the audit, and the mail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kit.adapter import Client, SignedUp, Stage

MINA = "mina@example.com"
EVENTS = "SELECT action, outcome, account_id, actor_id FROM audit_events ORDER BY id"


class Ask(NamedTuple):
    """A request, and its client. A word in braces becomes an id, a code, or a mailed token."""

    who: str
    method: str
    path: str
    body: dict[str, Any] | None = None


@dataclass(frozen=True)
class Row:
    """One thing that happens, and all its effects.

    Args:
        audit: the action, its outcome, and to whom and by whom: m for Mina, a for the admin, ? for another
            account, - for none; several of them with a comma.
        mail: the subjects of the letters to each address; several of them with a comma.
        after: what has happened before.
        code: what is wrong with the body.
    """

    name: str
    ask: Ask
    status: int
    audit: str = ""
    mail: dict[str, str] = field(default_factory=dict)
    after: tuple[Callable[[Any], None], ...] = ()
    code: str = ""


class Scenario:
    """Mina, who is logged in, at a service whose mail and database the test can look into."""

    def __init__(self, service: Stage, mailbox: Any, in_database: Callable[..., Any]) -> None:
        self.service, self.mailbox, self.in_database = service, mailbox, in_database
        self.mina: SignedUp = service.sign_up(email=MINA)
        self.ids = {self.mina.id: "m", None: "-"}

    def client(self, who: str) -> Client:
        """Return the client of Mina, or one that is not logged in."""
        return self.mina.client if who == "mina" else self.service.client

    def fill(self, text: str) -> str:
        """Replace the words in braces by ids, codes and tokens."""
        raise NotImplementedError

    def send(self, ask: Ask) -> Any:
        """Send a request."""
        body = ask.body and {
            name: self.fill(value) if isinstance(value, str) else value for name, value in ask.body.items()
        }
        return self.client(ask.who).open(ask.method, self.fill(ask.path), json=body)

    def audit(self) -> list[str]:
        """Return the rows of the audit, oldest first."""
        return [
            " ".join((action, outcome, *(self.ids.get(one, "?") for one in ids)))
            for action, outcome, *ids in self.in_database(EVENTS)
        ]

    def mail(self) -> dict[str, str]:
        """Return the subjects of the mail sent now, by address."""
        subjects = defaultdict(list)
        for to, subject in sorted(self.mailbox.fetch()):
            subjects[to].append(subject)
        return {to: ", ".join(found) for to, found in subjects.items()}

    def check(self, row: Row) -> None:
        """Play a row, and check its response, its rows of the audit and its mail, and nothing else."""
        for step in row.after:
            step(self)
        self.mailbox.letters()
        before = len(self.audit())

        answer = self.send(row.ask)

        assert answer.status_code == row.status, answer.text
        if row.code:
            assert row.code in [error["code"] for error in answer.get_json(force=True)["errors"]]
        assert ", ".join(self.audit()[before:]) == row.audit
        assert self.mail() == row.mail
