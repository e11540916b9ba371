"""Stretch task 5.2: requests that can be followed through several services, by W3C Trace Context."""

from __future__ import annotations

import json
import logging
import re

import pytest
from kit.adapter import Stage

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GIVEN = f"00-{TRACE}-{PARENT}-01"
FORM = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def sent_back(stage: Stage, given: str | None) -> tuple[str, str, str]:
    """Send a request with this traceparent; return the trace, the parent and the flags of the answer's."""
    answer = stage.client.get("/v2/nowhere", headers={"traceparent": given} if given else {})
    found = FORM.fullmatch(answer.headers.get("traceparent", ""))
    assert found, (
        f"traceparent: expected 00-<32 hex>-<16 hex>-<2 hex>, got {answer.headers.get('traceparent')}"
    )
    return found[1], found[2], found[3]


def test_a_trace_goes_on(stage: Stage) -> None:
    """The trace of the header is kept, with its flags; the parent is this request, another each time."""
    first, second = sent_back(stage, GIVEN), sent_back(stage, GIVEN)

    assert first[0] == second[0] == TRACE and first[2] == "01"
    assert len({PARENT, first[1], second[1]}) == 3


def test_who_brings_none_gets_one(stage: Stage) -> None:
    """Without a header a trace begins here: another for each request, and never of zeros alone."""
    first, second = sent_back(stage, None), sent_back(stage, None)

    assert first[0] != second[0]
    assert set(first[0]) != {"0"} and set(first[1]) != {"0"}


@pytest.mark.parametrize(
    "wrong",
    [
        "nonsense",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
    ],
)
def test_a_malformed_one_is_not_believed(stage: Stage, wrong: str) -> None:
    """As the standard says: then there was none, and a new trace begins."""
    trace, parent, _ = sent_back(stage, wrong)

    assert trace.lower() != TRACE and parent != PARENT


def test_the_log_has_the_trace(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """The access log's line names the trace, so that the lines of several services can be joined."""
    caplog.set_level(logging.INFO, logger="access")
    sent_back(stage, GIVEN)

    assert json.loads(caplog.records[-1].getMessage()).get("trace_id") == TRACE


def test_errors_have_it_too(stage: Stage) -> None:
    """Most of all an answer that something went wrong."""
    for path in ("/v2/accounts/me", "/v1/accounts", "/nowhere"):
        answer = stage.client.get(path, headers={"traceparent": GIVEN})
        assert answer.status_code >= 400
        assert TRACE in answer.headers.get("traceparent", ""), path
