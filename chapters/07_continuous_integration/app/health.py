"""What a machine asks that looks after this one: do you live, can you work, what are you. Practice 7."""

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
    """For whoever restarts a process that hangs. A database that is down is no reason: nobody is asked."""

    def get(self) -> Response:
        return self.answer({"status": "live"})


class ReadyView(BaseView):
    """For whoever sends requests here: not before the database answers."""

    def get(self) -> Response:
        ask_database()
        return self.answer({"status": "ready"})


class VersionView(BaseView):
    """For whoever deployed and wants to know whether it has arrived."""

    def get(self) -> Response:
        return self.answer(
            {"commit": current_app.config["COMMIT"], "built_at": current_app.config["BUILT_AT"]}
        )


def ask_database() -> None:
    """Read from the database, no matter what.

    Raises:
        NotReady: it does not answer.
    """
    try:
        db.session.scalar(select(Account.id).limit(1))
    except SQLAlchemyError:
        raise NotReady("the database does not answer", seconds_left=5) from None


bp.register_error_handler(ServiceError, errors.as_problem)
bp.add_url_rule("/health/live", view_func=LiveView.as_view("live"))
bp.add_url_rule("/health/ready", view_func=ReadyView.as_view("ready"))
bp.add_url_rule("/version", view_func=VersionView.as_view("version"))
