"""What can go wrong, named by its meaning. Nothing here knows HTTP: commands raise these too."""


class ServiceError(Exception):
    """The service refuses a request. The client may read the text."""


class InvalidInput(ServiceError):
    """The body or the query of the request is wrong."""

    def __init__(self, text: str = "some fields are wrong", faults: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.faults = faults or {}  # field: what is wrong with it


class UnsupportedContent(ServiceError):
    """The body has a content type that the service does not read."""


class NotLoggedIn(ServiceError):
    """The request has no valid access token."""


class WrongCredentials(ServiceError):
    """A log-in with a wrong e-mail or password."""


class NotAllowed(ServiceError):
    """The account may not do this."""


class NoSuchAccount(ServiceError):
    """The account does not exist, or the client may not see it."""


class EmailTaken(ServiceError):
    """The e-mail has an account already."""


class TryLater(ServiceError):
    """Not now, but in ``seconds_left``."""

    def __init__(self, text: str, seconds_left: int) -> None:
        super().__init__(text)
        self.seconds_left = seconds_left


class TooManyRequests(TryLater):
    """Slow down."""


class InMaintenance(TryLater):
    """The service is being worked on."""


class NotReady(TryLater):
    """Something that the service needs, such as the database, does not answer."""
