"""A pytest inside of a test: what the tests say of a folder that is made wrong, or better, on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest

#: In no folder of the outer one. What concerns the whole process is left to the outer one: the last resort
#: against tests that hang, and collecting garbage.
APART = [f"-pno:{name}" for name in ("cacheprovider", "faulthandler", "unraisableexception")]
#: An inner limit for each test: whoever sets an alarm ends the outer one's.
APART += ["-ppytest_timeout", "-o", "timeout=60", "-q", "-s"]


def run_inner(plugin: object, scratch: Path, *arguments: str) -> None:
    """Run a pytest in this process; what comes of it, ``plugin`` hears.

    Args:
        plugin: an object with hooks of pytest.
        scratch: a folder for what the tests write.
        arguments: of pytest: which tests, and how.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # looking for them takes a tenth of a second
        pytest.main([*APART, f"--basetemp={scratch}", *arguments], plugins=[plugin])
