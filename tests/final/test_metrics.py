"""What Prometheus reads: every request and every log-in by its kind, never by its client."""

from __future__ import annotations

import re
from typing import Any

import pytest
from kit.adapter import PASSWORD, Stage, expect
from prometheus_client.parser import text_string_to_metric_families

from course.paths import ROOT


def numbers(service: Stage) -> dict[str, float]:
    """Return what /metrics says, by name and labels."""
    answer = service.client.get("/metrics")
    assert (answer.status_code, answer.content_type.split(";")[0]) == (200, "text/plain")
    return {
        " ".join(
            [sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))]
        ): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_requests_are_counted_by_the_rule_of_their_view(service: Stage) -> None:
    """Not by path: a thousand accounts are one series, and so are the paths of a scanner."""
    account = service.sign_up()
    for _ in range(3):
        expect(service.admin.get(f"/v2/accounts/{account.id}"), 200)
    for number in range(5):
        service.client.get(f"/made-up/{number}")
        service.client.open(f"MADE{number}", "/v2/accounts")

    told = numbers(service)

    count = "http_request_duration_seconds_count method=GET route={} status={}"
    assert told[count.format("/v2/accounts/<uuid:account_id>", 200)] == 3
    assert told[count.format("none", 404)] == 5
    assert told["http_request_duration_seconds_count method=other route=none status=405"] == 5
    assert told["http_request_duration_seconds_bucket le=+Inf method=GET route=none status=404"] == 5


def test_log_ins_are_counted_by_how_they_ended(service: Stage) -> None:
    """As the audit names it."""
    account = service.sign_up()
    service.log_in(account.email, "a passphrase that is wrong")
    service.log_in("nobody@example.com", "a passphrase that is wrong")

    told = numbers(service)

    assert told["accounts_events_total action=login outcome=failed"] == 2
    assert told["accounts_events_total action=login outcome=done"] == 1


def test_no_account_is_in_the_metrics(service: Stage, in_database: Any) -> None:
    """No address, e-mail, id or agent: the metrics are about the service, not about its users."""
    account = service.sign_up()
    service.client.get("/v2/accounts/me?token=rt_secret", headers={"User-Agent": "Tablet/1.0"})
    expect(account.client.get(f"/v2/accounts/{account.id}"), 200)

    text = service.client.get("/metrics").text

    for personal in (account.id, account.email, "@", "127.0.0.1", "Tablet", "secret", PASSWORD):
        assert personal not in text, personal


def test_metrics_and_keys_are_answered_in_maintenance(service: Stage) -> None:
    """Monitoring goes on, and other services can still check tokens."""
    service.app.config["MAINTENANCE"] = True

    expect(service.client.get("/v2/docs"), 503)
    assert service.client.get("/metrics").status_code == 200
    assert service.client.get("/.well-known/jwks.json").status_code == 200


QUERY = re.compile(r"`([^`\n]*\[\d+[mh]\][^`\n]*)`")


@pytest.mark.parametrize("page", ["operating.md", "deploying.md"])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_queries_of_the_pages_ask_for_what_there_is(service: Stage, lang: str, page: str) -> None:
    """Every metric, label and route in a query for Prometheus exists in the service."""
    service.sign_up()
    service.client.get("/v2/accounts/me")
    exported = service.client.get("/metrics").text
    names = {line.partition("{")[0] for line in exported.splitlines() if not line.startswith("#")}
    labels = set(re.findall(r"[{,](\w+)=", exported))
    routes = {rule.rule for rule in service.app.url_map.iter_rules()}

    queries = QUERY.findall((ROOT / "docs" / lang / page).read_text(encoding="utf-8"))

    assert len(queries) >= 4
    for query in queries:
        asked = set(re.findall(r"\b((?:http|accounts)_\w+)", query))
        assert asked and asked <= names, query
        by = {name.strip() for group in re.findall(r"\bby \(([^)]*)\)", query) for name in group.split(",")}
        assert by | set(re.findall(r"(\w+)=~?\"", query)) <= labels, query
        assert set(re.findall(r'route="([^"]*)"', query)) <= routes, query
