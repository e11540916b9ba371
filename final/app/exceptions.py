"""What can go wrong, named by its meaning. Chapter 4, error handlers.

Nothing here knows of HTTP: a command raises these like a view.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class FieldError(NamedTuple):
    """What is wrong with one field. Never with its value: that may be a password (trap 4)."""

    field: str
    code: str
    message: str


class ServiceError(Exception):
    """Something that was asked for cannot be done. Its text may be shown to the client or the operator."""

    text = ""
    errors: tuple[FieldError, ...] = ()

    def __str__(self) -> str:
        return self.text


class InvalidInput(ServiceError):
    """Something that was sent is wrong.

    Args:
        errors: what, field by field. `body` names the whole body.
    """

    def __init__(self, errors: Iterable[FieldError]) -> None:
        super().__init__()
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "; ".join(f"{error.field}: {error.message}" for error in self.errors)


def refuse(*problems: FieldError | None) -> None:
    """Raise `InvalidInput` with the ``problems`` that there are; return if there are none."""
    errors = [problem for problem in problems if problem is not None]
    if errors:
        raise InvalidInput(errors)


class LinkRefused(InvalidInput):
    """The token of a mailed link is unknown, used, retired or too old: all look the same."""

    def __init__(self) -> None:
        super().__init__([FieldError("token", "not_valid", "ask for a new link: this one works no more")])


class WrongCredentials(ServiceError):
    """The log-in proved nothing. The answer is the same for every reason."""

    text = "The e-mail or the password is wrong."


class MfaRefused(ServiceError):
    """The token or the code of the second step of a log-in proved nothing, for any reason."""

    text = "The code is wrong or was used before, or too much time has passed; try again, or log in again."


class TokenMissing(ServiceError):
    """The request brings no access token."""

    text = "Log in first."


class TokenRefused(ServiceError):
    """The access token is forged, expired, of another kind, or its session is over."""

    text = "The access token is not valid, or not any more."


class LoginTooOld(ServiceError):
    """The token is good, but this takes a log-in of the last ``max_age`` seconds."""

    text = "Log in again: the last log-in is too long ago for this."

    def __init__(self, max_age: int) -> None:
        super().__init__()
        self.max_age = max_age


class RefreshRefused(ServiceError):
    """The refresh token is not ours, has been used before, or its session is over: all look the same."""

    text = "The refresh token is not valid, or not any more; log in again."


class NotAllowed(ServiceError):
    """The account is known, and may not do this."""

    text = "Your role does not allow this."


class MfaNeeded(NotAllowed):
    """An admin has to have a second factor here, and has none."""

    text = "Admins need a second factor here: set one up."


class WrongPassword(NotAllowed):
    """The token is good, but it may be stolen; the password that would prove the owner is wrong."""

    text = "The current password is wrong."
    errors = (FieldError("current_password", "wrong", "this is not the current password"),)


class WrongCode(NotAllowed):
    """The code that would prove the owner is wrong, too old, or has been used."""

    text = "The code is wrong, or was used before; wait for the next one."
    errors = (FieldError("code", "wrong", "this code is wrong, or was used before; wait for the next one"),)


class NotFromOurPage(NotAllowed):
    """The page of another site may have sent this."""

    text = "Only the account page is answered here."


class AccountNotFound(ServiceError):
    """No account is meant by this, or the asker may not know of it: both look the same."""

    text = "this e-mail has no account"


class SessionNotFound(ServiceError):
    """No session has this id, it is over, or it belongs to another account: all look the same."""

    text = "There is no such session."


class EmailTaken(ServiceError):
    """The e-mail has an account. Only an operator may learn this; registration does not pass it on."""

    text = "This e-mail has an account."


class LastAdmin(ServiceError):
    """Without this account the service would have no admin."""

    text = "This is the last admin: make another account an admin first."


class MfaIsOn(ServiceError):
    """There is a second factor, and only its owner can remove it."""

    text = "There is a second factor: remove it first, by the password and a code."


class MfaIsOff(ServiceError):
    """The account has no second factor to confirm or to remove."""

    text = "There is no second factor; set one up."


class PasswordTooWeak(ServiceError):
    """With a second factor a password may be one that is not enough without."""

    text = "Without a second factor this password is not enough: choose one of 15 characters or more first."
    errors = (FieldError("current_password", "not_enough", "choose one of 15 characters or more first"),)


class VersionRetired(ServiceError):
    """Version 1 of the API was removed."""

    text = "Version 1 is retired. Use version 2."


class ConditionFailed(ServiceError):
    """Another client changed it since this one read it."""

    text = "It was changed meanwhile: read it again."


class ConditionMissing(ServiceError):
    """A change that does not say what it changes could undo the change of another client."""

    text = "Read it first, and say which version you have read."


class TryLater(ServiceError):
    """Not now, but in ``seconds_left``."""

    seconds_left = 1

    def __init__(self, seconds_left: int | None = None) -> None:
        super().__init__()
        if seconds_left is not None:
            self.seconds_left = seconds_left


class TooManyRequests(TryLater):
    """This client asks too often, or all that try this account do together."""

    text = "Too many requests; wait."


class InMaintenance(TryLater):
    """The operator works on the service."""

    text = "The service is being worked on; it will be back."


class TooBusy(TryLater):
    """More passwords are being checked than this process can take on."""

    text = "Too many passwords are being checked at this moment; try again."


class NotReady(TryLater):
    """The database does not answer, or has not been migrated."""

    text = "The service is not ready; try again."
    seconds_left = 5


class KeysUnreadable(NotReady):
    """The signing keys were sealed under another SECRET_KEY; ``remedy`` says what the operator can do."""

    def __init__(self, remedy: str) -> None:
        super().__init__()
        self.text = remedy


class BodyTooSlow(ServiceError):
    """The client took too long to send its body; the service does not wait for the rest."""

    text = "The body did not arrive in time."


class BodyIncomplete(ServiceError):
    """The connection ended before the body did."""

    text = "The body ends before it is complete."
