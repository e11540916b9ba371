"""Version 2 of the API: a blueprint of thin views. Chapter 1, views and blueprints.

A view reads the request, calls one function of services/ and represents what it returns. Errors pass through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Flask, Response, current_app, render_template, request
from flask_restx import Api as RestxApi
from werkzeug.exceptions import NotFound

from ..decorators import cached, compressed
from ..representation import answer
from . import (  # noqa: F401 - credentials and mfa add their views to the namespaces of the others
    accounts,
    audit,
    auth,
    credentials,
    documentation,
    health,
    mfa,
    operations,
)

#: The page loads its own files and nothing from elsewhere; its start is a script inside of the page.
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'"
)


class Api(RestxApi):  # type: ignore[misc]
    """Flask-RESTX without its own handling of errors and of media types."""

    def error_router(self, original_handler: Callable[[Exception], Any], e: Exception) -> Any:
        """Leave every error to the handlers of the application, as anywhere else in Flask.

        RESTX would answer in a form of its own, and 500 for nearly every refusal of Flask-JWT-Extended unless
        TESTING is on (trap 1).
        """
        return original_handler(e)

    def make_response(
        self, data: Any, code: int = 200, headers: Mapping[str, str] | None = None, **_: Any
    ) -> Response:
        """Write every answer in the one way, whatever `Accept` asks for: there is only JSON."""
        return answer(data, code, headers)

    def _register_specs(self, app_or_blueprint: Any) -> None:
        # The document changes only with the code and is the same for all clients: made once, and sent packed.
        @compressed
        @cached(seconds=3600)
        def specs() -> Response:
            kinds = ["application/json", "application/problem+json"]
            return answer(self.__schema__ | {"produces": kinds})

        app_or_blueprint.add_url_rule(f"/{self.default_swagger_filename}", "specs", specs)

    def _register_doc(self, app_or_blueprint: Any) -> None:
        # As RESTX does it, but /v2 does not redirect to /v2/, by a page of HTML: both are 404.
        app_or_blueprint.add_url_rule(self._doc, "doc", self.render_doc)
        app_or_blueprint.add_url_rule("/", "root", self.render_root, strict_slashes=False)


bp = Blueprint("v2", __name__, url_prefix="/v2")
api = Api(
    bp,
    version="2",
    title="Accounts",
    description="Sign up, log in, and look after accounts. Log in, then paste `Bearer <access_token>` below "
    "*Authorize*.",
    doc="/docs",
    default_swagger_filename="openapi.json",
    authorizations={"token": {"type": "apiKey", "in": "header", "name": "Authorization"}},
)
for _model in documentation.MODELS:
    api.add_model(_model.name, _model)
api.add_namespace(accounts.ns)
api.add_namespace(auth.ns)
api.add_namespace(audit.ns)


@api.documentation  # type: ignore[untyped-decorator]
def documentation_page() -> Response:
    """Return the page that RESTX brings along."""
    page = render_template("swagger-ui.html", title=api.title, specs_url=api.specs_url)
    return Response(page, headers={"Content-Security-Policy": PAGE_POLICY})


def hide_documentation() -> None:
    """Answer as if the page were not there; what it shows, /v2/openapi.json, stays.

    Raises:
        NotFound: it is asked for, and DOCUMENTATION_PAGE is off.
    """
    if request.endpoint in {"v2.doc", "restx_doc.static"} and not current_app.config["DOCUMENTATION_PAGE"]:
        raise NotFound


def init_app(app: Flask) -> None:
    """Put the API and the health checks on ``app``."""
    app.before_request(hide_documentation)
    app.config["RESTX_MASK_SWAGGER"] = False  # `X-Fields` is not offered
    app.config["SWAGGER_UI_DOC_EXPANSION"] = "list"
    app.register_blueprint(bp)
    app.register_blueprint(health.bp)
    app.register_blueprint(operations.bp)
