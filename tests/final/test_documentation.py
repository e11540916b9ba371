"""The service documents itself, without the internet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from kit.adapter import Stage, expect

from course.lessons.stages import find_stage

CONTRACT = find_stage("final").path / "openapi.json"
WRITE = "python3 -m json.tool --no-ensure-ascii --indent 1 --sort-keys > final/openapi.json"
ADDRESS = "http://127.0.0.1:8001/v2/openapi.json"


def test_the_page_loads_nothing_from_elsewhere(service: Stage) -> None:
    """Every file that the page names comes from this service, and its policy forbids any other."""
    page = service.client.get("/v2/docs")
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    assert page.status_code == 200 and page.mimetype == "text/html"
    assert files
    for file in files:
        assert file.startswith("/swaggerui/"), file
        with service.app.test_client().get(file) as answer:
            assert answer.status_code == 200 and len(answer.data) > 100
    assert not re.search(r"https?://(?!www\.w3\.org/)", page.text)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "http" not in policy and "*" not in policy


def test_the_document_describes_what_is_there(service: Stage) -> None:
    """Every operation of version 2 is in the document with its failures, and the document has no others."""
    document = expect(service.client.get("/v2/openapi.json"), 200)
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in service.app.url_map.iter_rules()
        if rule.endpoint.startswith("v2.") and rule.endpoint.split(".")[1] not in {"doc", "root", "specs"}
        for method in rule.methods or ()
        if method not in {"HEAD", "OPTIONS"}
    }

    described = {
        (document["basePath"] + path, method): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method != "parameters"
    }
    assert set(described) == served
    for (path, method), operation in described.items():
        failures = {status for status in operation["responses"] if status >= "400"}
        assert failures, (path, method)
        for status in failures:
            assert operation["responses"][status]["schema"]["$ref"].endswith("/Problem")
        assert ("401" in failures) >= bool(operation["security"])
        if any(field["in"] == "body" for field in operation.get("parameters", [])):
            assert failures >= {"400", "413", "415"}, (path, method)


def test_the_document_says_who_needs_a_token(service: Stage) -> None:
    """Without one, exactly those operations answer 401 that the document says need one."""
    document = expect(service.client.get("/v2/openapi.json"), 200)

    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                url = re.sub(r"{\w+}", "01900000-0000-7000-8000-000000000000", document["basePath"] + path)
                answer = service.client.open(method.upper(), url)
                assert (answer.status_code == 401) == bool(operation["security"]), (method, path)


def test_every_reference_in_the_document_leads_somewhere(service: Stage) -> None:
    """Otherwise the page could not draw every model."""
    document = expect(service.client.get("/v2/openapi.json"), 200)

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            return (
                [node["$ref"]]
                if "$ref" in node
                else [r for child in node.values() for r in references(child)]
            )
        return [r for child in node for r in references(child)] if isinstance(node, list) else []

    assert {ref.rpartition("/")[2] for ref in references(document)} <= set(document["definitions"])


def test_the_contract_changes_only_on_purpose(service: Stage) -> None:
    """A change is seen in review, in final/openapi.json, from which a client can be generated too."""
    recorded = json.loads(CONTRACT.read_text(encoding="utf-8"))
    served = expect(service.client.get("/v2/openapi.json"), 200)

    changed = list(islice(differences(recorded, served, "openapi.json"), 10))

    assert not changed, f"if clients can live with it: curl -s {ADDRESS} | {WRITE}"


#: What a view is called where the audit says which request was refused.
ENDPOINTS = """
health.live health.ready health.version operations.jwks operations.metrics page.page page.static
restx_doc.static session.login session.login_mfa session.logout session.refresh v2.account
v2.account_sessions v2.accounts v2.audit v2.confirm_email v2.confirm_mfa v2.doc v2.email v2.export
v2.forgot v2.login v2.login_mfa v2.logout v2.mfa v2.password v2.recovery_codes v2.refresh v2.resend
v2.reset v2.root v2.session v2.sessions v2.specs v2.verify
"""


def test_a_view_keeps_its_name(service: Stage) -> None:
    """Operators search the audit by it, in rows of years."""
    assert {rule.endpoint for rule in service.app.url_map.iter_rules()} == set(ENDPOINTS.split())


def differences(recorded: Any, served: Any, place: str) -> Iterator[str]:
    """Yield the places where the two differ, with what stands there."""
    if isinstance(recorded, dict) and isinstance(served, dict):
        for key in sorted(recorded.keys() | served.keys()):
            yield from differences(recorded.get(key), served.get(key), f"{place} {key}")
    elif recorded != served:
        yield f"{place}: {recorded!r} is {served!r} now"
