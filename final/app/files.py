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
        descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as target:
            target.write(content)
        try:
            with suppress(FileExistsError):
                os.link(own, file)
        except (OSError, NotImplementedError):  # a USB stick knows no links, and one worker at a time
            own.replace(file)
        finally:
            own.unlink(missing_ok=True)  # whatever happened: no key is left lying about
    return file.read_bytes()
