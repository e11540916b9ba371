"""The clients of the tests: they send requests, record them, and check the responses."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PASSWORD = "a passphrase for the tests 1"


#: What the paths that the tests write in full begin with.
UNPREFIXED = ("/v1", "/v2", "/health", "/.well-known", "/metrics", "/version")


@dataclass
class Exchange:
    """A request of a test and its response, None if the application raised an exception."""

    method: str
    url: str
    body: Any
    app: Flask
    response: TestResponse | None = None


#: The last exchanges, which the explanation of a failure shows.
EXCHANGES: deque[Exchange] = deque(maxlen=50)


class RecordingClient(FlaskClient):
    """Flask's test client, which records the last exchanges."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        url = str(args[0]) if args and isinstance(args[0], str) else str(options.get("path", ""))
        body = options.get("json", options.get("data"))
        exchange = Exchange(options.get("method", "GET"), url, body, self.application)
        EXCHANGES.append(exchange)
        exchange.response = super().open(*args, **options)
        return exchange.response


class Unexpected(AssertionError):
    """A response is not the expected one. The parts are attributes, for a message in any language."""

    def __init__(self, response: TestResponse, expected: str, got: str) -> None:
        self.response, self.expected = response, expected
        sent = f"{response.request.method} {response.request.full_path.rstrip('?')}"
        super().__init__(f"{sent}: expected {expected}, got {got}")


class Lacks(AssertionError):
    """The stage lacks something that is no part of a response; ``lacks`` has its kind and its name."""

    def __init__(self, kind: str, name: str) -> None:
        self.lacks = (kind, name)
        super().__init__(f"there is no {kind} {name}")


def require(response: TestResponse, condition: object, expected: str) -> None:
    """Check something about ``response`` that ``expected`` says.

    Raises:
        Unexpected: ``condition`` is not true.
    """
    if not condition:
        raise Unexpected(response, expected, _short(response))


def expect(response: TestResponse, *statuses: int) -> Any:
    """Check the status of ``response`` and return its JSON, None if it has no body.

    Raises:
        Unexpected: it has another status, or its body isn't JSON.
    """
    expect_status(response, *statuses)
    if not response.data:
        return None
    if not response.is_json:
        raise Unexpected(response, "JSON", f"{response.content_type}: {response.text[:300]}")
    return json.loads(response.data)


def expect_status(response: TestResponse, *statuses: int) -> None:
    """Check the status of ``response``, whose body may be anything."""
    if response.status_code not in statuses:
        wanted = " or ".join(map(str, statuses))
        raise Unexpected(response, wanted, f"{response.status_code}: {_short(response)}")


def expect_object(response: TestResponse, *statuses: int) -> dict[str, Any]:
    """Check the status of ``response`` and return the object that its body is."""
    body = expect(response, *statuses)
    if not isinstance(body, dict):
        raise Unexpected(response, "an object in JSON", _short(response))
    return body


def expect_header(response: TestResponse, name: str) -> str:
    """Return a header of ``response``, which has to have it."""
    if name not in response.headers:
        raise Lacks("header", name)
    return str(response.headers[name])


def expect_page(response: TestResponse) -> tuple[list[Any], str | None]:
    """Return the accounts on a page of version 2, and the absolute URL of the next page or None."""
    page = expect_object(response, 200)
    items, following = page["items"], page["next"]
    require(response, isinstance(items, list), "an array as `items`")
    require(response, isinstance(following, str | None), "a URL or null as `next`")
    return items, urljoin(response.request.url, following) if following else None


def _short(response: TestResponse) -> str:
    return " ".join(response.get_data(as_text=True).split())[:200]


class Client:
    """Sends requests to one application, with its token if it has one."""

    reads_first = True  # read before a change, if the stage requires that

    def __init__(
        self, app: Flask, prefix: str = "", token: str | None = None, password: str | None = None
    ) -> None:
        self._client = app.test_client()
        self.prefix = prefix
        self.token = token
        self.password = password  # sent along to delete an account, where the stage asks for it

    def open(self, method: str, path: str, **options: Any) -> TestResponse:
        """Send a request; ``path`` gets the version's prefix unless it names a version or is a whole URL."""
        headers = dict(options.pop("headers", {}))
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        if not path.startswith(("http:", "https:", *UNPREFIXED)):
            path = self.prefix + path
        response = self._client.open(path, method=method, headers=headers, **options)
        if response.status_code == 428 and self.reads_first:
            # The stage accepts a change only with the tag of what it changes: read that first.
            read = self._client.get(path, headers=headers)
            headers["If-Match"] = read.headers["ETag"]
            response = self._client.open(path, method=method, headers=headers, **options)
        return response

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.open("GET", path, **options)

    def post(self, path: str, **options: Any) -> TestResponse:
        return self.open("POST", path, **options)

    def patch(self, path: str, **options: Any) -> TestResponse:
        return self.open("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        if self.password and "/accounts/" in path:
            options.setdefault("json", {"current_password": self.password})
        return self.open("DELETE", path, **options)


@dataclass
class SignedUp:
    """An account that a test created, and a client that may use it."""

    id: Any
    email: str
    name: str
    client: Client

    @property
    def path(self) -> str:
        return f"/accounts/{self.id}"
