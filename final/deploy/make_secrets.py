"""Makes the secrets of compose.yaml: `python deploy/make_secrets.py`, once. Standard library only.

Everything is made up here but the mail server, which it asks for, or reads from standard input.
What is there already stays: a new key would make everything unreadable that the old one has sealed.
A server without containers needs two of them, in a folder of its own:
`python3 deploy/make_secrets.py /etc/accounts/secrets secret_key smtp_url`
"""

import sys
from collections.abc import Callable
from getpass import getpass
from pathlib import Path
from secrets import token_urlsafe
from urllib.parse import urlsplit

PROMPT = "Mail server, smtps://USER:PASSWORD@HOST: "
SCHEMES = ("smtps", "smtp", "smtp+plain")
FOLDER = Path(__file__).resolve().parent.parent / "secrets"
REDIS = """\
requirepass {password}
# Counters of a few minutes: kept in memory, and the oldest makes room.
save ""
appendonly no
maxmemory 64mb
maxmemory-policy allkeys-lru
"""


def main(folder: Path = FOLDER, *only: str) -> None:
    """Write each secret, or ``only`` those, into a file in ``folder``, which only this user may enter.

    In a container a file keeps the owner and the mode that it has here, and the service is another user
    there. So the files can be read by all users that may enter the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    database, cache = token_urlsafe(32), token_urlsafe(32)
    made: dict[str, Callable[[], str]] = {"secret_key": lambda: token_urlsafe(48)}
    # Those that belong together are made together, or not at all.
    if not (folder / "database_password").exists():
        made["database_url"] = lambda: f"postgresql://accounts:{database}@database/accounts"
        made["database_password"] = lambda: database
    if not (folder / "redis_conf").exists():
        made["redis_url"] = lambda: f"redis://:{cache}@redis:6379/0"
        made["redis_conf"] = lambda: REDIS.format(password=cache)
    made["smtp_url"] = ask
    for name, content in made.items():
        if not only or name in only:
            keep(folder / name, content)


def ask() -> str:
    """Return the URL of the mail server, which is not shown while it is typed; ask again if it is none."""
    while True:
        terminal = sys.stdin.isatty()
        url = (getpass(PROMPT) if terminal else sys.stdin.readline()).strip()
        if url.partition("://")[0] in SCHEMES and urlsplit(url).hostname:
            return url
        if not terminal:
            sys.exit(f"no mail server: give {PROMPT.partition(', ')[2].strip(': ')} by standard input")


def keep(file: Path, content: Callable[[], str]) -> None:
    """Write a file, unless it is there."""
    if file.exists():
        return
    file.write_text(content() + "\n", encoding="utf-8")
    file.chmod(0o444)
    print(f"made {file.name}")  # noqa: T201


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]), *sys.argv[2:])
