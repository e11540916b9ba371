"""The configuration, a class for each place the service runs in. Chapter 2, factory and configuration.

Every setting can be given by the environment as `FLASK_<NAME>`, or in `instance/config.toml`; the environment
wins. `DATABASE_URL` is understood too, because that is what hosting platforms set; so far it has to name
an SQLite file.
"""


class Config:
    """What every place has in common. Strict: a child loosens what it needs."""

    PRODUCTION = True  # refuse debug and weak secrets, and the commands that are for trying out

    # Where `python run.py` listens.
    HOST = "127.0.0.1"
    PORT = 8001

    # A relative path is below instance/.
    SQLALCHEMY_DATABASE_URI = "sqlite:///accounts.sqlite"

    # Not for tokens, which have keys of their own: for what only this service reads again.
    SECRET_KEY: str | None = None

    # Access tokens (RFC 9068): who issues them, for whom, for how many seconds.
    TOKEN_ISSUER = "accounts"
    TOKEN_AUDIENCE = "accounts"
    JWT_ACCESS_TOKEN_EXPIRES = 10 * 60
    KEYS_FOLDER = "keys"  # below instance/; the first key is made on the first run

    # A session ends after this many seconds, whatever happens in it (ASVS 7.3.2).
    SESSION_LIFETIME = 30 * 24 * 60 * 60

    # Passwords: Argon2id at the first choice of the OWASP Password Storage Cheat Sheet, 18 ms of a processor.
    ARGON2_MEMORY = 19456  # KiB
    ARGON2_TIME = 2  # passes over that memory
    # Hashes running and waiting in one process. One runs at a time; keep this below the threads of a worker,
    # so that a flood of bad logins cannot occupy them all (trap 7 in the tour of this service).
    PASSWORD_SLOTS = 4

    # How many proxies of ours a request comes through. Each adds the address it saw to `X-Forwarded-For`;
    # what stands before those is the client's own word, and without a proxy all of it is.
    PROXIES = 0

    # How often somebody may try to log in, and to sign up, in a minute: from one address, and as one account.
    # Raise the first where many people share an address, as in an office.
    ATTEMPTS_PER_ADDRESS = 60
    ATTEMPTS_PER_ACCOUNT = 10

    # Answer 503 to everything but the health checks, and say in how many seconds to come back.
    MAINTENANCE = False
    MAINTENANCE_RETRY_AFTER = 120

    # What a client may send at most, in bytes: no body of this API is a tenth as long.
    MAX_CONTENT_LENGTH = 16 * 1024


class DevelopmentConfig(Config):
    """A developer's laptop: starts with nothing set."""

    PRODUCTION = False
    SECRET_KEY = "development-only, everybody can read this secret"


class TestingConfig(Config):
    """The tests: a database in memory, and passwords hashed at the lowest cost. Nothing else differs."""

    TESTING = True
    PRODUCTION = False
    SQLALCHEMY_DATABASE_URI = "sqlite://"
    SECRET_KEY = "testing-only, everybody can read this secret"
    ARGON2_MEMORY = 8
    ARGON2_TIME = 1


class ProductionConfig(Config):
    """A server. It has no secret of its own, so it has to be given one: FLASK_SECRET_KEY=..."""
