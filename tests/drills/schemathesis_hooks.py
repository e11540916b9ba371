"""What schemathesis needs to know about the service: how to log in, and that a 204 has no type."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import count
from typing import Any

import requests
import schemathesis
from schemathesis.specs.openapi.checks import content_type_conformance

URL, PASSWORD = os.environ["SERVICE_URL"], os.environ["ADMIN_PASSWORD"]


@schemathesis.auth(refresh_interval=None)
class LogIn:
    """Logs in for each request, since some end the session; as another admin once the last was deleted."""

    emails = (f"boss{number}@example.com" for number in count(1))
    email = next(emails)

    def get(self, case: Any, context: Any) -> str:
        """Return an access token of an admin."""
        body = {"email": self.email, "password": PASSWORD}
        answer = requests.post(f"{URL}/v2/auth/login", json=body, timeout=20)
        if answer.status_code == 200:
            return str(answer.json()["access_token"])
        LogIn.email = next(self.emails)
        command = [
            "accounts",
            "create-admin",
            "--email",
            self.email,
            "--name",
            "Boss",
            "--password",
            PASSWORD,
        ]
        subprocess.run([sys.executable, "-m", "flask", "--app", "wsgi", *command], check=True, timeout=60)
        return self.get(case, context)

    def set(self, case: Any, data: str, context: Any) -> None:
        """Send it."""
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.check
def content_has_its_type(ctx: Any, response: Any, case: Any) -> bool | None:
    """OpenAPI 2 gives the types of an operation, but cannot say that one of its responses has none."""
    return content_type_conformance(ctx, response, case) if response.content else None
