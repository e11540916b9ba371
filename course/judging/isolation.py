"""The environment of judged code: a list of what it may have, so that nothing else reaches it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping

#: Where programs and libraries are, which language the console speaks, and what Windows cannot do without.
ALLOWED = {
    "PATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TMPDIR",
    "TEMP",
    "TMP",
    "VIRTUAL_ENV",
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "NUMBER_OF_PROCESSORS",
    "PROCESSOR_ARCHITECTURE",
}
HOMES = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")

#: Options of pytest for a learner's tests: plugins that only the course's own need take seconds to load.
WITHOUT_PLUGINS = tuple(f"-pno:{plugin}" for plugin in ("schemathesis", "hypothesispytest", "anyio"))


def judged_environment(home: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment for judged code, with the settings of no user.

    Args:
        home: an empty folder, so that no file of settings in the user's own is read.
        environment: what the process has now.
    """
    kept = {name: value for name, value in environment.items() if name.upper() in ALLOWED}
    kept.setdefault("TMPDIR" if os.name == "posix" else "TEMP", tempfile.gettempdir())
    return kept | dict.fromkeys(HOMES, home) | {"PYTHONDONTWRITEBYTECODE": "1"}


def isolate(home: str) -> None:
    """Give this process the environment of judged code."""
    kept = judged_environment(home)
    for name in set(os.environ) - set(kept):
        del os.environ[name]
    os.environ.update(kept)
