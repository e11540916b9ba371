"""Uses a running service once, as a client would: `python smoke.py URL [COMMIT]`. Chapter 7.

Standard library only, and it leaves nothing behind but an account that is not confirmed.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from secrets import token_hex
from typing import Any

PATIENCE = float(os.environ.get("PATIENCE", 30))  # seconds that it may take to be there


def main(url: str, commit: str | None = None) -> None:
    """Sign up, and be refused without a token, at ``url``, as soon as ``commit`` is what runs there."""
    wait_until_there(url, commit)
    account = {"email": f"smoke-{token_hex(8)}@example.com", "password": token_hex(16)}
    expect(202, "POST", f"{url}/v2/accounts", account | {"name": "smoke"})
    wrong = account | {"password": token_hex(16)}
    expect(401, "POST", f"{url}/v2/auth/login", wrong)
    expect(401, "GET", f"{url}/v2/accounts/me")
    expect(410, "GET", f"{url}/v1/accounts")
    print(f"smoke: {url} works")  # noqa: T201


def wait_until_there(url: str, commit: str | None) -> None:
    """Ask until the service is ready and, where one is named, of that commit; give up after a while."""
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            status, _ = send("GET", f"{url}/health/ready")
            runs = json.loads(send("GET", f"{url}/version")[1])["commit"]
            found = f"/health/ready answers {status}, /version says {runs}"
            if status == 200 and commit in (None, runs):
                return
        except (OSError, ValueError) as error:  # nothing listens there, or another program does
            found = str(error)
        if time.monotonic() > give_up:
            sys.exit(f"smoke: {url} is not there after {PATIENCE:g} seconds: {found}")
        time.sleep(0.1)


def expect(status: int, method: str, url: str, body: Any = None) -> Any:
    """Send a request and return the JSON of its answer; end the program if it has another status."""
    got, answer = send(method, url, body)
    if got != status:
        sys.exit(f"smoke: {method} {url}: expected {status}, got {got}: {answer!r}")
    return json.loads(answer) if answer else None


def send(method: str, url: str, body: Any = None) -> tuple[int, bytes]:
    """Send a request and return the status and the body of its answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - the operator names the URL
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
