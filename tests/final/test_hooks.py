"""What surrounds every view: maintenance, the id of a request, compressed and cached responses."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from kit.adapter import PASSWORD, Stage, expect

DOCUMENT = "/v2/openapi.json"

IN_MAINTENANCE = {
    "/health/live": 200,
    "/health/ready": 200,
    "/health/nowhere": 503,
    "/v1/accounts": 410,
    "/v2/accounts/me": 503,
    DOCUMENT: 503,
    "/v2/docs": 503,
    "/nowhere": 503,
}


@pytest.mark.parametrize(("path", "status"), IN_MAINTENANCE.items(), ids=IN_MAINTENANCE)
def test_in_maintenance_only_the_health_checks_answer(
    service: Stage, problem: Any, monkeypatch: pytest.MonkeyPatch, path: str, status: int
) -> None:
    """An orchestrator does not restart it, and clients are told when to come back."""
    monkeypatch.setenv("FLASK_MAINTENANCE", "true")
    monkeypatch.setenv("FLASK_MAINTENANCE_RETRY_AFTER", "77")

    answer = service.client.get(path)

    assert answer.status_code == status
    if status == 503:
        problem(answer, 503)
        assert answer.headers["Retry-After"] == "77"


def test_two_request_ids_are_ignored(service: Stage) -> None:
    """A client that adds an id of its own to that of a proxy does not choose between them."""
    both = "a" * 32 + "," + "b" * 32  # as a server joins two headers of one name

    answer = service.client.get("/health/live", headers={"X-Request-ID": both})

    assert answer.headers["X-Request-ID"] not in both


# -- packed ----------------------------------------------------------------------------------------


def test_a_packed_page_keeps_its_link(service: Stage) -> None:
    """Compression changes the bytes of a page and nothing else of it."""
    for _ in range(5):
        service.sign_up()
    path = "/v2/accounts?limit=5"

    plain, packed = (service.admin.get(path, headers={"Accept-Encoding": coding}) for coding in ("", "gzip"))

    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["Link"] == plain.headers["Link"]


def test_a_token_is_never_packed(service: Stage) -> None:
    """The length of a compressed response reveals its content; one with a token is not compressed."""
    account = service.sign_up()
    login = {"email": account.email, "password": PASSWORD}

    answer = service.client.post("/v2/auth/login", json=login, headers={"Accept-Encoding": "gzip"})

    assert expect(answer, 200)["access_token"]
    assert "Content-Encoding" not in answer.headers


# -- kept ------------------------------------------------------------------------------------------


def test_the_document_is_made_once(service: Stage) -> None:
    """The second response is the cached one and reads the same, compressed or not."""
    first, second = (service.client.get(DOCUMENT) for _ in range(2))
    packed = service.client.get(DOCUMENT, headers={"Accept-Encoding": "gzip"})

    assert "Cache-Status" not in first.headers
    assert second.headers["Cache-Status"] == packed.headers["Cache-Status"] == "app; hit"
    assert first.data == second.data == gzip.decompress(packed.data)
    assert second.content_type == "application/json; charset=utf-8"


def test_what_is_about_accounts_is_never_kept(service: Stage) -> None:
    """No worker learns of a change that another made, so each response is read from the database again."""
    service.sign_up()

    for path in ("/v2/accounts", "/v2/accounts/me"):
        for _ in range(2):
            answer = service.admin.get(path)
            assert answer.headers["Cache-Control"] == "no-store"
            assert "Cache-Status" not in answer.headers


def test_a_kept_answer_has_its_headers(service: Stage) -> None:
    """All headers that the view sent, not the body alone."""
    link = {"Link": '</next>; rel="next"'}
    service.app.add_url_rule("/probe", "probe", service.decorators.cached(60)(lambda: ("", 200, link)))

    for _ in range(2):
        assert service.app.test_client().get("/probe").headers["Link"] == link["Link"]


def test_the_cache_has_a_size(service: Stage) -> None:
    """A client that makes up queries pushes old responses out and does not fill the memory."""
    cache = service.decorators.Cache(size=2)

    for number in range(3):
        cache.put(number, f"value {number}", 60)

    assert [cache.get(number) for number in range(3)] == [None, "value 1", "value 2"]
