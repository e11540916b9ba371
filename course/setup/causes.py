"""Why packages could not be installed, read from what pip or uv wrote. Standard library only."""

from __future__ import annotations

import re
import sysconfig
from pathlib import Path

from course.messages import say
from course.paths import ROOT

#: The message for each cause, and what pip or uv prints in that case. The first that matches counts:
#: causes before effects.
SIGNS = (
    ("setup.hashes", r"DO NOT MATCH THE HASHES|Hash mismatch for"),
    ("setup.disk", r"No space left on device|Errno 28\b|os error (28|112)\b|not enough space"),
    ("setup.read_only", r"Read-only file system|Permission denied|Access is denied"),
    ("setup.certificate", r"CERTIFICATE_VERIFY_FAILED|SSLError|invalid peer certificate|No CA certificates"),
    ("setup.proxy", r"ProxyError|[Pp]roxy [Aa]uthentication|tunnel error|proxy connect"),
    (
        "setup.unreachable",
        r"NewConnectionError|NameResolutionError|name resolution|getaddrinfo failed|Network is unreachable"
        r"|Connect(ion)?Timeout|[Tt]imed? ?out|Connection(Reset|Aborted)?Error"
        r"|[Cc]onnection (aborted|broken|refused)|Max retries exceeded|dns error|tcp connect error"
        r"|error sending request",
    ),
    (
        "setup.no_package",
        r"No matching distribution found|Could not find a version|No solution found when resolving",
    ),
)


def cause_of(output: str) -> str:
    """Return the message that says why an installation failed; `setup.other` if the output has no sign."""
    return next((cause for cause, sign in SIGNS if re.search(sign, output)), "setup.other")


def explain(output: str, log: Path) -> str:
    """Return the sentence for what pip or uv wrote before it failed; ``log`` is the file that keeps it."""
    cause = cause_of(output)
    if cause == "setup.no_package" and sysconfig.get_platform() == "win-arm64":
        cause = "setup.no_package_for_arm"
    return f"{say(cause, folder=ROOT)} {say('setup.log', log=log)}"
