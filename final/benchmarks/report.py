"""The tables, in Markdown: ratios first, since nothing else is claimed."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from .contenders import HELLO, OURS
from .numbers import Spread, ratios

#: Every word that is shown, so that the site can give it in another language.
WORDS = {
    "contender": "contender",
    "me": "own account",
    "refresh": "refresh",
    "login": "log in",
    "health": "health",
    "revokes": "revoked is refused",
    "yes": "yes",
    "no": "**no**",
    "nothing to revoke": "–",
    "rate": "{name}, requests/s",
    "cpu": "{name}, µs of processor",
    "p99": "{name}, p99 ms",
    "times": "{:.2f} ({:.2f}–{:.2f})",
    "memory": "memory, MiB",
    "memory_after": "after the flood, MiB",
    "start_up": "start, s",
    "versions": "versions",
    "quiet": "p99 quiet, ms",
    "flood": "p99 in the flood, ms",
    "slower": "slower by",
    "argon2": "Argon2 alone",
    "pynacl": "Argon2 alone, by the package of ours",
    "sqlite": "SQLite",
    "postgresql": "PostgreSQL",
    "accounts": "accounts",
    "sessions": "sessions of the account",
    "clients": "connections",
    "workers": "processes",
    "logins": "log-ins/s",
    "of the first": "of the first",
}

Rows = list[list[str]]


def markdown(result: dict[str, Any], words: dict[str, str] = WORDS) -> str:
    """Return every table of a result, one below the other."""
    parts = [f"{result['date']}, {result['machine']['processor']}, {result['command']}"]
    for database in result["databases"]:
        parts += [
            f"## {words[database]}",
            table(faster(result, database, words)),
            table(rates(result, database, words)),
        ]
    parts += [table(login_limit(result, words)), table(flood(result, words)), table(weight(result, words))]
    parts += [table(curve(result, name, words)) for name in result["curves"]]
    return "\n\n".join(parts) + "\n"


def faster(result: dict[str, Any], database: str, words: dict[str, str]) -> Rows:
    """How many times ours answers, for each answer of a contender: median of the rounds, and the extremes."""
    contenders = result["databases"][database]
    names = _workloads(contenders)
    rows = [[words["contender"], *(words[name] for name in names), words["revokes"]]]
    for key, other in contenders.items():
        if key != OURS:
            cells = [_times(compared(contenders, key, name), words) for name in names]
            rows.append([other["title"], *cells, _revokes(other, words)])
    return rows


def compared(contenders: dict[str, Any], name: str, workload: str) -> Spread | None:
    """Return how many times as much as ``name`` ours does in a second; None where one of them cannot."""
    # The bare Flask has one route, beside which everything of ours is shown but what is slow on purpose.
    beside = "health" if name == HELLO and workload != "login" else workload
    ours, theirs = contenders[OURS]["runs"].get(workload), contenders[name]["runs"].get(beside)
    if not ours or not theirs:
        return None
    return ratios(_all(ours, "rate"), _all(theirs, "rate"))


def rates(result: dict[str, Any], database: str, words: dict[str, str]) -> Rows:
    """Requests a second and processor time a request: of that machine, for a reader who compares runs."""
    contenders = result["databases"][database]
    names = _workloads(contenders)
    rows = [
        [
            words["contender"],
            *(words[what].format(name=words[name]) for name in names for what in ("rate", "cpu")),
        ]
    ]
    for one in contenders.values():
        cells = [_median(one["runs"].get(name), what, 0) for name in names for what in ("rate", "cpu")]
        rows.append([one["title"], *cells])
    return rows


def login_limit(result: dict[str, Any], words: dict[str, str]) -> Rows:
    """Log-ins, as a part of what Argon2 alone allows on the same processor, by the package of the peers."""
    alone = result["argon2_alone"]
    rows = [[words["contender"], words["login"] + " / " + words["argon2"]]]
    for one in result["databases"]["sqlite"].values():
        if "login" in one["runs"]:
            share = ratios(_all(one["runs"]["login"], "rate"), alone["argon2-cffi"])
            rows.append([one["title"], _times(share, words)])
    rows.append([words["pynacl"], _times(ratios(alone["pynacl"], alone["argon2-cffi"]), words)])
    return rows


def flood(result: dict[str, Any], words: dict[str, str]) -> Rows:
    """How long others wait while passwords are tried without pause."""
    rows = [[words["contender"], words["quiet"], words["flood"], words["slower"]]]
    for one in result["databases"]["sqlite"].values():
        if runs := one["runs"].get("flood"):
            slower = ratios(_all(runs, "flood_p99"), _all(runs, "quiet_p99"))
            cells = [
                _median(runs, "quiet_p99", 1),
                _median(runs, "flood_p99", 1),
                _times(slower, words, digits=1),
            ]
            rows.append([one["title"], *cells])
    return rows


def weight(result: dict[str, Any], words: dict[str, str]) -> Rows:
    """Memory with one process that answers, the time to the first answer, and what exactly it was."""
    heads = ("contender", "memory", "memory_after", "start_up", "versions")
    rows = [[words[name] for name in heads]]
    for one in result["databases"]["sqlite"].values():
        versions = ", ".join(f"{name} {version}" for name, version in one["versions"].items())
        weights = (f"{one['memory']:.0f}", f"{one['memory_after']:.0f}", f"{one['start_up']:.1f}")
        rows.append([one["title"], *weights, versions])
    return rows


def curve(result: dict[str, Any], name: str, words: dict[str, str]) -> Rows:
    """One curve of ours: processor time a request, or log-ins a second, as parts of the first point's."""
    points = result["curves"][name]
    what, title = (
        ("rate", words["logins"]) if name == "workers" else ("cpu", words["cpu"].format(name=words["me"]))
    )
    rows = [[words[name], title, words["of the first"], *([words["memory"]] if name == "workers" else [])]]
    for point in points:
        grown = ratios(_all(point["runs"], what), _all(points[0]["runs"], what))
        cells = [f"{point['x']:,}", _median(point["runs"], what, 0), _times(grown, words)]
        rows.append([*cells, *([f"{point['memory']:.0f}"] if name == "workers" else [])])
    return rows


def table(rows: Rows) -> str:
    """Return rows as a table of Markdown; the first is the head, and numbers stand on the right."""
    head, *body = rows
    numbers = (all(row[at][0].isdigit() or row[at] == "–" for row in body) for at in range(1, len(head)))
    lines = [head, ["---", *("---:" if number else "---" for number in numbers)], *body]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def _workloads(contenders: dict[str, Any]) -> list[str]:
    return [name for name in ("me", "refresh", "login", "health") if name in contenders[OURS]["runs"]]


def _all(runs: Sequence[dict[str, float]], what: str) -> list[float]:
    return [run[what] for run in runs]


def _median(runs: Sequence[dict[str, float]] | None, what: str, digits: int) -> str:
    return f"{median(_all(runs, what)):,.{digits}f}" if runs else "–"


def _times(found: Spread | None, words: dict[str, str], digits: int = 2) -> str:
    if found is None:
        return "–"
    return words["times"].replace(".2f", f".{digits}f").format(*found)


def _revokes(one: dict[str, Any], words: dict[str, str]) -> str:
    if one["access_refused"] is None:
        return words["nothing to revoke"]
    return words["yes"] if one["revokes"] else words["no"]
