"""What surrounds every view: maintenance, the id of a request, compressed and cached responses."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from kit.adapter import GOOD_SECRET, PASSWORD, Stage, expect

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


# -- as a stranger asks ----------------------------------------------------------------------------


SPELLINGS = ["//metrics", "///metrics", "//v2/accounts", "//", "//health/live", "/metrics/", "/./metrics"]
SPELLINGS += ["/x/../metrics", "/Metrics", "/METRICS", "/metrics;x", "/metrics%2f", "/metrics\\", "/ metrics"]


@pytest.mark.parametrize("path", SPELLINGS)
def test_a_path_has_one_spelling(service: Stage, problem: Any, path: str) -> None:
    """A proxy hides `/metrics`, and no other spelling leads there."""
    problem(service.client.get("/", environ_overrides={"PATH_INFO": path}), 404)


HOSTS = {"": 400, "one,two": 400, "one, one": 400, "a b": 400, "<b>": 400, "accounts.example:http": 400}
HOSTS |= {"accounts.example": 200, "accounts.example:8443": 200, "[::1]:8001": 200, "app_1:8000": 200}


@pytest.mark.parametrize(("host", "status"), HOSTS.items())
def test_a_request_names_one_host(service: Stage, host: str, status: int) -> None:
    """None, two in one, and what is no name are refused (RFC 9112 3.2); HTTP/1.0 may do without."""
    answer = service.client.get("/health/live", environ_overrides={"HTTP_HOST": host})
    assert answer.status_code == status
    assert host not in answer.text or not host

    old = {"SERVER_PROTOCOL": "HTTP/1.0", "HTTP_HOST": ""}
    assert service.client.get("/health/live", environ_overrides=old).status_code == 200


def test_production_says_less_and_asks_for_https(service: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """No time of the server, no page of Flask-RESTX on the origin of the account page, and HSTS."""
    monkeypatch.setenv("FLASK_SECRET_KEY", GOOD_SECRET)
    tried = service.app.test_client()
    served = service.new_app("ProductionConfig").test_client()

    for path in ("/", "/health/live", "/v2/openapi.json", "/nothing"):
        headers = served.get(path).headers
        assert "Server-Timing" not in headers
        assert headers["Strict-Transport-Security"] == "max-age=63072000"
    assert served.get("/v2/openapi.json").status_code == 200
    for path in ("/v2/docs", "/swaggerui/swagger-ui.css"):
        found = [client.get(path, buffered=True).status_code for client in (tried, served)]  # closes the file
        assert found == [200, 404]
    assert "Server-Timing" in tried.get("/health/live").headers
    assert "Strict-Transport-Security" not in tried.get("/health/live").headers
