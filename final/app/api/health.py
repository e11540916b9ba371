"""`/health` and `/version`: is it alive, is it ready, which commit is it. Chapter 7."""

from __future__ import annotations

from flask import Blueprint, Response, current_app
from flask.views import MethodView

from ..representation import answer
from ..services import health

bp = Blueprint("health", __name__)


class Live(MethodView):
    """For a probe that restarts a process that hangs. It asks no database: a restart would mend none."""

    def get(self) -> Response:
        """Answer 200."""
        return answer({"status": "live"})


class Ready(MethodView):
    """For a load balancer, which sends requests here."""

    def get(self) -> Response:
        """Answer 200, or 503 while the database is not reachable or not migrated."""
        health.must_be_ready()
        return answer({"status": "ready"})


class Version(MethodView):
    """For an operator who wants to know whether a deployment has arrived."""

    def get(self) -> Response:
        """Answer what the image was built from; null where the build did not say."""
        return answer({"commit": current_app.config["COMMIT"], "built_at": current_app.config["BUILT_AT"]})


bp.add_url_rule("/health/live", view_func=Live.as_view("live"))
bp.add_url_rule("/health/ready", view_func=Ready.as_view("ready"))
bp.add_url_rule("/version", view_func=Version.as_view("version"))
