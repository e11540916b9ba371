"""Where settings come from, and which values they may have. Chapter 2, factory and configuration.

A mistake in a setting stops the start with one line, which names it and says how to mend it. It never repeats
the value: that may be a secret.
"""

from __future__ import annotations

import os
import sys
import tomllib
from ipaddress import ip_address
from typing import Any, NoReturn
from urllib.parse import urlsplit

from flask import Flask, current_app

from . import files
from .services.algorithms import GENERATE
from .services.passwords import MAX_MEMORY, MAX_TIME

KINDS = {
    int: "a whole number",
    str: "text (digits need double quotes around them)",
    bool: "true or false",
}
DAY = 24 * 60 * 60
ANY_COUNT = (1, 1_000_000_000)

#: The least and the most that production accepts.
RANGES = {
    "PORT": (1, 65535),
    "DATABASE_POOL": (1, 100),
    "JWT_ACCESS_TOKEN_EXPIRES": (60, 60 * 60),  # a stolen one is good for no longer
    "SESSION_LIFETIME": (60 * 60, 366 * DAY),
    "SESSION_IDLE": (10 * 60, 366 * DAY),  # `last_used_at` is exact to five minutes
    "REFRESH_LEEWAY": (0, 60),
    "AUTHENTICATION_MAX_AGE": (60, DAY),
    "ARGON2_MEMORY": (7168, MAX_MEMORY),
    "ARGON2_TIME": (1, MAX_TIME),
    "PASSWORD_SLOTS": (1, 5),  # of the six threads of gateway.py one has to be left
    "MAIL_INTERVAL": (0, 60 * 60),
    "MAILS_PER_ACCOUNT": ANY_COUNT,
    "MAILS_PER_ACCOUNT_IN_ALL": ANY_COUNT,
    "PROXIES": (0, 10),
    "ATTEMPTS_PER_ADDRESS": ANY_COUNT,
    "ATTEMPTS_PER_ACCOUNT": ANY_COUNT,
    "ATTEMPTS_PER_ACCOUNT_IN_ALL": ANY_COUNT,
    "REFRESHES_PER_ADDRESS": ANY_COUNT,
    "CODES_PER_ACCOUNT": (1, 100),
    "UNVERIFIED_DAYS": (0, 3660),
    "AUDIT_DAYS": (0, 3660),
    "ADDRESS_DAYS": (0, 3660),
    "MAINTENANCE_RETRY_AFTER": (1, DAY),
    "MAX_CONTENT_LENGTH": (4096, 1024 * 1024),
    "PAGE_SIZE": (1, 100),
}
#: By how many passes Argon2 takes, the least memory in KiB (OWASP Password Storage Cheat Sheet).
LEAST_MEMORY = {1: 47104, 2: 19456, 3: 12288, 4: 9216}


def read(app: Flask) -> None:
    """Read instance/config.toml, then the files that variables name, then the variables: the last one wins.

    Raises:
        SystemExit: something cannot be read.
    """
    try:
        app.config.from_file("config.toml", load=tomllib.load, text=False, silent=True)
    except OSError as error:
        sys.exit(f"instance/config.toml cannot be read: {type(error).__name__}; correct who may read it")
    except ValueError:  # without what it says, which may quote the file
        sys.exit("instance/config.toml is not TOML in UTF-8: correct it")
    files.read_settings(app.config)  # FLASK_SECRET_KEY_FILE=/run/secrets/secret_key
    if url := os.environ.get("DATABASE_URL"):
        app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["REDIS_URL"] = os.environ.get("REDIS_URL") or app.config["REDIS_URL"]
    app.config.from_prefixed_env()  # FLASK_PAGE_SIZE=50


def check(app: Flask, defaults: dict[str, Any]) -> None:
    """Stop at a setting that cannot work or, in production, at one that is not safe.

    Args:
        defaults: the settings before anything was read; each has to be of the kind of its default.

    Raises:
        SystemExit: there is one.
    """
    config = app.config
    # The environment is read as JSON, so that a secret of digits arrives as a number.
    config["SECRET_KEY"] = str(config["SECRET_KEY"] or "")
    for name, default in defaults.items():
        kind = type(default)
        if kind is bool and type(config[name]) is int and config[name] in (0, 1):
            config[name] = bool(config[name])  # FLASK_MAINTENANCE=1
        if kind in KINDS and type(config[name]) is not kind:  # True is an int, but no number
            _refuse(name, f"has to be {KINDS[kind]}")
    _check_public_url(config["PUBLIC_URL"], config["PRODUCTION"])
    if config["PRODUCTION"]:
        _check_production(app)


def whole_number(name: str, text: str, least: int, most: int) -> int:
    """Return the number that a variable holds.

    Raises:
        SystemExit: it holds none from ``least`` to ``most``.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and least <= int(text) <= most):
        sys.exit(f"{name} has to be a whole number from {least} to {most}: correct the variable {name}")
    return int(text)


def command(words: str) -> str:
    """Return a command of the service as its operator types it: on a server, `run` has another database."""
    return f"`flask --app {'wsgi' if current_app.config['PRODUCTION'] else 'run'} {words}`"


def _check_production(app: Flask) -> None:
    config = app.config
    if app.debug or config["DEBUG"] or config["TESTING"]:
        sys.exit("DEBUG or TESTING is on in production: unset FLASK_DEBUG and FLASK_TESTING")
    if not _is_random(config["SECRET_KEY"]):
        sys.exit(
            "SECRET_KEY is missing, short, public or easy to guess: set FLASK_SECRET_KEY to 32 random bytes "
            'or more, as `python -c "import secrets; print(secrets.token_hex(32))"` prints them'
        )
    for name, (least, most) in RANGES.items():
        if not least <= config[name] <= most:
            _refuse(name, f"has to be from {least} to {most} in production")
    least = LEAST_MEMORY.get(config["ARGON2_TIME"], 0)
    if config["ARGON2_MEMORY"] < least:
        _refuse("ARGON2_MEMORY", f"has to be at least {least} where ARGON2_TIME is {config['ARGON2_TIME']}")
    if config["TOKEN_ALGORITHM"] not in GENERATE:
        _refuse("TOKEN_ALGORITHM", f"has to be one of {', '.join(GENERATE)}")
    for name in ("TOKEN_ISSUER", "TOKEN_AUDIENCE"):
        if not config[name].strip():
            _refuse(name, "has to have a name")
    if not config["SMTP_URL"]:
        sys.exit("SMTP_URL is missing: set FLASK_SMTP_URL to the mail server, smtps://USER:PASSWORD@HOST")
    if config["SMTP_URL"].startswith("smtp+plain:") and not _is_here(config["SMTP_URL"]):
        _refuse("SMTP_URL", "would send mail unencrypted to another machine: use smtps: or smtp:")


def _check_public_url(url: str, production: bool) -> None:
    if production and not url.startswith("https://"):
        sys.exit("PUBLIC_URL is missing or not https: set FLASK_PUBLIC_URL to where people reach it")
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or "@" in parts.netloc:
        _refuse("PUBLIC_URL", "has to be https://HOST or https://HOST:PORT")
    if parts.path not in {"", "/"} or "?" in url or "#" in url:
        # The account page and its cookie are at the root: behind a path they would half work.
        _refuse("PUBLIC_URL", "has to end with the host, for the service is at the root of one of its own")


def _is_random(secret: str) -> bool:
    """Say whether ``secret`` looks random: long, of many letters, and not one piece again and again."""
    if len(secret.encode()) < 32 or len(set(secret)) < 8 or "-only, everybody can read" in secret:
        return False
    period = (secret + secret).find(secret, 1)  # after so many letters it begins again
    return period >= 16 or period == len(secret)


def _is_here(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse(name: str, why: str) -> NoReturn:
    sys.exit(f"{name} {why}: correct FLASK_{name} or instance/config.toml")
