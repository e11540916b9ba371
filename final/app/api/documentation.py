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

from ..decorators.notes import needs_token, refusals

V = TypeVar("V", bound=Callable[..., Any])

PHRASE = "correct horse battery staple"


class Namespace(RestxNamespace):  # type: ignore[misc]
    """A group of views below one path, `/accounts` for example."""

    def documented(
        self,
        *,
        takes: Model | None = None,
        gives: dict[int, Model | None],
        fails: tuple[int, ...] = (),
        params: dict[str, Any] | None = None,
    ) -> Callable[[V], V]:
        """Describe a method of a view; its docstring is the summary.

        Args:
            takes: the model of the body.
            gives: each status of success, with the model of its body.
            fails: each status of failure, besides those that the decorators of the view have noted.
            params: what may stand behind `?`, and what it means; a header by a description of its own.
        """

        def decorator(view: V) -> V:
            doc: dict[str, Any] = {"params": params or {}, "security": "token" if needs_token(view) else []}
            if takes is not None:
                doc["expect"] = [takes]
            doc["responses"] = {
                status: (HTTPStatus(status).phrase, model) if model is not None else HTTPStatus(status).phrase
                for status, model in gives.items()
            }
            for status in sorted(refusals(view).union(fails)):
                doc["responses"][status] = (HTTPStatus(status).phrase, PROBLEM)
            return self.doc(**doc)(view)  # type: ignore[no-any-return]

        return decorator


class Text(fields.String):  # type: ignore[misc]
    """A text, with what the field of RESTX cannot say: its format, and whether it may be null."""

    def __init__(
        self, description: str = "", *, format: str = "", nullable: bool = False, **more: Any
    ) -> None:
        super().__init__(description=description or None, **more)
        self._more = ({"format": format} if format else {}) | ({"x-nullable": True} if nullable else {})

    def schema(self) -> dict[str, Any]:
        """Return what the document says of it."""
        return super().schema() | self._more  # type: ignore[no-any-return]


def _wanted(description: str, example: str, **more: Any) -> Text:
    """A text in a body; no body has one with NUL."""
    return Text(description, example=example, required=True, **({"pattern": NO_NUL} | more))


def _page(name: str, items: Model) -> Model:
    following = Text("the URL of the next page; null on the last", nullable=True)
    return Model(name, {"items": fields.List(fields.Nested(items)), "next": following})


def _body(title: str, /, **fields: Any) -> Model:
    return Model(title, fields, strict=True)


class _AtLeastOne(Model):  # type: ignore[misc]
    @property
    def _schema(self) -> dict[str, Any]:
        return super()._schema | {"minProperties": 1}  # type: ignore[no-any-return]


NO_NUL = r"^[^\u0000]*$"
ONE_LINE = r"^[^\u0000-\u001f\u007f-\u009f]*[^\u0000-\u0020\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
ROLES = ["member", "admin"]
STATES = ["active", "unverified", "disabled"]
OUTCOMES = ["done", "failed", "refused"]

EMAIL = _wanted("an e-mail address, in any spelling", "mina@example.com", max_length=254, format="email")
NAME = _wanted("how the account is called", "김미나", min_length=1, max_length=100, pattern=ONE_LINE)
PASSWORD = _wanted("15 characters or more, and none that is common", PHRASE, min_length=15, max_length=128)
NEW_PASSWORD = _wanted(
    "15 characters or more, 8 where there is a second factor; none that is common",
    PHRASE,
    min_length=8,
    max_length=128,
)
CURRENT = _wanted("as proof", PHRASE)
MAILED = _wanted("from the link that was mailed", "4J3nbsXt…")
ANY_CODE = _wanted("of the app, or a recovery code", "123456")

# -- what is sent ---------------------------------------------------------------------------------------

NEW_ACCOUNT = _body("NewAccount", email=EMAIL, name=NAME, password=PASSWORD)
CHANGES = _AtLeastOne(
    "AccountChanges",
    {
        "name": Text(example="김미나", min_length=1, max_length=100, pattern=ONE_LINE),
        "role": Text("for admins to change", enum=ROLES),
        "disabled": fields.Boolean(description="for admins to change"),
    },
    strict=True,
)
DELETION = _body(
    "AccountDeletion",
    current_password=CURRENT,
    code=Text("where there is a second factor: of the app, or a recovery code", pattern=NO_NUL),
)
CREDENTIALS = _body("Credentials", email=_wanted("", "mina@example.com"), password=CURRENT)
REFRESH = _body("Refresh", refresh_token=_wanted("the newest of this session", "rt_..."))
TOKEN = _body("MailedToken", token=MAILED)
EMAIL_ADDRESS = _body("EmailAddress", email=_wanted("", "mina@example.com"))
EMAIL_CHANGE = _body("EmailChange", email=EMAIL, current_password=CURRENT)
PASSWORD_CHANGE = _body("PasswordChange", current_password=CURRENT, new_password=NEW_PASSWORD)
PASSWORD_RESET = _body("PasswordReset", token=MAILED, new_password=NEW_PASSWORD)
CURRENT_PASSWORD = _body("CurrentPassword", current_password=CURRENT)
CODE = _body("Code", code=_wanted("of the app", "123456"))
MFA_PROOF = _body("MfaProof", current_password=CURRENT, code=ANY_CODE)
MFA_LOGIN = _body("MfaLogIn", mfa_token=_wanted("of the log-in", "mfa_..."), code=ANY_CODE)

# -- what comes back --------------------------------------------------------------------------------------

ACCEPTED = Model("Accepted", {"status": Text(enum=["accepted"])})
ACCOUNT = Model(
    "Account",
    {
        "id": Text("never given to another account"),
        "email": Text(),
        "name": Text(),
        "role": Text(enum=ROLES),
        "created_at": fields.DateTime(),
        "verified": fields.Boolean(description="whether its owner has shown that they read its mail"),
        "disabled": fields.Boolean(description="whether an admin keeps its owner out"),
        "mfa": fields.Boolean(description="whether logging in asks for a code, the second factor"),
    },
)
SESSION = Model(
    "Session",
    {
        "id": Text(),
        "created_at": fields.DateTime(),
        "last_used_at": fields.DateTime(description="to five minutes"),
        "address": Text("from where it was begun; null where that is not known", nullable=True),
        "agent": Text("by what, in the client's own words; null where it said nothing", nullable=True),
        "current": fields.Boolean(description="whether it is the one that asks"),
    },
)
AUDIT_EVENT = Model(
    "AuditEvent",
    {
        "id": Text(),
        "created_at": fields.DateTime(),
        "action": Text(example="password.reset"),
        "outcome": Text(enum=OUTCOMES),
        "account_id": Text("to whom; null where the e-mail has no account", nullable=True),
        "actor_id": Text("by whom; null where the client had not proved who it is", nullable=True),
        "address": Text("from where; null for a command", nullable=True),
        "request_id": Text("as in the log; null for a command", nullable=True),
        "details": fields.Raw(),
    },
)
EXPORT = Model(
    "Export",
    {
        "account": fields.Raw(),
        "sessions": fields.List(fields.Raw()),
        "events": fields.List(fields.Raw(), description="from where, only of what you did yourself"),
    },
)
PAGE, SESSION_PAGE = _page("AccountPage", ACCOUNT), _page("SessionPage", SESSION)
AUDIT_PAGE = _page("AuditPage", AUDIT_EVENT)
_TOKENS = {
    "access_token": Text(),
    "token_type": Text(enum=["Bearer"]),
    "expires_in": fields.Integer(description="seconds, of the access token or the MFA token"),
    "refresh_token": Text("good once, for `POST /v2/auth/refresh`"),
}
GRANT = Model("Grant", _TOKENS)
MFA_TOKEN = Text("instead of tokens, where there is a second factor: for `/v2/auth/login/mfa`")
LOGIN = Model("LogIn", _TOKENS | {"mfa_token": MFA_TOKEN})
MFA_SETUP = Model(
    "MfaSetup",
    {
        "secret": Text("to be typed into the app"),
        "uri": Text("otpauth://, to be opened on the phone"),
        "qr": Text("the same to be scanned: an SVG, as a data URI"),
    },
)
RECOVERY_CODES = Model(
    "RecoveryCodes",
    {"recovery_codes": fields.List(fields.String(), description="ten, each good once; not shown again")},
)
FIELD_ERROR = Model("FieldError", {"field": Text(), "code": Text(), "message": Text()})
PROBLEM = Model(
    "Problem",
    {
        "type": Text(example="about:blank"),
        "title": Text(),
        "status": fields.Integer(),
        "detail": Text(),
        "instance": Text("the id of the request"),
        "errors": fields.List(fields.Nested(FIELD_ERROR), description="where the input is not valid"),
    },
)
#: All of the above.
MODELS = [found for found in list(globals().values()) if isinstance(found, Model)]
