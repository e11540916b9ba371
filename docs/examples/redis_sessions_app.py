"""Where to go next: a service with its sessions in Redis. Log in, list your devices, end one or all."""

import os
import secrets
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, Response, abort, g, jsonify, request
from redis import Redis, RedisError
from redis_sessions import ABSOLUTE, IDLE, Sessions
from werkzeug.exceptions import HTTPException, ServiceUnavailable
from werkzeug.security import check_password_hash, generate_password_hash

COOKIE = "__Host-session"  # with this prefix, a browser insists on Secure and on this host alone
ACCOUNTS = {"mina@example.com": generate_password_hash("a long passphrase of mine")}
NOBODY = generate_password_hash(secrets.token_hex())  # an unknown e-mail takes as long as a known one


def create_app(prefix: str = "effective-flask:") -> Flask:
    """Return an application with its sessions in Redis, in keys that begin with ``prefix``."""
    app = Flask(__name__)
    url = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
    app.extensions["sessions"] = sessions = Sessions(Redis.from_url(url, decode_responses=True), prefix)

    def session_required(view: Callable) -> Callable:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            if scheme.lower() != "bearer":
                token = request.cookies.get(COOKIE, "")
            g.session = sessions.find(token)
            return view(*args, **kwargs) if g.session else abort(401)

        return wrapper

    @app.post("/login")
    def log_in() -> Response:
        data = request.get_json()
        if not isinstance(data, dict):
            abort(400)
        email, password = str(data.get("email")), str(data.get("password"))
        if not check_password_hash(ACCOUNTS.get(email, NOBODY), password):
            abort(401)
        token = sessions.begin(email, request.user_agent.string[:80])
        if not data.get("cookie"):
            return jsonify(token=token, expires_in=IDLE)
        response = Response(status=204)  # for a browser: no script in the page ever sees the token
        response.set_cookie(COOKIE, token, max_age=ABSOLUTE, secure=True, httponly=True, samesite="Lax")
        return response

    @app.get("/sessions")
    @session_required
    def list_sessions() -> Response:
        items = sessions.of(g.session["account"])
        return jsonify(items=[item | {"current": item["id"] == g.session["id"]} for item in items])

    @app.delete("/sessions/<session_id>")
    @session_required
    def end_session(session_id: str) -> Response:
        session_id = g.session["id"] if session_id == "current" else session_id
        return Response(status=204) if sessions.end(g.session["account"], session_id) else abort(404)

    @app.delete("/sessions")
    @session_required
    def end_all_sessions() -> Response:
        sessions.end_all(g.session["account"])
        return Response(status=204)

    @app.errorhandler(RedisError)
    def redis_is_down(error: RedisError) -> tuple[Response, int]:
        return answer(ServiceUnavailable())  # nobody can be known now; nobody was logged out, either

    @app.errorhandler(HTTPException)
    def answer(error: HTTPException) -> tuple[Response, int]:
        return jsonify(error=error.name), error.code or 500

    return app


def tour() -> None:
    """Use the application as the devices of one account would, and end every session."""
    app = create_app(f"effective-flask:tour:{secrets.token_hex(8)}:")
    client = app.test_client()
    login = {"email": "mina@example.com", "password": "a long passphrase of mine"}
    tokens: dict[str, str] = {}

    def send(device: str, method: str, path: str) -> Any:
        headers = {"Authorization": f"Bearer {tokens.get(device, '')}", "User-Agent": device}
        answer = client.open(path, method=method, headers=headers, json=login if path == "/login" else None)
        devices = [item["device"] for item in (answer.json or {}).get("items", [])]
        print(f"{device:<7}{method:<7}{path:<18}{answer.status:<17}{', '.join(devices)}".rstrip())
        return answer.json

    for device in ("phone", "laptop", "tablet"):
        tokens[device] = send(device, "POST", "/login")["token"]
    send("phone", "GET", "/sessions")
    send("tablet", "DELETE", "/sessions/current")
    send("tablet", "GET", "/sessions")
    app.extensions["sessions"].clock = lambda: time.time() - IDLE  # the watch logged in half an hour ago
    tokens["watch"] = send("watch", "POST", "/login")["token"]
    app.extensions["sessions"].clock = time.time
    send("watch", "GET", "/sessions")
    send("phone", "GET", "/sessions")
    send("phone", "DELETE", "/sessions")
    send("laptop", "GET", "/sessions")


if __name__ == "__main__":
    tour()
