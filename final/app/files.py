"""Files with secrets: how those below instance/ are written, and how a setting is read from a file."""

from __future__ import annotations

import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path

from flask import Config


def read_settings(config: Config) -> None:
    """Take each setting whose variable ends with `_FILE` from the file that it names.

    `FLASK_SECRET_KEY_FILE=/run/secrets/secret_key`: that is how Docker, Kubernetes and systemd hand over what
    is secret. A variable is inherited by every program that is started, and shown to each user who may
    inspect the container. The line break at the end of a file is not part of it.

    Raises:
        SystemExit: the file is missing, or this user may not read it.
    """
    names = {f"FLASK_{name}_FILE": name for name in config}
    names |= {"DATABASE_URL_FILE": "SQLALCHEMY_DATABASE_URI", "REDIS_URL_FILE": "REDIS_URL"}
    for variable in names.keys() & os.environ.keys():
        try:
            text = Path(os.environ[variable]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            sys.exit(f"{variable} names a file that cannot be read: {type(error).__name__}")
        config[names[variable]] = text.rstrip("\r\n")


def keep_private(file: Path, content: bytes) -> bytes:
    """Write ``content`` to ``file`` unless it is there already, and return what is in it then.

    Several workers may be on their first run at once. Each writes a file of its own, and the first to give it
    the final name wins: no worker reads half of one, and all end with the same content.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        _put(file, content)
    return file.read_bytes()


def make_private(file: Path) -> None:
    """See to it that only this user can read the database ``file``; make it, empty, if there is none.

    Without opening it: closing a file that SQLite has locked in the same process would unlock it (POSIX).
    """
    with suppress(OSError):  # a missing folder, a file of another user: SQLite says so, too
        if not file.exists():
            _put(file, b"")
        elif os.name == "posix" and file.stat().st_mode & 0o077:
            file.chmod(0o600)


def _put(file: Path, content: bytes) -> None:
    own = file.with_name(f".{secrets.token_hex(8)}")
    _create(own, content)
    try:
        os.link(own, file)
    except FileExistsError:
        pass  # another worker was first
    except (OSError, NotImplementedError):  # a USB stick and some network drives know no links
        with suppress(FileExistsError):
            _create(file, content)
    finally:
        own.unlink(missing_ok=True)  # after an error, too: no copy of a key is left


def _create(file: Path, content: bytes) -> None:
    # For this user only, and only if there is no such file; after an error, a full disk say, there is none.
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as target:
            target.write(content)
    except OSError:
        file.unlink()
        raise
