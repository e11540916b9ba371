"""Failures as sentences: what went wrong and how to fix it. Standard library only."""

from __future__ import annotations

import errno
import re
from pathlib import Path

from course.paths import ROOT

DISK_FULL = "The disk is full: free about 500 MB and run the command again."
READ_ONLY = (
    f"Nothing can be written in {ROOT}: copy the course to a folder of your own and run it from there."
)

#: Patterns in pip's output, and the sentence for the learner. The first match wins: causes before effects.
PIP_SIGNS = (
    (
        r"DO NOT MATCH THE HASHES",
        "A downloaded package is not the one that requirements.txt promises: run the command again. If it "
        "happens again, ask the operator of your proxy or package index, which has changed a file.",
    ),
    (r"No space left on device|Errno 28\b|not enough space", DISK_FULL),
    (r"Read-only file system|Permission denied|Access is denied", READ_ONLY),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError",
        "The package index's certificate is not trusted here: if your company inspects traffic, give pip the "
        "company's certificate (pip config set global.cert FILE) and run the command again.",
    ),
    (
        r"ProxyError|Proxy Authentication",
        "The proxy refused the connection: set HTTPS_PROXY to one that works, or unset it, and run the "
        "command again.",
    ),
    (
        r"NewConnectionError|NameResolutionError|name resolution|getaddrinfo failed|Network is unreachable"
        r"|Connect(ion)?Timeout|Read ?[Tt]imed? ?out|Connection(Reset|Aborted)?Error"
        r"|[Cc]onnection (aborted|broken)|Max retries exceeded",
        "The package index cannot be reached: connect to the internet (or set HTTPS_PROXY) and run the "
        "command again.",
    ),
    (
        r"No matching distribution found|Could not find a version",
        "The package index has no package for this Python and system: start the course with Python 3.11, "
        "3.12 or 3.13, or use an up-to-date index.",
    ),
)


class Failure(Exception):
    """Ends a command with one sentence, which is all that the learner sees."""


def explain_os_error(error: OSError) -> str:
    """Return the sentence for a file system error."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DISK_FULL
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        if error.filename and Path(error.filename).exists() and getattr(error, "winerror", None) == 32:
            return f"{error.filename} is in use: stop the course's other programs and run the command again."
        return READ_ONLY
    return f"The operating system refused ({error}): fix that and run the command again."


def explain_pip(output: str, log: Path) -> str:
    """Return the sentence for pip's ``output`` when it failed; the file ``log`` has all of it."""
    for sign, sentence in PIP_SIGNS:
        if re.search(sign, output):
            return f"{sentence[:-1]} (pip's log: {log})."
    return f"pip could not install the packages: fix what its log {log} says, and run the command again."
