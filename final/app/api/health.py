"""`/health`: whether the process runs, and whether it can do its work. Chapter 7, continuous integration."""

from __future__ import annotations

from flask import Blueprint, Response
from flask.views import MethodView

from ..representation import answer
from ..services import health

bp = Blueprint("health", __name__, url_prefix="/health")


class Live(MethodView):
    """For whoever restarts a process that hangs. A database that is down is no reason to: nobody is asked."""

    def get(self) -> Response:
        """Answer."""
        return answer({"status": "live"})


class Ready(MethodView):
    """For whoever sends requests here."""

    def get(self) -> Response:
        """Answer 200, or 503 while the database is not reachable or not migrated."""
        health.must_be_ready()
        return answer({"status": "ready"})


bp.add_url_rule("/live", view_func=Live.as_view("live"))
bp.add_url_rule("/ready", view_func=Ready.as_view("ready"))
