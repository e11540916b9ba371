"""For other programs: the public keys for services that check tokens, numbers for Prometheus. Chapter 7."""

from __future__ import annotations

from flask import Blueprint, Response
from flask.views import MethodView
from prometheus_client import CONTENT_TYPE_LATEST

from .. import metrics
from ..representation import answer
from ..services import keys

bp = Blueprint("operations", __name__)


class Jwks(MethodView):
    """The public keys, by which any program checks our access tokens (RFC 7517)."""

    def get(self) -> Response:
        """Answer the public keys: those that sign, those that have signed, and the one that will."""
        response = answer({"keys": [key.jwk for key in keys.current().published()]})
        # They may be kept for as long as a new key is announced before it signs, and no longer.
        response.cache_control.public = True
        response.cache_control.max_age = keys.PUBLISHED
        response.content_type = "application/jwk-set+json"
        return response


class Numbers(MethodView):
    """How much is done, and how fast (the text format of Prometheus). Not for the world: see the proxy."""

    def get(self) -> Response:
        """Answer the numbers of all processes of this server."""
        return Response(metrics.current().text(), content_type=CONTENT_TYPE_LATEST)


bp.add_url_rule("/metrics", view_func=Numbers.as_view("metrics"))
bp.add_url_rule("/.well-known/jwks.json", view_func=Jwks.as_view("jwks"))
