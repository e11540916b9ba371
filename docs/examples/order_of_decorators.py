"""Chapter 3: the decorator on top runs first, and a wrong order is a security hole."""

from collections.abc import Callable
from functools import wraps

from flask import Flask, request

app = Flask(__name__)
KEPT: dict[str, str] = {}


def token_required(view: Callable) -> Callable:
    @wraps(view)
    def wrapper() -> str | tuple[str, int]:
        return view() if "Authorization" in request.headers else ("log in first", 401)

    return wrapper


def cached(view: Callable) -> Callable:
    @wraps(view)
    def wrapper() -> str:
        if request.path not in KEPT:
            KEPT[request.path] = view()
        return KEPT[request.path]

    return wrapper


@app.get("/right")
@token_required
@cached
def right() -> str:
    return "the accounts"


@app.get("/wrong")
@cached
@token_required
def wrong() -> str:
    return "the accounts"


client = app.test_client()
for path in ("/right", "/wrong"):
    client.get(path, headers={"Authorization": "Bearer of an admin"})
    print(path, "without a token:", client.get(path).text)
