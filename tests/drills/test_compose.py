"""compose.yaml by a real engine: started, used, broken, rolled and restored by the commands of the pages.

Docker with Compose, on a Linux whose engine is on the same machine, and the images that the file names. The
project has a name, ports and a network of its own, so that another one of this machine is left alone.
"""

from __future__ import annotations

import json
import os
import re
import ssl
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from secrets import randbelow, token_hex
from typing import Any

import pytest
from kit.adapter import PASSWORD
from kit.containers import Engine
from kit.mail_server import certificate, serving
from kit.operators import ADMIN, LOGIN, LOGOUT, ME, REFRESH, Clients, Shell
from kit.page_commands import inline_commands, never_ran, server_commands
from kit.ports import free_port
from kit.server import Answer, send

pytestmark = [
    pytest.mark.threads,
    pytest.mark.timeout(1200),  # it builds an image, and pulls three
    pytest.mark.skipif(sys.platform != "linux", reason="the containers send mail to this machine itself"),
]


#: What the drill adds: trust in its own mail server, which nobody outside has certified.
TRUSTING = """
x-app: &app
  environment: { SSL_CERT_FILE: /mail.pem }
  volumes: ["./mail.pem:/mail.pem:ro"]
services: { app1: *app, app2: *app }
"""


class Stack(Clients):
    """The services of compose.yaml, their clients, and an operator's shell in its folder."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(free_port())
        self.tls_port, self.mail_port = free_port(), free_port()
        self.network = f"10.{100 + randbelow(100)}.{randbelow(256)}"
        name = f"accounts-drill-{token_hex(4)}"
        environment = {
            "COMPOSE_PROJECT_NAME": name,
            "IMAGE": name,
            "LISTEN": f"127.0.0.1:{self.port}",
            "LISTEN_TLS": f"127.0.0.1:{self.tls_port}",
            "NETWORK": self.network,
            "COMMIT": "0123abc",
            "BUILT_AT": "",
        }
        self.shell = Shell(engine.folder, os.environ | environment)
        self.environment, self.folder = self.shell.environment, engine.folder

    def app(self, number: int, method: str, path: str, body: Any = None, token: str | None = None) -> Answer:
        """Send a request to one of the applications, past nginx."""
        return send(8000, method, path, body, token, machine=f"{self.network}.{10 + number}")


@pytest.fixture(scope="module")
def stack(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything that the page says, up to the first admin."""
    if engine.run("compose", "version").returncode:
        pytest.skip("no compose: install Docker's plugin docker-compose-plugin")
    engine.need_images("compose.yaml", r"^    image: ([\w.:-]+)$")
    engine.need_images("Dockerfile", r"^FROM (\S+)")
    stack = Stack(engine)
    copy_example, make_secrets, up, create_admin, smoke = server_commands("deploying.md", "compose")[:5]
    stack.shell(copy_example)
    stack.shell(make_secrets, typed=f"smtps://{stack.network}.1:{stack.mail_port}\n")
    context, trusted = certificate(tmp_path_factory.mktemp("mail"), f"{stack.network}.1")
    (stack.folder / "mail.pem").write_bytes(trusted.read_bytes())
    (stack.folder / "drill.yaml").write_text(TRUSTING, encoding="utf-8")
    stack.environment["COMPOSE_FILE"] = "compose.yaml:drill.yaml"
    try:
        stack.shell(up)
        # The address of this machine in their network, there as soon as the network is.
        with serving(stack.inbox, stack.mail_port, hostname=f"{stack.network}.1", ssl_context=context):
            stack.shell.terminal(create_admin, [("Password:", PASSWORD), ("Repeat", PASSWORD)])
            stack.shell(smoke.replace("127.0.0.1:8080", stack.environment["LISTEN"]))
            to, _ = stack.inbox.mail.get(timeout=90)
            assert to[0].startswith("smoke-")
            yield stack
    finally:
        stack.shell("docker compose down --volumes --timeout=30 --rmi=local")
        engine.run("rmi", "--force", stack.environment["IMAGE"])


def test_somebody_signs_up_and_is_logged_out_everywhere(stack: Stack) -> None:
    """With the letter that is really sent; both applications share accounts, sessions and their end."""
    email = stack.sign_up()
    grant = stack.log_in(email)
    token = grant["access_token"]
    assert [stack.app(number, "GET", ME, token=token).body["email"] for number in (1, 2)] == [email] * 2

    assert stack.app(1, "POST", LOGOUT, {}, token=token).status == 204

    assert stack.app(2, "GET", ME, token=token).status == 401
    assert stack.app(2, "POST", REFRESH, {"refresh_token": grant["refresh_token"]}).status == 401


def test_the_commands_of_operating_work_in_a_container(stack: Stack) -> None:
    """Each that the page has in a table, for an account of this database."""
    email = stack.sign_up()
    grant = stack.log_in(email)
    commands = [*inline_commands("operating.md", "accounts"), *inline_commands("operating.md", "keys")]
    assert len(commands) >= 5
    for words in commands:
        named = " ".join(words).replace("EMAIL", email)
        # It has no second factor, and that is what it is told.
        stack.shell(f"docker compose exec -T app1 {named}", status=1 if "remove-mfa" in words else 0)

    assert stack.send("GET", ME, token=grant["access_token"]).status == 401  # `log-out-everybody`, the last
    assert "is an admin" not in stack.shell(f"docker compose exec -T app1 flask accounts sessions {ADMIN}")


def test_a_command_with_another_database_is_refused(stack: Stack) -> None:
    """There is no `run` in the image, and without its secret production does not begin."""
    stack.shell("docker compose exec -T app1 flask --app run accounts sessions x@example.com", status=2)
    bare = "docker compose exec -T app1 env -u FLASK_SECRET_KEY_FILE flask --app wsgi accounts sessions x@y.z"
    stack.shell(bare, status=1)


def test_nothing_is_read_from_a_terminal_s_environment(stack: Stack) -> None:
    """`ps` and `logs` need nothing but `.env`; and a log is lines of JSON, also through a pipe."""
    clean = "env -u PUBLIC_URL docker compose"
    assert stack.shell(f"{clean} ps --services --status=running").split().count("nginx") == 1
    (print_logs,) = [line for line in server_commands("deploying.md", "logs") if line.startswith("docker")]
    lines = [json.loads(line) for line in stack.shell(print_logs).splitlines()]
    assert {"/v2/accounts", LOGIN} <= {line.get("path") for line in lines}


def test_a_new_version_is_rolled_without_a_failure(stack: Stack) -> None:
    """By the script of the page: the second application goes on while the first is replaced."""
    (roll,) = server_commands("deploying.md", "rollout")
    stack.environment["COMMIT"] = "4567def"

    with stack.under_load() as load:
        stack.shell(roll)
        rolled = stack.shell("docker compose ps --quiet app1 app2 nginx")
        stack.shell("docker compose up --detach --wait")  # which finds nothing to replace any more
        assert stack.shell("docker compose ps --quiet app1 app2 nginx") == rolled

    print(f"{load.sent} requests while a version was rolled")  # noqa: T201 - the page quotes it
    assert load.sent > 200
    assert load.failed == []
    assert [stack.app(number, "GET", "/version").body["commit"] for number in (1, 2)] == ["4567def"] * 2


def test_a_migration_that_fails_replaces_nothing(stack: Stack) -> None:
    """The script stops, and both applications go on as they are."""
    broken = stack.folder / "migrations" / "versions" / "9999_broken.py"
    broken.write_text("raise RuntimeError('broken')\n", encoding="utf-8")
    (roll,) = server_commands("deploying.md", "rollout")
    try:
        with stack.under_load() as load:
            stack.environment["COMMIT"] = "bad"
            stack.shell(roll, status=1)
    finally:
        broken.unlink()
        stack.environment["COMMIT"] = "4567def"
        stack.shell("docker compose build --quiet migrate")

    assert load.failed == []
    assert "bad" not in [stack.app(number, "GET", "/version").body["commit"] for number in (1, 2)]


def test_a_machine_that_dies_is_passed_over(stack: Stack) -> None:
    """No look-up fails; and it is found again where it was, even if others wanted an address meanwhile."""
    with stack.under_load() as load:
        stack.shell("docker compose kill app1")
        time.sleep(2)
        # One more container in the network, which is given an address.
        network = f"{stack.environment['COMPOSE_PROJECT_NAME']}_front"
        other = f"{stack.environment['COMPOSE_PROJECT_NAME']}-other"
        image = stack.environment["IMAGE"]
        stack.shell(f"docker run --rm -d --network={network} --name={other} {image} sleep 60")
        stack.shell("docker compose up --detach --wait app1")
        stack.shell(f"docker rm --force {other}")

    assert [one for one in load.failed if one.startswith("GET")] == []
    assert len(load.failed) <= 1  # the POST that was under way
    stack.shell("docker compose stop app2")
    assert stack.send("GET", "/health/ready").status == 200  # of the first, at its old address
    stack.shell("docker compose up --detach --wait app2")


def test_a_database_that_goes_away_comes_back(stack: Stack) -> None:
    """The service is not ready meanwhile, and alive; nothing has to be started anew. Redis may be away."""
    grant = stack.log_in(stack.sign_up())
    stack.shell("docker compose stop redis")
    assert stack.send("GET", ME, token=grant["access_token"]).status == 200
    stack.log_in(ADMIN)
    stack.shell("docker compose start redis")

    stack.shell("docker compose stop database")
    stack.until(503)
    assert [stack.app(number, "GET", "/health/live").status for number in (1, 2)] == [200, 200]

    stack.shell("docker compose start database")
    stack.until(200)
    assert stack.send("GET", ME, token=grant["access_token"]).status == 200


def test_what_an_editor_saves_is_what_nginx_reads(stack: Stack) -> None:
    """An editor writes a new file and renames it; a reload takes it over."""
    conf = stack.folder / "deploy" / "nginx" / "nginx.conf"
    before = conf.read_text(encoding="utf-8")
    reload = server_commands("deploying.md", "compose")[-1]

    def save(text: str) -> None:
        new = conf.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(conf)
        stack.shell(reload)

    try:
        save(
            before.replace(
                "location = /metrics {", "location = /saved {\n return 204;\n}\nlocation = /metrics {"
            )
        )
        stack.until(204, "/saved")
    finally:
        save(before)
    stack.until(404, "/saved")


def test_with_a_certificate_it_speaks_tls(stack: Stack, tmp_path: Path) -> None:
    """By the commands of the page: https answers, http leads there, and nginx is checked as before."""
    _, trusted = certificate(tmp_path)
    pem = (tmp_path / "server.pem").read_text(encoding="utf-8")
    key, _, chain = pem.partition("-----BEGIN CERTIFICATE-----")
    (stack.folder / "privkey.pem").write_text(key, encoding="utf-8")
    (stack.folder / "fullchain.pem").write_text(f"-----BEGIN CERTIFICATE-----{chain}", encoding="utf-8")
    for command in server_commands("deploying.md", "compose")[5:]:
        stack.shell(command)
    try:
        is_tls(stack, trusted)
    finally:
        (stack.folder / "deploy" / "nginx" / "tls" / "tls.conf").unlink()
        stack.shell(server_commands("deploying.md", "compose")[-1])
        stack.until(200, "/.well-known/jwks.json")


def is_tls(stack: Stack, trusted: Path) -> None:
    """Use both ports, and the check of nginx."""
    context = ssl.create_default_context(cafile=str(trusted))
    url = f"https://127.0.0.1:{stack.tls_port}/.well-known/jwks.json"
    end = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, context=context) as answer:
                assert (answer.status, "max-age" in answer.headers["Strict-Transport-Security"]) == (
                    200,
                    True,
                )
            break
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.2)

    stack.until(308, "/v2/docs")  # what nginx was before the reload may answer for a moment
    moved = stack.send("GET", "/v2/docs?x=1")
    assert (moved.status, moved.headers["Location"]) == (308, "https://127.0.0.1/v2/docs?x=1")
    check = json.loads(stack.shell("docker compose config --format=json"))["services"]["nginx"]["healthcheck"]
    ask = " ".join(check["test"][1:])
    stack.shell(f"docker compose exec -T nginx {ask}")
    stack.shell(
        f"docker compose exec -T nginx {ask.replace('/health/ready', '/.well-known/jwks.json')}", status=47
    )


def test_a_backup_brings_everything_back(stack: Stack) -> None:
    """By the commands of the page, while people write; what ended after the copy stays ended."""
    email = stack.sign_up()
    grant = stack.log_in(email)
    back_up, *restore = [
        line for line in server_commands("deploying.md", "backup") if not line.startswith("accounts-flask")
    ]
    with stack.under_load() as load:
        copy = Path(stack.shell(back_up).strip())
    assert load.failed == []
    assert copy.stat().st_mode & 0o077 == 0 and copy.parent == stack.folder / "backups"
    stack.shell("docker compose exec -T database psql -q -U accounts -c 'DROP TABLE accounts CASCADE'")
    assert stack.send("GET", ME, token=grant["access_token"]).status == 503

    for command in restore:
        stack.shell(re.sub(r"backups/accounts-\d{8}T\d{6}Z\.dump", f"backups/{copy.name}", command))

    stack.until(200)
    assert stack.send("GET", ME, token=grant["access_token"]).status == 401  # everybody was logged out
    assert stack.send("GET", ME, token=stack.log_in(email)["access_token"]).status == 200


def test_everything_ends_when_it_is_told(stack: Stack) -> None:
    """Within the grace of each, with the code of a clean end; and `up` brings all of it back."""
    begin = time.monotonic()
    stack.shell("docker compose stop")
    took = time.monotonic() - begin

    ended = json.loads(f"[{','.join(stack.shell('docker compose ps -a --format=json').split(chr(10))[:-1])}]")
    codes = {one["Service"]: one["ExitCode"] for one in ended if one["Service"] != "prune"}
    assert set(codes.values()) == {0}, codes
    assert took < 30
    stack.shell(server_commands("deploying.md", "compose")[2])
    assert stack.send("GET", "/health/ready").status == 200


def test_every_command_of_the_pages_was_run(stack: Stack) -> None:
    """By the tests above, in this folder; `.course/drills/compose.txt` lists them."""
    commands = [*server_commands("deploying.md", "compose"), *server_commands("deploying.md", "rollout")]
    commands += [line for line in server_commands("deploying.md", "logs") if line.startswith("docker")]
    commands += [
        line for line in server_commands("deploying.md", "backup") if not line.startswith("accounts-flask")
    ]
    engine = stack.shell("docker version --format={{.Server.Version}}").strip()
    compose = stack.shell("docker compose version --short").strip()

    assert never_ran("compose", f"Docker {engine}, Compose {compose}", commands) == []
