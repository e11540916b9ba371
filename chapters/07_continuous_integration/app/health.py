"""What a machine asks about the service: does it live, is it ready, which commit is it. Practice 7."""

from flask import Blueprint, Response, current_app
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from . import errors
from .exceptions import NotReady, ServiceError
from .extensions import db
from .models import Account
from .views import BaseView

bp = Blueprint("health", __name__)


class LiveView(BaseView):
    """For the machine that restarts a process that hangs. A database that is down is no reason to."""

    def get(self) -> Response:
        return self.answer({"status": "live"})


class ReadyView(BaseView):
    """For the machine that sends requests here: ready as soon as the database answers."""

    def get(self) -> Response:
        ask_database()
        return self.answer({"status": "ready"})


class VersionView(BaseView):
    """For the job that deployed a commit and waits until it runs."""

    def get(self) -> Response:
        return self.answer(
            {"commit": current_app.config["COMMIT"], "built_at": current_app.config["BUILT_AT"]}
        )


def ask_database() -> None:
    """Read something from the database.

    Raises:
        NotReady: the database does not answer.
    """
    try:
        db.session.scalar(select(Account.id).limit(1))
    except SQLAlchemyError:
        raise NotReady("the database does not answer", seconds_left=5) from None


bp.register_error_handler(ServiceError, errors.as_problem)
bp.add_url_rule("/health/live", view_func=LiveView.as_view("live"))
bp.add_url_rule("/health/ready", view_func=ReadyView.as_view("ready"))
bp.add_url_rule("/version", view_func=VersionView.as_view("version"))
