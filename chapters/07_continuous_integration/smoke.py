"""Use a running service once, as a client would: `python smoke.py URL [COMMIT]`. Needs no package."""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from secrets import token_hex
from typing import Any

PATIENCE = float(os.environ.get("PATIENCE", 30))  # seconds that the service may take to start


def main(url: str, commit: str | None = None) -> None:
    """Wait until ``url`` runs ``commit``, then sign up, log in and delete the account again."""
    wait_until_ready(url, commit)
    account = {"email": f"smoke-{token_hex(8)}@example.com", "password": token_hex(16)}
    expect(201, "POST", f"{url}/v2/accounts", account | {"name": "smoke"})
    token = expect(200, "POST", f"{url}/v2/auth/login", account)["access_token"]
    expect(200, "GET", f"{url}/v2/accounts/me", token=token)
    expect(204, "DELETE", f"{url}/v2/accounts/me", token=token)  # leave nothing behind
    expect(401, "GET", f"{url}/v2/accounts/me", token=token)
    print(f"smoke: {url} works")


def wait_until_ready(url: str, commit: str | None) -> None:
    """Ask until the service is ready and, if a commit is given, runs it; give up after PATIENCE seconds."""
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            status, _ = send("GET", f"{url}/health/ready")
            runs = json.loads(send("GET", f"{url}/version")[1])["commit"]
            found = f"/health/ready answers {status}, /version says {runs}"
            if status == 200 and commit in (None, runs):
                return
        except (OSError, ValueError) as error:  # no server yet, or another one
            found = str(error)
        if time.monotonic() > give_up:
            sys.exit(f"smoke: {url} is not ready after {PATIENCE:g} seconds: {found}")
        time.sleep(0.1)


def expect(status: int, method: str, url: str, body: Any = None, token: str = "") -> Any:
    """Send a request and return the JSON of the response; end the program if it has another status."""
    got, answer = send(method, url, body, token)
    if got != status:
        sys.exit(f"smoke: {method} {url}: expected {status}, got {got}: {answer!r}")
    return json.loads(answer) if answer else None


def send(method: str, url: str, body: Any = None, token: str = "") -> tuple[int, bytes]:
    """Send a request and return the status and the body of the response."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
