"""Where packages come from here: pip's own configuration, for pip and for uv. Standard library only.

Companies and schools configure pip: an index of their own, a proxy, a certificate. Those are obeyed. Other
settings (`target`, `user`, `constraint`) would install elsewhere, or something else, and are ignored.
"""

from __future__ import annotations

import ast
import math
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from course.setup.environment import environment

OBEYED = {
    *("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "keyring-provider"),
    *("proxy", "cert", "client-cert", "retries", "timeout", "default-timeout", "cache-dir", "no-cache-dir"),
}
_SECTIONS = ("global", "install", ":env:")  # a later one overrides an earlier one, as in pip
_SETTING = re.compile(r"(global|install|:env:)\.([\w-]+)=(.*)")
_NO = {"", "0", "false", "off", "no"}
#: Lists the settings as `pip config list` does. That command obeys them itself: `python` or `isolated` sends
#: it elsewhere, and a value that it does not know ends it.
_LIST = """
from pip._internal.configuration import Configuration
found = Configuration(isolated=False)
found.load()
for name, value in found.items():
    settings = value if isinstance(value, dict) else {name: value}  # newer ones keep a dict for each file
    for name, value in settings.items():
        print(f"{name}={value!r}")
"""


class Unreadable(Exception):
    """pip cannot read its configuration; the text is its output."""


def read_sources(python: str, **variables: str) -> dict[str, str]:
    """Return pip's settings that say where packages come from, as pip itself reads them here.

    Args:
        python: the Python whose pip is asked.
        variables: further environment variables, by which that Python finds its pip.

    Raises:
        Unreadable: pip cannot read its configuration.
    """
    env = environment(PIP_QUIET="0", PIP_VERBOSE="0", PYTHONIOENCODING="utf-8", **variables)
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # this pip is used once more
    for how in (["-c", _LIST], ["-m", "pip", "config", "list"]):  # the first is not a promise of pip's
        done = subprocess.run(
            [python, *how], env=env, capture_output=True, encoding="utf-8", errors="replace"
        )
        if not done.returncode:
            break
    else:
        raise Unreadable(done.stdout + done.stderr)
    return parse_sources(done.stdout)


def parse_sources(listed: str) -> dict[str, str]:
    """Return the settings to obey from what `pip config list` wrote; several values become words."""
    found: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for section, name, value in _SETTING.findall(listed):
        words = " ".join(str(ast.literal_eval(value)).split())
        if name in OBEYED and words:  # pip passes over what is empty
            found[section][name] = words
    return found["global"] | found["install"] | found[":env:"]


def pip_environment(sources: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which pip obeys ``sources`` and nothing else."""
    kept = {name: value for name, value in environment().items() if not name.startswith("PIP_")}
    told = {"PIP_" + name.upper().replace("-", "_"): value for name, value in sources.items()}
    told.setdefault("PIP_RETRIES", "2")  # pip's five keep a learner without network waiting
    return (
        kept
        | told
        | {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "PIP_PROGRESS_BAR": "off",
            "PYTHONIOENCODING": "utf-8",
            "PYTHONUNBUFFERED": "1",
        }
    )


def uv_environment(sources: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which uv obeys ``sources``, under the names by which uv knows them."""
    return environment() | dict(_for_uv(sources))


def _for_uv(sources: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield "UV_NO_CONFIG", "1"
    yield "UV_INDEX_STRATEGY", "unsafe-best-match"  # as pip does: all indexes count alike; the hashes decide
    yield "UV_HTTP_RETRIES", sources.get("retries", "2")
    names = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "client-cert": "SSL_CLIENT_CERT"}
    names |= {"trusted-host": "UV_INSECURE_HOST"}
    for name in names.keys() & sources.keys():
        yield names[name], sources[name]
    links = sources.get("find-links", "").split()
    if links := [link for link in links if "://" in link or Path(link).exists()]:
        yield "UV_FIND_LINKS", ",".join(links)  # pip ignores a folder that is not there, uv would fail
    if sources.get("no-index", "").lower() not in _NO:
        yield "UV_NO_INDEX", "1"
    if sources.get("no-cache-dir", "").lower() not in _NO or sources.get("cache-dir", "on").lower() in _NO:
        yield "UV_NO_CACHE", "1"
    if sources.get("keyring-provider") == "subprocess":
        yield "UV_KEYRING_PROVIDER", "subprocess"
    if seconds := sources.get("timeout") or sources.get("default-timeout"):
        yield "UV_HTTP_TIMEOUT", str(math.ceil(float(seconds)))
    if proxy := sources.get("proxy"):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            yield name, proxy if "://" in proxy else f"http://{proxy}"
    variables = map(os.environ.get, ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))  # pip obeys them too
    certificates = sources.get("cert") or next(filter(None, variables), None)
    if certificates:
        yield ("SSL_CERT_DIR" if Path(certificates).is_dir() else "SSL_CERT_FILE"), certificates
    elif not os.environ.get("SSL_CERT_FILE"):
        yield "UV_SYSTEM_CERTS", "1"  # where a company put the certificate with which it inspects traffic
