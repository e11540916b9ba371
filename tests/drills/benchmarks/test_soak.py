"""The soak notices what it is for: growing memory, missing rows, wrong responses."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from final.benchmarks import soak
from final.benchmarks.soak_proof import growth, the_audit_adds_up
from final.benchmarks.soak_users import Account, Lost, Tally, Tokens, User


def test_a_line_is_found_in_noise() -> None:
    """Two MiB a minute are 120 an hour, whatever the noise around them."""
    samples = [(60.0 * minute, 100 + 2 * minute + (0.5 if minute % 2 else -0.5)) for minute in range(30)]

    found = growth(samples)

    assert found["per_hour"] == pytest.approx(120, rel=0.02)
    assert found["grown"] == pytest.approx(58, rel=0.02)
    assert found["noise"] == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize(("rate", "faults"), [(0.0, 0), (0.5, 1)])
def test_memory_that_grows_beyond_noise_is_a_fault(rate: float, faults: int) -> None:
    """Half a MiB with every sample is a leak, noise of one MiB is not."""
    tally = Tally()

    soak.memory([(5.0 * number, 100 + rate * number + number % 2) for number in range(100)], tally)

    assert len(tally.faults) == faults


def test_a_server_error_is_a_fault_and_being_busy_is_none() -> None:
    """503 is documented, 500 never allowed."""
    tally = Tally()
    for status in (200, 503, 500, 500):
        tally.answered(status)

    assert soak.judged(tally) == ["2 times 500"]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Two accounts with their audit, and one log-in."""
    file = tmp_path / "soak.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("""
            CREATE TABLE accounts (id); INSERT INTO accounts VALUES (1), (2);
            CREATE TABLE sessions (id); INSERT INTO sessions VALUES (1);
            CREATE TABLE audit_events (action, outcome);
            INSERT INTO audit_events VALUES ('account.create', 'done'), ('account.create', 'done');
            INSERT INTO audit_events VALUES ('login', 'done'), ('login', 'failed');
        """)
    return file


def tally_of(**operations: int) -> Tally:
    tally = Tally()
    for name, count in operations.items():
        tally.operations[name.replace("_", "-")] = count
    return tally


def test_an_audit_that_adds_up_is_no_fault(database: Path) -> None:
    """A log-in that failed has a row, and no session."""
    tally = tally_of(sign_up=2)

    sums = the_audit_adds_up(database, tally)

    assert tally.faults == []
    assert {"sum": "sessions = audit of log-ins", "left": 1, "right": 1} in sums


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("DELETE FROM accounts WHERE id = 1", "accounts = sign-ups: 1 and 2"),
        ("INSERT INTO sessions VALUES (2)", "sessions = audit of log-ins: 2 and 1"),
        ("INSERT INTO audit_events VALUES ('session.end', 'done')", "log-outs + revocations: 1 and 0"),
    ],
)
def test_what_is_lost_or_double_is_a_fault(database: Path, change: str, fault: str) -> None:
    """One row is enough."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(change)
        connection.commit()
    tally = tally_of(sign_up=2)

    the_audit_adds_up(database, tally)

    assert any(fault in found for found in tally.faults)


class Scripted(User):
    """A user whose service answers from a list; an exception in it is a lost response."""

    def __init__(self, *answers: object) -> None:
        super().__init__(0, 0, Tally(), None)  # type: ignore[arg-type] - it is never told to stop
        self._answers = list(answers)

    def ask(self, method: str, path: str, body: object = None, token: str = "") -> tuple[int, object]:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[return-value]

    @property
    def faults(self) -> list[str]:
        return self._tally.faults


def account() -> Account:
    return Account("mina@example.com", "a password", [Tokens("access", "refresh")])


def test_an_answer_that_got_lost_may_have_been_carried_out() -> None:
    """A log-out that gets 401 when repeated succeeded the first time; otherwise it is a fault."""
    lost = Scripted(Lost(), (401, None), (401, None))
    lost.log_out(account())
    plain = Scripted((401, None))
    plain.log_out(account())

    assert (lost.faults, plain.faults) == ([], ["log-out: 401"])


def test_a_session_that_lives_on_is_a_fault() -> None:
    """After the log-out its token must be refused."""
    user = Scripted((204, None), (200, {}))

    user.log_out(account())

    assert user.faults == ["a session that was ended is answered 200"]


def test_the_account_of_somebody_else_is_a_fault() -> None:
    """The worst of all."""
    user = Scripted((200, {"email": "jun@example.com"}))

    user.look(account())

    assert user.faults == ["mina@example.com was shown the account of jun@example.com"]
