"""The configuration, a class for each place the service runs in. Chapter 2, factory and configuration.

Every setting can be given by the environment as `FLASK_<NAME>`, or in `instance/config.toml`; the environment
wins. `DATABASE_URL` and `REDIS_URL` are understood too, because that is what hosting platforms set. With
`_FILE` behind its name, a variable names a file that the setting stands in, as secrets are handed over.
"""

import os


class Config:
    """What every place has in common. Strict: a child loosens what it needs."""

    PRODUCTION = True  # refuse debug and weak secrets, and the commands that are for trying out

    # Where `python run.py` listens.
    HOST = "127.0.0.1"
    PORT = 8001

    # How many items a page of a list has where the client asks for no other number.
    PAGE_SIZE = 20

    # SQLite, where a relative path is below instance/; `postgresql://user@host/name` for several machines.
    SQLALCHEMY_DATABASE_URI = "sqlite:///accounts.sqlite"
    # Connections to PostgreSQL that a process keeps, of each of two kinds: as many as it has threads. With
    # one more of each, it never has above 2 * (6 + 1) = 14. The `max_connections` of the server, 100 by
    # default, are for 14 times the processes of all machines, for the commands, and for the operator: six
    # processes. Then raise it, or make this smaller: threads wait for each other.
    DATABASE_POOL = 6

    # Seals what is secret in the database, and marks refresh tokens as ours. The same on all machines.
    SECRET_KEY: str | None = None

    # Access tokens (RFC 9068): who issues them, for whom, for how many seconds, and how they are signed:
    # ES256, EdDSA or RS256. Another algorithm ends the tokens of before.
    TOKEN_ISSUER = "accounts"
    TOKEN_AUDIENCE = "accounts"
    JWT_ACCESS_TOKEN_EXPIRES = 10 * 60
    TOKEN_ALGORITHM = "ES256"

    # A session ends this many seconds after its log-in (ASVS 7.3.2), or when its client has not used it for
    # so many (7.3.1). No refresh prolongs the first.
    SESSION_LIFETIME = 30 * 24 * 60 * 60
    SESSION_IDLE = 7 * 24 * 60 * 60
    # For how many seconds after a refresh the token of before still gets the same answer: it was lost on the
    # way, or a second window asked too. 0 is the strict reading of RFC 9700: the session ends.
    REFRESH_LEEWAY = 10
    # What takes a recent log-in, as an admin's change of another account does, takes one of the last so many
    # seconds (RFC 9470). A refresh does not count as one.
    AUTHENTICATION_MAX_AGE = 15 * 60
    # Whether an admin without a second factor may only set one up, and look after their own account.
    ADMIN_MFA_REQUIRED = False

    # Passwords: Argon2id at the first choice of the OWASP Password Storage Cheat Sheet, 18 ms of a processor.
    ARGON2_MEMORY = 19456  # KiB
    ARGON2_TIME = 2  # passes over that memory
    # Hashes running and waiting in one process. One runs at a time; keep this below the threads of a worker,
    # so that a flood of bad logins cannot occupy them all (trap 7 in the tour of this service).
    PASSWORD_SLOTS = 4

    # Mail. Its links lead to PUBLIC_URL, where people reach this service, never to the `Host` of a request.
    PUBLIC_URL = "http://127.0.0.1:8001"
    # smtps://USER:PASSWORD@HOST:PORT speaks TLS from the first byte, smtp:// insists on STARTTLS, and
    # smtp+plain:// is for a server on this machine. Without one, letters go into the log.
    SMTP_URL = ""
    MAIL_FROM = ""  # no-reply@ the host of PUBLIC_URL
    MAIL_INTERVAL = 30  # seconds after which each process looks for mail that is due; 0 sends none
    # How often mail of any kind may be sent to one address in an hour: at the request of one network or known
    # device, and of all networks together.
    MAILS_PER_ACCOUNT = 5
    MAILS_PER_ACCOUNT_IN_ALL = 20
    # Whether an account may log in before its owner has shown that they read its mail.
    REQUIRE_VERIFIED_EMAIL = True
    # After how many days `flask prune` deletes an account that is not confirmed, where that is required
    # and no link to it waits. 0: never.
    UNVERIFIED_DAYS = 7

    # How many proxies of ours a request comes through. Each adds the address it saw to `X-Forwarded-For`;
    # what stands before those is the client's own word, and without a proxy all of it is. The proxy has to
    # drop header names with `_` in them, as nginx does: `X_Forwarded_For` looks the same from here (WSGI).
    PROXIES = 0

    # How often clients may try to log in, and to sign up, in a minute from one address. Raise it where many
    # people share one, as in an office.
    ATTEMPTS_PER_ADDRESS = 60
    # And as one account: from one address or known device, and from all addresses together. A device is known
    # where the account has logged in on it; the last never shuts that out.
    ATTEMPTS_PER_ACCOUNT = 10
    ATTEMPTS_PER_ACCOUNT_IN_ALL = 50
    # And to refresh: a client does it every ten minutes, so this is for 3,000 of them behind one address.
    REFRESHES_PER_ADDRESS = 300
    # How often clients that know the password may try a code, in a quarter of an hour: all known devices
    # together, and all others together. Three of a million codes are good at any moment: at this rate a guess
    # is as likely as not to be right in eight months.
    CODES_PER_ACCOUNT = 10

    # After how many days `flask prune` deletes an event of the audit, and the address in one. 0: never.
    AUDIT_DAYS = 366
    ADDRESS_DAYS = 90

    # Where several processes count those attempts together: `redis://host:6379/0`. Empty: each for itself.
    REDIS_URL = ""

    # Whether /v2/docs shows the API, to be tried out. That page is Flask-RESTX's, with old scripts: keep
    # it off the host where people log in. /v2/openapi.json is always there.
    DOCUMENTATION_PAGE = False

    # Answer 503 to everything but the health checks, and say in how many seconds to come back.
    MAINTENANCE = False
    MAINTENANCE_RETRY_AFTER = 120

    # What the image was built from. Not as FLASK_COMMIT: that is read as JSON, and 12345e6 is a commit.
    COMMIT = os.environ.get("COMMIT") or None
    BUILT_AT = os.environ.get("BUILT_AT") or None

    # What a client may send at most, in bytes: no body of this API is a tenth as long.
    MAX_CONTENT_LENGTH = 16 * 1024


class DevelopmentConfig(Config):
    """A developer's laptop: starts with nothing set."""

    PRODUCTION = False
    SECRET_KEY = "development-only, everybody can read this secret"
    REQUIRE_VERIFIED_EMAIL = False
    DOCUMENTATION_PAGE = True


class TestingConfig(Config):
    """The tests: a database in memory, and passwords hashed at the lowest cost.

    And mail is sent when the test says so. Nothing else differs.
    """

    TESTING = True
    PRODUCTION = False
    SQLALCHEMY_DATABASE_URI = "sqlite://"
    SECRET_KEY = "testing-only, everybody can read this secret"
    REQUIRE_VERIFIED_EMAIL = False
    DOCUMENTATION_PAGE = True
    MAIL_INTERVAL = 0
    ARGON2_MEMORY = 8
    ARGON2_TIME = 1


class ProductionConfig(Config):
    """A server. It has no secret, no address and no mail server of its own, so it has to be given them:
    FLASK_SECRET_KEY=..., FLASK_PUBLIC_URL=https://..., FLASK_SMTP_URL=smtps://...
    """
