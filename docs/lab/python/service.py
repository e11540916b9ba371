"""The reader's application, kept from request to request and loaded again when a file has changed."""

import gzip
import importlib
import io
import linecache
import os
import sys
import time
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import workspace
from flask import Flask, got_request_exception
from flask.cli import find_best_app
from limits import TookTooLong, timer

LIMIT = 10.0  # seconds for a request, and for loading the application

_loaded: dict[str, Flask] = {}  # by stage; at most one


def send(stage: str, files: workspace.Files, request: dict[str, Any], fresh: bool = False) -> dict[str, Any]:
    """Send a request to the reader's application and return its response.

    Args:
        request: its `method`, `path`, `headers` as pairs and `body`.
        fresh: empty the database and the `instance` folder first.

    """
    folder, changed = workspace.write(stage, files)
    if fresh:
        workspace.remove_instance(stage)
    printed = io.StringIO()
    raised: list[BaseException] = []
    response: dict[str, Any] = {}
    with redirect_stdout(printed), redirect_stderr(printed):
        try:
            with timer(str(folder)) as running:
                running.start(LIMIT)
                if changed or fresh or stage not in _loaded:
                    _load(stage, folder)
                    running.start(LIMIT)
                response = _request(_loaded[stage], request, raised)
        except (Exception, SystemExit, TookTooLong) as error:
            raised.append(error)
    error = explain(raised[-1], folder) if raised else None
    return response | {"printed": printed.getvalue(), "error": error}


def explain(error: BaseException, folder: Path) -> dict[str, Any]:
    """Return an exception's kind, text and places in the reader's files."""
    own = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(f"{folder}/")]
    frames = [(f.filename, f.lineno or 0, (f.line or "").strip()) for f in own]
    if isinstance(error, SyntaxError) and (error.filename or "").startswith(f"{folder}/"):
        frames.append((str(error.filename), error.lineno or 1, (error.text or "").strip()))
        error = type(error)(error.msg)
    text = " ".join(str(error).split()).replace(f"{folder}/", "")
    return {
        "kind": "slow" if isinstance(error, TookTooLong) else "raised",
        "raised": f"{type(error).__name__}: {text}" if text else type(error).__name__,
        "places": [(name.removeprefix(f"{folder}/"), line, source) for name, line, source in frames],
    }


def _load(stage: str, folder: Path) -> None:
    """Import the stage as `flask run` does, after removing what an earlier load imported."""
    _loaded.clear()
    sys.path[:] = [str(folder), *(path for path in sys.path if not path.startswith(workspace.HOME))]
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in ("app", "config", "run") or _is_of(module, workspace.HOME):
            del sys.modules[name]
    importlib.invalidate_caches()
    linecache.checkcache()
    os.chdir(folder)
    module = importlib.import_module("app")
    _loaded[stage] = find_best_app(module)


def _request(app: Flask, request: dict[str, Any], raised: list[BaseException]) -> dict[str, Any]:
    def keep(_sender: Flask, exception: BaseException, **_: Any) -> None:
        raised.append(exception)

    client = app.test_client(use_cookies=False)
    body = request["body"].encode() if request["body"] else None
    began = time.perf_counter()
    with got_request_exception.connected_to(keep, app):
        answer = client.open(
            request["path"], method=request["method"], headers=request["headers"], data=body, buffered=True
        )
    seconds = time.perf_counter() - began
    content = answer.data
    if answer.headers.get("Content-Encoding") == "gzip":
        content = gzip.decompress(content)
    return {
        "status": answer.status,
        "headers": list(answer.headers),
        "body": content.decode("utf-8", errors="replace"),
        "bytes": len(answer.data),
        "milliseconds": round(seconds * 1000, 1),
    }


def _is_of(module: Any, folder: str) -> bool:
    return str(getattr(module, "__file__", None) or "").startswith(folder)
