"""What can go wrong, by its meaning. Nothing here knows of HTTP: a command raises these like a view."""


class ServiceError(Exception):
    """Something that was asked for cannot be done. Its text is fit to be shown to whoever asked."""


class InvalidInput(ServiceError):
    """What was sent is not what was asked for."""

    def __init__(self, text: str = "some fields are wrong", faults: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.faults = faults or {}  # field: what is wrong with it


class UnsupportedContent(ServiceError):
    """The body is of a type that nobody here reads."""


class NotLoggedIn(ServiceError):
    """Nobody knows who is asking."""


class NotAllowed(ServiceError):
    """Who is asking may not do this."""


class NoSuchAccount(ServiceError):
    """There is no such account, or none that this one may see."""


class EmailTaken(ServiceError):
    """An e-mail address has one account."""


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
