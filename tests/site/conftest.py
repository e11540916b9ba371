"""The site, built once for all processes of a run, and the lab in a browser."""

from __future__ import annotations

import pytest
from kit.built_site import *  # noqa: F403
from kit.built_site import BUILD_LIMIT
from kit.lab_reader import *  # noqa: F403


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give a test that waits for the site the time that building it takes on a busy machine."""
    for item in items:
        if "built_site" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(BUILD_LIMIT + 120))
