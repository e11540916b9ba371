"""`/v2/audit`: what happened to the accounts, and who did it. For admins."""

from __future__ import annotations

from typing import Any

from flask_restx import Resource

from ..decorators import compressed, role_required, token_required
from ..models import Role
from ..models.columns import ID
from ..parsing import like, one_of
from ..services import audit
from .documentation import AUDIT_PAGE, OUTCOMES, Namespace
from .pages import PARAMS, page

ACTION = r"^[a-z_]+(?:\.[a-z_]+)*$"
FILTERS = {
    "account_id": {"description": "only what was done to this account", "pattern": ID},
    "actor_id": {"description": "only what this account did", "pattern": ID},
    "action": {"description": "only this, `login` or `password.reset` for example", "pattern": ACTION},
    "outcome": {"description": "only what ended so", "enum": OUTCOMES},
}

ns = Namespace("audit", "What happened, and who did it", path="/audit")


@ns.route("", endpoint="audit")
class Audit(Resource):  # type: ignore[misc]
    """The audit. Nothing in it can be changed from here."""

    @ns.documented(gives={200: AUDIT_PAGE}, fails=(400,), params=PARAMS | FILTERS)
    @token_required
    @role_required(Role.ADMIN)
    @compressed
    def get(self) -> tuple[Any, int, dict[str, str]]:
        """List what happened, newest first, page by page."""
        return page(
            audit.find_page,
            represent,
            account_id=like(ID, "an id"),
            actor_id=like(ID, "an id"),
            action=like(ACTION, "the name of an action"),
            outcome=one_of(*OUTCOMES),
        )


def represent(shown: Any) -> dict[str, Any]:
    """Return what an admin sees of a row: all of it."""
    return dict(shown._mapping)
