"""Files that nobody else may read: keys and passwords, below instance/."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def keep_private(file: Path, content: bytes) -> bytes:
    """Write ``content`` to ``file`` unless it is there already, and return what is in it then.

    Several workers may be on their first run at once. Each writes a file of its own, and the first to give it
    the final name wins: nobody ever reads half of one, and all end with the same content.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
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
            own.unlink(missing_ok=True)  # whatever happened: no key is left lying about
    return file.read_bytes()


def _create(file: Path, content: bytes) -> None:
    # For this user only, and only if there is no such file; after an error, a full disk say, there is none.
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as target:
            target.write(content)
    except OSError:
        file.unlink()
        raise
