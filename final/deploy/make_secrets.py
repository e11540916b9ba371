"""Makes the secrets of compose.yaml: `python deploy/make_secrets.py`, once. Standard library only.

Everything is made up here but the mail server, which it asks for, or reads from standard input.
What is there already stays: a new key would make everything unreadable that the old one has sealed.
"""

import sys
from collections.abc import Callable
from getpass import getpass
from pathlib import Path
from secrets import token_urlsafe

FOLDER = Path(__file__).resolve().parent.parent / "secrets"
REDIS = """\
requirepass {password}
# Counters of a few minutes: kept in memory, and the oldest makes room.
save ""
appendonly no
maxmemory 64mb
maxmemory-policy allkeys-lru
"""


def main(folder: Path = FOLDER) -> None:
    """Write each secret into a file of its own in ``folder``, which only this user may enter.

    In a container a file keeps the owner and the mode that it has here, and the service is another user
    there. So the files can be read by everybody who gets as far as to them.
    """
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    database, cache = token_urlsafe(32), token_urlsafe(32)
    keep(folder / "secret_key", lambda: token_urlsafe(48))
    # Those that belong together are made together, or not at all.
    if not (folder / "database_password").exists():
        keep(folder / "database_url", lambda: f"postgresql://accounts:{database}@database/accounts")
        keep(folder / "database_password", lambda: database)
    if not (folder / "redis_conf").exists():
        keep(folder / "redis_url", lambda: f"redis://:{cache}@redis:6379/0")
        keep(folder / "redis_conf", lambda: REDIS.format(password=cache))
    keep(folder / "smtp_url", ask)


def ask() -> str:
    """Return the URL of the mail server, which nobody sees typed."""
    prompt = "Mail server, smtps://USER:PASSWORD@HOST: "
    return getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().strip()


def keep(file: Path, content: Callable[[], str]) -> None:
    """Write a file, unless it is there."""
    if file.exists():
        return
    file.write_text(content() + "\n", encoding="utf-8")
    file.chmod(0o444)
    print(f"made {file.name}")  # noqa: T201


if __name__ == "__main__":
    main()
