"""`/v2/auth/mfa` and `/v2/auth/login/mfa`: the second factor."""

from __future__ import annotations

from typing import Any

from flask_restx import Resource

from ..decorators import principal, rate_limited, token_required, validated
from ..decorators.rate_limits import account_of_mfa_token, account_of_token
from ..services import mfa
from .auth import ns, read_device, represent_grant
from .documentation import CODE, CURRENT_PASSWORD, GRANT, MFA_LOGIN, MFA_PROOF, MFA_SETUP, RECOVERY_CODES


@ns.route("/mfa", endpoint="mfa")
class Mfa(Resource):  # type: ignore[misc]
    """The client's own second factor. A token alone neither sets it up nor removes it: it may be stolen."""

    @ns.documented(takes=CURRENT_PASSWORD, gives={200: MFA_SETUP}, fails=(403, 409, 503))
    @token_required
    @validated(current_password=str)
    @rate_limited("ATTEMPTS_PER_ACCOUNT", seconds=60, by=account_of_token, budget="password")
    def post(self, data: dict[str, str]) -> dict[str, Any]:
        """Set up a second factor: a secret for an app. It counts once it is confirmed."""
        return mfa.set_up(principal(), current=data["current_password"])._asdict()

    @ns.documented(takes=MFA_PROOF, gives={204: None}, fails=(403, 409, 503))
    @token_required
    @validated(current_password=str, code=str)
    @rate_limited("CODES_PER_ACCOUNT", seconds=900, by=account_of_token, budget="code")
    def delete(self, data: dict[str, str]) -> tuple[None, int]:
        """Remove your second factor and its recovery codes."""
        mfa.remove(principal(), current=data["current_password"], code=data["code"])
        return None, 204


@ns.route("/mfa/confirm", endpoint="confirm_mfa")
class ConfirmMfa(Resource):  # type: ignore[misc]
    """The proof that the app has the secret."""

    @ns.documented(takes=CODE, gives={200: RECOVERY_CODES}, fails=(403, 409))
    @token_required
    @validated(code=str)
    @rate_limited("CODES_PER_ACCOUNT", seconds=900, by=account_of_token, budget="code")
    def post(self, data: dict[str, str]) -> dict[str, Any]:
        """Confirm the second factor by a code of the app. The recovery codes are shown this once."""
        return {"recovery_codes": mfa.confirm(principal(), **data)}


@ns.route("/mfa/recovery-codes", endpoint="recovery_codes")
class RecoveryCodes(Resource):  # type: ignore[misc]
    """The recovery codes, which replace the app."""

    @ns.documented(takes=MFA_PROOF, gives={200: RECOVERY_CODES}, fails=(403, 409, 503))
    @token_required
    @validated(current_password=str, code=str)
    @rate_limited("CODES_PER_ACCOUNT", seconds=900, by=account_of_token, budget="code")
    def post(self, data: dict[str, str]) -> dict[str, Any]:
        """Get new recovery codes. Those of before work no more, and these are shown this once."""
        codes = mfa.renew_recovery_codes(principal(), current=data["current_password"], code=data["code"])
        return {"recovery_codes": codes}


@ns.route("/login/mfa", endpoint="login_mfa")
class LoginMfa(Resource):  # type: ignore[misc]
    """The second half of a log-in."""

    @ns.documented(takes=MFA_LOGIN, gives={200: GRANT}, fails=(401,))
    @rate_limited("ATTEMPTS_PER_ADDRESS", seconds=60)
    @validated(mfa_token=str, code=str)
    @rate_limited("CODES_PER_ACCOUNT", seconds=900, by=account_of_mfa_token, budget="code")
    def post(self, data: dict[str, str]) -> dict[str, Any]:
        """Finish a log-in: its `mfa_token` and a code, or a recovery code, for the tokens."""
        return represent_grant(mfa.log_in(data["mfa_token"], data["code"], read_device()))
