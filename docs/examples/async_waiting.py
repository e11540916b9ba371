"""Where to go next: what async gives, what it does not, and what it costs, each as a ratio of two runs."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask
from other_server import ask, ask_async, other
from quart import Quart

REQUESTS = 16  # sent at once
THREADS = 4  # of a worker, as `gunicorn --threads 4` has them


async def ask_without_await() -> bytes:
    return ask()  # holds the only thread: nobody else is served in the meantime


def ask_four() -> bytes:
    return b" ".join(ask() for _ in range(4))


async def ask_four_async() -> bytes:
    return b" ".join(await asyncio.gather(*(ask_async() for _ in range(4))))


def count() -> bytes:
    return str(sum(range(1_000_000))).encode()  # nothing to wait for: the processor is busy


async def count_async() -> bytes:
    return count()


def nothing() -> bytes:
    return b""


async def nothing_async() -> bytes:
    return b""


def flask(view: Callable, requests: int = REQUESTS) -> tuple[float, int]:
    """Return the seconds that a worker with THREADS threads takes, and how many waited at once."""
    app = Flask(__name__)
    app.add_url_rule("/", view_func=view)
    other.most, start = 0, time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(lambda _: app.test_client().get("/"), range(requests)))
    return check(answers, start)


def quart(view: Callable, requests: int = REQUESTS) -> tuple[float, int]:
    """Return the seconds that one thread with an event loop takes, and how many waited at once."""
    app = Quart(__name__)
    app.add_url_rule("/", view_func=view)

    async def send_all() -> list:
        return await asyncio.gather(*(app.test_client().get("/") for _ in range(requests)))

    other.most, start = 0, time.perf_counter()
    return check(asyncio.run(send_all()), start)


def check(answers: list, start: float) -> tuple[float, int]:
    seconds = time.perf_counter() - start
    if any(answer.status_code != 200 for answer in answers):
        raise SystemExit("a request failed: this measures nothing")
    return seconds, other.most


def best(framework: Callable, *arguments: Any) -> tuple[float, int]:
    """Return the best of five runs: what disturbs a busy processor only ever makes a run longer."""
    return min(framework(*arguments) for _ in range(5))


def compare(title: str, rows: dict[str, tuple[float, int]]) -> None:
    """Print how many times as fast as the first row each is, and how many requests waited at once."""
    print(title)
    first, _ = next(iter(rows.values()))
    for name, (seconds, most) in rows.items():
        waiting = f", {most:>2} waiting at once" if most else ""
        print(f"  {name:<26}{first / seconds:5.1f} times as fast{waiting}")


def main() -> None:
    each_waits = {
        "Flask, def": flask(ask),
        "Flask, async def": flask(ask_async),
        "Quart": quart(ask_async),
        "Quart, but without await": quart(ask_without_await),
    }
    compare(f"{REQUESTS} requests, each waits for another server", each_waits)
    one_waits = {"Flask, def": flask(ask_four, 1), "Flask, async def": flask(ask_four_async, 1)}
    compare("one request that waits for four answers", one_waits)
    compute = {"Flask, def": best(flask, count), "Quart": best(quart, count_async)}
    compare(f"{REQUESTS} requests that compute", compute)
    for_nothing = {
        "Flask, def": best(flask, nothing, 500),
        "Flask, async def": best(flask, nothing_async, 500),
    }
    compare("500 requests that do nothing", for_nothing)


if __name__ == "__main__":
    main()
