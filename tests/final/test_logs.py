"""The log: one JSON object a line, one line a request, and nothing in it that is a secret.

That no secret gets into the log is checked in all tests of this folder, see `log` in kit/service.py.
"""

from __future__ import annotations

import importlib
import json
import logging
import subprocess
import sys
from typing import Any

import pytest
from kit.adapter import PASSWORD, Client, Stage

ME = "/v2/accounts/me"
FIELDS = ["time", "request_id", "address", "account", "method", "path", "status", "milliseconds"]


def lines(log: Any) -> list[dict[str, Any]]:
    """Return the lines about requests."""
    found = [json.loads(line) for line in log.text.split("\n") if line.startswith("{")]
    return [line for line in found if "status" in line]


def test_a_line_has_these_fields_and_no_more(service: Stage, log: Any) -> None:
    """Each by name: nothing is added by accident."""
    service.client.get("/health/live")

    (line,) = lines(log)
    assert list(line) == FIELDS
    assert (line["account"], line["status"], line["path"]) == (None, 200, "/health/live")


def test_a_line_names_only_who_proved_it(service: Stage, log: Any) -> None:
    """The account of a valid token, even if the request is refused; none for an invalid one or a log-in."""
    account = service.sign_up()
    log.text = ""

    account.client.get("/v2/accounts")
    service.client.get(ME, headers={"Authorization": "Bearer a.b.c"})
    service.log_in(account.email)

    assert [(line["account"], line["status"]) for line in lines(log)] == [
        (account.id, 403),
        (None, 401),
        (None, 200),
    ]


HOSTILE = ["%0d%0a", "%0a%7b%22status%22:200%7d", "%1b%5b2J", "%c2%9b2J", "%c2%85", "%e2%80%a8", "%00", "%ff"]
HOSTILE += ["%22%7d", "%5c", "%e2%80%ae"]


@pytest.mark.parametrize("path", HOSTILE)
def test_a_url_is_text_inside_of_one_line(service: Stage, log: Any, path: str) -> None:
    """Line breaks of every kind, terminal escapes, quotes: nothing ends the line or acts on a screen."""
    service.client.get(f"/v2/{path}?token=hunter2")

    (line,) = lines(log)
    assert line["status"] == 404
    written = log.text.rstrip("\n")
    assert written.isascii() and written.isprintable() and len(written.splitlines()) == 1


@pytest.mark.parametrize(("method", "path"), [("GET", "/v2/" + "😀" * 9000), ("X" * 9000, "/v2/accounts")])
def test_a_long_request_has_a_line_that_stays_in_one_piece(
    service: Stage, log: Any, method: str, path: str
) -> None:
    """What several processes write into one pipe stays intact up to 4,096 bytes (PIPE_BUF)."""
    service.client.open(method, path)

    assert len(lines(log)) == 1
    assert len(log.text) <= 4096 and log.text.isascii()


def test_a_line_stays_in_one_piece_in_a_pipe(service: Stage) -> None:
    """A failure too: a traceback that is too long keeps its end, with the exception."""
    formatter = importlib.import_module(f"{service.loaded.package.__name__}.logs").JsonLines()

    record = logging.LogRecord("app", logging.ERROR, __file__, 1, "", None, None)
    for words in ("it failed", "실패 " * 5000):
        record.msg, record.exc_info = words, (LookupError, LookupError("비 " * 3000 + "홍수"), None)
        text = formatter.format(record)
        assert len(text) + 1 <= 4096 and text.isascii()
        assert json.loads(text)["exception"].endswith("홍수")


def test_a_worker_that_is_stopped_leaves_a_line(service: Stage, log: Any) -> None:
    """No response, no status; but the log knows which request it was."""

    def stop() -> str:
        raise SystemExit(1)

    service.app.add_url_rule("/v2/slow", "slow", stop)
    with pytest.raises(SystemExit):
        service.client.get("/v2/slow")

    (line,) = lines(log)
    assert (line["path"], line["status"], line["error"]) == ("/v2/slow", None, "SystemExit")


def test_a_hook_that_fails_leaves_one_line(service: Stage, log: Any) -> None:
    """One line for each request, also when a hook fails."""

    @service.app.after_request
    def fail(response: Any) -> Any:
        raise RuntimeError

    assert service.client.get("/health/live").status_code == 500
    assert [line["error"] for line in lines(log)] == ["RuntimeError"]


def test_the_access_log_can_be_switched_off(service: Stage, log: Any) -> None:
    """With the standard logging module; requests work as before."""
    assert service.client.get("/health/live").status_code == 200
    log.text = ""
    logger = service.loaded.package.logs.access_log
    logger.setLevel(logging.WARNING)
    try:
        assert service.client.get("/health/live").status_code == 200
    finally:
        logger.setLevel(logging.INFO)

    assert log.text == ""


PROCESS = """
from app import create_app

def boom():
    raise RuntimeError("the cellar\\nis on fire")

app = create_app("config.TestingConfig")
app.add_url_rule("/v2/boom", "boom", boom)
client = app.test_client()
for path in ("/v2/accounts/me", "/v2/boom", "/health/live"):
    client.get(path)
"""


def test_a_process_writes_nothing_but_lines_of_json(service: Stage) -> None:
    """To standard error, as it is started, a failure with its traceback inside its line; nothing twice."""
    done = subprocess.run(
        [sys.executable, "-c", PROCESS],
        cwd=service.loaded.folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (0, "")
    written = [json.loads(line) for line in done.stderr.splitlines()]
    requests = [line for line in written if "status" in line]
    assert [line["status"] for line in requests] == [401, 500, 200]
    (failure,) = [line for line in written if "status" not in line]
    assert (failure["level"], failure["request_id"]) == ("ERROR", requests[1]["request_id"])
    assert "Traceback" in failure["exception"] and "cellar" in failure["exception"]


def test_the_log_fixture_finds_a_secret(service: Stage, log: Any) -> None:
    """The pattern that every test is searched by finds what the tests use."""
    account = service.sign_up()

    for secret in (PASSWORD, account.client.token, account.email, "hunter2", "$argon2id$v=19$"):
        assert log.SECRET.search(f'{{"path": "/{secret}"}}')


SENT = {
    "in a query": ("GET", f"{ME}?token=hunter2", {}),
    "in a body": ("POST", "/v2/auth/login", {"json": {"email": "mina@example.com", "password": "hunter2"}}),
    "in a header": ("GET", ME, {"headers": {"Authorization": "Basic hunter2", "User-Agent": "hunter2"}}),
    "as the id of a request": ("GET", ME, {"headers": {"X-Request-ID": "Bearer hunter2"}}),
}


@pytest.mark.parametrize(("method", "path", "options"), SENT.values(), ids=SENT)
def test_what_a_client_sends_is_not_logged(
    service: Stage, log: Any, method: str, path: str, options: dict[str, Any]
) -> None:
    """Beyond method and path, wherever it is."""
    Client(service.app).open(method, path, **options)

    assert len(lines(log)) == 1
    assert "hunter2" not in log.text
