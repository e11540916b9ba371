"""`@superseded`: a test that a later stage deliberately leaves behind says so by name and reason."""

from __future__ import annotations

import pytest


def superseded(stage: str, reason: str, *, by: str) -> pytest.MarkDecorator:
    """Mark a test as holding only for the stages before ``stage``.

    Args:
        stage: the first stage that behaves in another way, `final` for example.
        reason: why it does, in words for a learner; the site lists it.
        by: the test that proves the new behaviour, as `file.py::test`, seen from tests/.
    """
    return pytest.mark.superseded(stage, reason, by=by)
