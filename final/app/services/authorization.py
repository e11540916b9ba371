"""Checks beyond the access token, which may be stolen: a second factor, a recent log-in. Chapter 3.

An admin may have to have a second factor, and a change of another owner's account takes a recent log-in:
RFC 9470, step-up authentication. A session begins with a log-in and with nothing else, so the
moment at which it began is the one that counts. A client that is refused logs in again.
"""

from __future__ import annotations

from datetime import timedelta

from flask import current_app

from ..exceptions import LoginTooOld, MfaNeeded
from ..models import Role
from ..models.columns import utc_now
from .auth import Principal


def check_second_factor(asker: Principal) -> None:
    """Refuse an admin without a second factor, where ADMIN_MFA_REQUIRED is on.

    Raises:
        MfaNeeded: ``asker`` is one.
    """
    if asker.role == Role.ADMIN and asker.mfa_since is None and current_app.config["ADMIN_MFA_REQUIRED"]:
        raise MfaNeeded


def check_recent_login(asker: Principal) -> None:
    """Refuse an account that has not logged in lately.

    Raises:
        LoginTooOld: it is longer ago than AUTHENTICATION_MAX_AGE.
    """
    max_age = int(current_app.config["AUTHENTICATION_MAX_AGE"])
    if asker.logged_in_at < utc_now() - timedelta(seconds=max_age):
        raise LoginTooOld(max_age)
