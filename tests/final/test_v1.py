"""Version 1 is retired."""

from __future__ import annotations

from typing import Any

import pytest
from kit.adapter import Stage

PATHS = ["/v1", "/v1/", "/v1/accounts/7", "/v1/%00/../x"]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]


@pytest.mark.parametrize(
    ("method", "path"), [(method, "/v1/accounts") for method in METHODS] + [("GET", path) for path in PATHS]
)
def test_version_1_is_gone(service: Stage, problem: Any, method: str, path: str) -> None:
    """Every path and every method is 410, with a pointer to version 2."""
    answer = service.client.open(method, path)

    assert answer.status_code == 410
    assert 'rel="successor-version"' in answer.headers["Link"]
    if method != "HEAD":
        assert "/v2" in problem(answer, 410)["detail"]


def test_only_version_1_is_gone(service: Stage, problem: Any) -> None:
    """A path that only begins the same is unknown, like any other."""
    problem(service.client.get("/v10/accounts"), 404)
