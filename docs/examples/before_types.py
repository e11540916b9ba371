"""Before you begin: type hints, a dataclass, and the two stars."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class Account:
    id: int
    email: str
    name: str | None = None  # text or None; None if nothing is given


def answer(status: int, **fields: Any) -> dict[str, Any]:
    return {"status": status, **fields}


mina = Account(id=1, email="mina@example.com")
print(mina)
print(mina == Account(1, "mina@example.com"))
print(asdict(mina))
print(answer(201, **asdict(mina)))
print(Account(id="one", email="jisu@example.com"))  # a wrong type, and Python takes it
