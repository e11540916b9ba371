"""`@superseded` marks a test whose behaviour a later stage deliberately replaces."""

from __future__ import annotations

import pytest


def superseded(stage: str, reason: str, *, by: str) -> pytest.MarkDecorator:
    """Mark a test as valid only for the stages before ``stage``.

    Args:
        stage: the first stage that behaves differently, `final` for example.
        reason: why, in words for a learner; the site lists it.
        by: the test of the new behaviour, as `file.py::test`, relative to tests/.
    """
    return pytest.mark.superseded(stage, reason, by=by)
