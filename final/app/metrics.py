"""Numbers for Prometheus: how many requests, how long they took, and what became of log-ins. Chapter 5.

Nothing here says who: no account, no address, and of a path only the rule of its view. So the number of
series is that of the views, whatever clients send. Several processes add up by files, in the folder that
PROMETHEUS_MULTIPROC_DIR names.
"""

from __future__ import annotations

import os
import time
from typing import cast

from flask import Flask, current_app, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)  # seconds
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Metrics:
    """What one application counts. An application's own: two of them in one process count apart."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Histogram(
            "http_request_duration_seconds",
            "Requests by method, rule of the view and status, and how long they took",
            ["method", "route", "status"],
            registry=self.registry,
            buckets=BUCKETS,
        )
        self._series: dict[tuple[str, str, int], Histogram] = {}  # looked up once: there are not many
        self._events = Counter(
            "accounts_events_total",
            "What the audit has a row for, by action and outcome: log-ins, refreshes with an old token",
            ["action", "outcome"],
            registry=self.registry,
        )

    def observe_request(self, status: int) -> None:
        """Count the request that was answered with ``status``."""
        method = request.method if request.method in METHODS else "other"
        route = request.url_rule.rule if request.url_rule else "none"
        seconds = time.perf_counter() - float(g.started)
        which = (method, route, status)
        series = self._series.get(which) or self._series.setdefault(which, self._requests.labels(*which))
        series.observe(seconds)

    def count_event(self, action: str, outcome: str) -> None:
        """Count what happened, as the audit names it."""
        self._events.labels(action, outcome).inc()

    def text(self) -> bytes:
        """Return everything in the format of Prometheus: of all processes where they share a folder."""
        if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)


def init_app(app: Flask) -> None:
    """Give ``app`` its counters."""
    app.extensions["metrics"] = Metrics()


def current() -> Metrics:
    """Return the counters of the application that runs."""
    return cast(Metrics, current_app.extensions["metrics"])
