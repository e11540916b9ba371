"""The configuration: a class for each environment that the application runs in. Practice 2."""


class Config:
    """The settings that all environments share. They are strict: a subclass loosens what it needs."""

    HOST = "127.0.0.1"
    PORT = 5000
    SQLALCHEMY_DATABASE_URI = "sqlite:///accounts.sqlite"  # in the folder instance/
    JWT_SECRET_KEY: str | None = None
    JWT_ACCESS_TOKEN_EXPIRES = 10 * 60  # seconds
    PASSWORD_HASH_METHOD = "scrypt"
    ALLOW_WEAK_SECRET = False


class DevelopmentConfig(Config):
    """A developer's laptop: starts with nothing set."""

    JWT_SECRET_KEY = "development-only, everybody can read this secret"
    ALLOW_WEAK_SECRET = True


class TestingConfig(Config):
    """The tests: a database in memory, and passwords hashed at a low cost."""

    TESTING = True
    SQLALCHEMY_DATABASE_URI = "sqlite://"
    JWT_SECRET_KEY = "testing-only, everybody can read this secret"
    PASSWORD_HASH_METHOD = "scrypt:256:8:1"
    ALLOW_WEAK_SECRET = True


class ProductionConfig(Config):
    """A server. The operator sets its secret: FLASK_JWT_SECRET_KEY=..."""
