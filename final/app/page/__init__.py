"""The account page at `/`: a client of the API, in plain HTML, CSS and JavaScript. Chapter 1, blueprints.

A blueprint can bring along its own templates and files. What the page does, its scripts in static/ do; here
are only the page itself and, in session.py, the cookie by which it stays logged in.
"""

from __future__ import annotations

import mimetypes
import tomllib
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, render_template, request
from flask.views import MethodView

from . import session

#: Nothing but our own files. No script and no style inside of the page, and no text that becomes HTML
#: (`require-trusted-types-for`): what an owner writes into their name stays text. Forms are sent by the
#: scripts; without them a browser would put a password into the address (`form-action`).
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
YEAR = 365 * 24 * 60 * 60  # seconds

LANGUAGES = ("en", "ko")
TEXTS: dict[str, dict[str, Any]] = {
    language: tomllib.loads(Path(__file__).with_name("texts").joinpath(f"{language}.toml").read_text("utf-8"))
    for language in LANGUAGES
}

bp = Blueprint("page", __name__, template_folder="templates", static_folder="static", static_url_path="/page")


class Page(MethodView):
    """The page, in the language of its reader."""

    def get(self) -> Response:
        """Show the page; `?language=ko` chooses a language, and is remembered."""
        asked = request.args.get("language")
        language = asked or request.cookies.get("language")
        if language not in LANGUAGES:
            language = request.accept_languages.best_match(LANGUAGES, "en")
        html = render_template("page.html", language=language, texts=TEXTS[language])
        page = Response(html, headers={"Content-Security-Policy": POLICY})
        if asked == language:
            page.set_cookie("language", language, YEAR, secure=True, httponly=True, samesite="Lax")
        return page


bp.add_url_rule("/", view_func=Page.as_view("page"))


def init_app(app: Flask) -> None:
    """Put the page on ``app``."""
    # A browser runs no module that is not called JavaScript, and some Windows machines call it text.
    mimetypes.add_type("text/javascript", ".js")
    app.register_blueprint(bp)
    app.register_blueprint(session.bp)
