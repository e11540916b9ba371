"""What the documentation page says about the API: its bodies, and `documented` for each method of a view.

RESTX takes these models for the document only. It could check requests by them too, but its messages repeat
what was sent, passwords too: `'hunter2' is too short` (trap 4). `validated` does that instead.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from flask_restx import Model, fields
from flask_restx import Namespace as RestxNamespace

V = TypeVar("V", bound=Callable[..., Any])


class Namespace(RestxNamespace):  # type: ignore[misc]
    """A group of views below one path, `/accounts` for example."""

    def documented(
        self,
        *,
        takes: Model | None = None,
        gives: dict[int, Model | None],
        fails: tuple[int, ...] = (),
        token: bool = True,
        params: dict[str, str] | None = None,
    ) -> Callable[[V], V]:
        """Describe a method of a view; its docstring is the summary.

        Args:
            takes: the model of the body.
            gives: each status of success, with the model of its body.
            fails: each status of failure; 401 is added where a token is needed.
            token: whether an access token is needed.
            params: what may stand behind `?`, and what it means.
        """

        def decorate(view: V) -> V:
            doc: dict[str, Any] = {"params": params or {}, "security": "token" if token else []}
            if takes is not None:
                doc["expect"] = [takes]
            doc["responses"] = {
                status: (HTTPStatus(status).phrase, model) if model is not None else HTTPStatus(status).phrase
                for status, model in gives.items()
            }
            for status in sorted({*fails, *([401] if token else [])}):
                doc["responses"][status] = (HTTPStatus(status).phrase, PROBLEM)
            return self.doc(**doc)(view)  # type: ignore[no-any-return]

        return decorate


def _text(example: str, description: str, **limits: int) -> fields.String:
    return fields.String(required=True, example=example, description=description, **limits)


EMAIL = _text("mina@example.com", "an e-mail address, in any spelling", max_length=254)
NAME = _text("김미나", "how the account is called", min_length=1, max_length=100)
PASSWORD = _text("correct horse battery staple", "15 characters or more", min_length=15, max_length=128)

NEW_ACCOUNT = Model("NewAccount", {"email": EMAIL, "name": NAME, "password": PASSWORD})
CHANGES = Model("AccountChanges", {"name": NAME})
CREDENTIALS = Model("Credentials", {"email": EMAIL, "password": _text("correct horse battery staple", "")})
PASSWORD_CHANGE = Model(
    "PasswordChange",
    {"current_password": _text("correct horse battery staple", "as proof"), "new_password": PASSWORD},
)
ACCEPTED = Model("Accepted", {"status": fields.String(example="accepted")})
ACCOUNT = Model(
    "Account",
    {
        "id": fields.String(description="never given to another account"),
        "email": EMAIL,
        "name": NAME,
        "role": fields.String(enum=["member", "admin"]),
        "created_at": fields.DateTime(),
    },
)
PAGE = Model(
    "AccountPage",
    {
        "items": fields.List(fields.Nested(ACCOUNT)),
        "next": fields.String(description="the URL of the next page; null on the last"),
    },
)
SESSION = Model(
    "Session",
    {
        "id": fields.String(),
        "created_at": fields.DateTime(),
        "last_used_at": fields.DateTime(description="to five minutes"),
        "address": fields.String(description="from where it was begun; null where nobody knows"),
        "agent": fields.String(description="by what, in the client's own words; null where it said nothing"),
        "current": fields.Boolean(description="whether it is the one that asks"),
    },
)
SESSION_PAGE = Model(
    "SessionPage",
    {
        "items": fields.List(fields.Nested(SESSION)),
        "next": fields.String(description="the URL of the next page; null on the last"),
    },
)
GRANT = Model(
    "Grant",
    {
        "access_token": fields.String(),
        "token_type": fields.String(example="Bearer"),
        "expires_in": fields.Integer(description="seconds"),
    },
)
FIELD_ERROR = Model(
    "FieldError",
    {"field": fields.String(), "code": fields.String(), "message": fields.String()},
)
PROBLEM = Model(
    "Problem",
    {
        "type": fields.String(example="about:blank"),
        "title": fields.String(),
        "status": fields.Integer(),
        "detail": fields.String(),
        "instance": fields.String(description="the id of the request"),
        "errors": fields.List(fields.Nested(FIELD_ERROR), description="where the input is not valid"),
    },
)
MODELS = (
    *(NEW_ACCOUNT, CHANGES, PASSWORD_CHANGE, CREDENTIALS),
    *(ACCEPTED, ACCOUNT, PAGE, GRANT, SESSION, SESSION_PAGE, FIELD_ERROR, PROBLEM),
)
