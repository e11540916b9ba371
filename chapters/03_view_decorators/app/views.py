"""BaseView: what all views share. Practice 1."""

from typing import Any

import ujson
from flask import Response
from flask.views import MethodView


class BaseView(MethodView):
    """Answer JSON in one way, whatever the view.

    Subclass it and write one method per HTTP method::

        class HelloView(BaseView):
            def get(self):
                return self.answer({"hello": "세계"})

        bp.add_url_rule("/hello", view_func=HelloView.as_view("hello"))

    Flask answers 405 with an `Allow` header for every method that is not there.
    """

    @staticmethod
    def answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        """Return ``data`` as JSON; text stays readable in UTF-8 instead of turning into ``\\uXXXX``."""
        body = ujson.dumps(data, ensure_ascii=False, escape_forward_slashes=False)
        return Response(body, status, headers, content_type="application/json; charset=utf-8")

    @staticmethod
    def refuse(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
        """Return the error ``message`` as JSON."""
        return BaseView.answer({"error": message}, status, headers)
