"""The people of a service that many tests share, without limits on attempts."""

from __future__ import annotations

import pyotp
from kit.adapter import PASSWORD, Stage, expect

LIMITS = ("ATTEMPTS_PER_ADDRESS", "ATTEMPTS_PER_ACCOUNT", "CODES_PER_ACCOUNT", "MAILS_PER_ACCOUNT")
LIMITS += ("ATTEMPTS_PER_ACCOUNT_IN_ALL", "MAILS_PER_ACCOUNT_IN_ALL")
MFA = "/v2/auth/mfa"


class People:
    """Mina and Juno are members, Sora has a second factor, and there is an admin. All are logged in."""

    def __init__(self, service: Stage) -> None:
        self.service = service
        unlimited = dict.fromkeys((*LIMITS, "REFRESHES_PER_ADDRESS"), 999_999)
        self.app = service.app = service.new_app(**unlimited)
        names = ("mina", "juno", "sora")
        self.members = {name: service.sign_up(name, f"{name}@example.com") for name in names}
        sora = self.members["sora"].client
        secret = expect(sora.post(MFA, json={"current_password": PASSWORD}), 200)["secret"]
        expect(sora.post(f"{MFA}/confirm", json={"code": pyotp.TOTP(secret).now()}), 200)
