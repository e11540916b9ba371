"""Chapter 4: of several error handlers the one for the nearest class wins."""

from flask import Flask, abort
from werkzeug.exceptions import HTTPException, NotFound

app = Flask(__name__)


@app.errorhandler(Exception)
def for_exception(error: Exception) -> tuple[str, int]:
    return f"the handler for Exception got {type(error).__name__}", 500


@app.errorhandler(HTTPException)
def for_http_exception(error: HTTPException) -> tuple[str, int]:
    return f"the handler for HTTPException got {type(error).__name__}", error.code or 500


@app.errorhandler(404)
def for_not_found(error: NotFound) -> tuple[str, int]:
    return f"the handler for 404 got {type(error).__name__}", 404


@app.get("/forbidden")
def forbidden() -> str:
    abort(403)


@app.get("/broken")
def broken() -> str:
    return {}["name"]


client = app.test_client()
for path in ("/nowhere", "/forbidden", "/broken"):
    print(path, "-", client.get(path).text)
