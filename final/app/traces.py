"""Traces: where a request spends its time, for a collector that speaks OpenTelemetry. Chapter 5, hooks.

Off, and not even imported, unless OTEL_EXPORTER_OTLP_ENDPOINT says where to: `http://collector:4318`. The
other variables of OpenTelemetry work too, OTEL_SERVICE_NAME and OTEL_TRACES_SAMPLER for example. The packages
are those of requirements-otel.txt.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flask import Flask, g

from .extensions import db

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

#: What is told of a span, by either generation of the names. No URL: ids and queries are in it. No address,
#: no header, and of a statement its text with placeholders, in which there are no values.
TOLD = {
    *("http.method", "http.request.method", "http.route", "http.status_code", "http.response.status_code"),
    *("db.system", "db.system.name", "db.statement", "db.query.text", "db.operation.name", "error.type"),
    "request.id",
}
ASKED_ALL_DAY = "/health/live,/health/ready,/metrics"


def init_app(app: Flask) -> None:
    """Have a span for each request of ``app``, and for each of its statements, if they are wanted.

    Raises:
        SystemExit: they are wanted, and the packages are not installed.
    """
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return
    try:
        _instrument(app)
    except ImportError:
        sys.exit(
            "OTEL_EXPORTER_OTLP_ENDPOINT wants traces: `pip install -r requirements-otel.txt`, or unset it"
        )


def _instrument(app: Flask) -> None:
    from opentelemetry.instrumentation.flask import FlaskInstrumentor
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    os.environ.setdefault("OTEL_SERVICE_NAME", "accounts")
    provider = TracerProvider(resource=Resource.create())
    # Collected in memory and sent by a thread of each process; without a collector they are dropped.
    provider.add_span_processor(BatchSpanProcessor(_discreet_exporter()))
    FlaskInstrumentor().instrument_app(
        app, tracer_provider=provider, excluded_urls=ASKED_ALL_DAY, response_hook=_end
    )
    with app.app_context():  # it names an older SQLAlchemy as the newest it knows; tests/final/test_traces.py
        SQLAlchemyInstrumentor().instrument(
            engines=list(db.engines.values()), tracer_provider=provider, skip_dep_check=True
        )


def _end(span: Any, status: str, headers: list[tuple[str, str]]) -> None:
    """Write down by which id the log and the audit know this request."""
    if span and span.is_recording() and "request_id" in g:
        span.set_attribute("request.id", g.request_id)


def _discreet_exporter() -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import SpanExportResult

    class Discreet(OTLPSpanExporter):  # type: ignore[misc]  # it has no types where it is not installed
        """Sends only what is in `TOLD`, and nothing else that this or a next instrumentation notes."""

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            return super().export([_cut(span) for span in spans])

    return Discreet()


def _cut(span: ReadableSpan) -> ReadableSpan:
    """Return ``span`` without events and texts of errors, in which there may be anything.

    That of a request is named after the rule of its view, never after its path, which a client can make up.
    """
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanKind, Status

    attributes = {name: value for name, value in (span.attributes or {}).items() if name in TOLD}
    name = span.name
    if span.kind is SpanKind.SERVER:
        method = attributes.get("http.request.method") or attributes.get("http.method")
        name = f"{method} {attributes.get('http.route', 'none')}"
    return ReadableSpan(
        name=name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        kind=span.kind,
        instrumentation_scope=span.instrumentation_scope,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
    )
