"""The whole topology on one machine: nginx in front of two apps, PostgreSQL, Redis and a mail server.

The apps are configured by variables alone, as in production, except for a cheaper hash.
Each drill is under load, and leaves everything as it was.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Any

import jwt
import psycopg
import pytest
import redis
from kit.adapter import PASSWORD, LoadedStage
from kit.mail_server import Inbox, serving
from kit.operators import LOGIN, LOGOUT, ME, REFRESH, Clients
from kit.reverse_proxy import HOW_NGINX, NGINX, Nginx
from kit.server import Answer, Server
from kit.services import HOW_REDIS, REDIS

pytestmark = [
    pytest.mark.threads,
    pytest.mark.timeout(240),  # a drill starts up to four processes, beside whatever else runs here
    pytest.mark.skipif(NGINX is None, reason=f"no nginx: {HOW_NGINX}"),
]


class Topology(Clients):
    """All servers. Clients know only nginx; the drills know the rest."""

    def __init__(self, nginx: Nginx, apps: list[Server], inbox: Inbox, database: str) -> None:
        super().__init__(nginx.port, inbox)
        self.nginx, self.apps, self.database = nginx, apps, database


@pytest.fixture(scope="module")
def topology(
    final: LoadedStage, postgresql: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Topology]:
    """All servers, started once for the drills of this file."""
    try:
        redis.Redis.from_url(REDIS, socket_timeout=2).ping()
    except redis.RedisError:
        pytest.skip(f"no Redis: {HOW_REDIS}")
    inbox, name = Inbox(), postgresql.new_name()
    postgresql.make(name)
    url, scratch = postgresql.url_of(name), tmp_path_factory.mktemp("topology")
    with serving(inbox) as mail_port:
        settings = {
            "APP_CONFIG": "config.ProductionConfig",
            "FLASK_PUBLIC_URL": "https://accounts.example",
            "FLASK_SECRET_KEY": secrets.token_hex(32),  # also the key of our counters' hashed names
            "FLASK_SMTP_URL": f"smtp+plain://127.0.0.1:{mail_port}",
            "FLASK_MAIL_INTERVAL": "1",
            "FLASK_ARGON2_MEMORY": "19456",  # production takes no less
            "FLASK_ARGON2_TIME": "2",
            "FLASK_PASSWORD_SLOTS": "4",
            "FLASK_ATTEMPTS_PER_ACCOUNT": "10",
            "FLASK_PROXIES": "1",
            "FLASK_DATABASE_POOL": "3",  # half as many as there are threads: they wait for each other
            "REDIS_URL": REDIS,
        }

        def start(number: int) -> Server:
            folder = scratch / f"app{number}"
            folder.mkdir()
            return Server(final.folder, folder, url, **settings)

        with ThreadPoolExecutor(2) as pool:
            apps = list(pool.map(start, (1, 2)))
        front = scratch / "nginx"
        front.mkdir()
        nginx = Nginx(
            final.folder / "deploy" / "nginx" / "nginx.conf", front, [("127.0.0.1", app.port) for app in apps]
        )
        yield Topology(nginx, apps, inbox, url)
        nginx.close()
        for app in apps:
            app.close()
    postgresql.drop(name)


class Load:
    """Clients that ask for their account, and refresh now and then; each with a session of its own.

    A refresh without a response is sent again with the same token, as a client does.
    """

    def __init__(self, topology: Topology, clients: int = 4) -> None:
        email = topology.sign_up()
        grants = [topology.log_in(email) for _ in range(clients)]
        self._topology = topology
        self._end = Event()
        self._threads = [Thread(target=self._work, args=(grant,), daemon=True) for grant in grants]
        self.said: list[tuple[str, int | str]] = []  # method and status, of all of them in order
        self.grants = grants

    def _work(self, grant: dict[str, Any]) -> None:
        while not self._end.is_set():
            for _ in range(4):
                self._send("GET", ME, token=grant["access_token"])
            answer = self._send("POST", REFRESH, {"refresh_token": grant["refresh_token"]})
            if answer is not None and answer.status == 200:
                grant.update(answer.body)

    def _send(self, method: str, path: str, body: Any = None, token: str | None = None) -> Answer | None:
        try:
            answer = self._topology.send(method, path, body, token)
        except OSError as error:
            self.said.append((method, repr(error)))
            return None
        self.said.append((method, answer.status))
        return answer

    def wait(self, count: int) -> None:
        """Return when ``count`` more requests have a response."""
        enough, end = len(self.said) + count, time.monotonic() + 90
        while len(self.said) < enough:
            assert time.monotonic() < end and any(thread.is_alive() for thread in self._threads)
            time.sleep(0.01)

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        self.wait(40)
        return self

    def __exit__(self, *_: Any) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()


# -- one service -------------------------------------------------------------------------------------


def test_two_machines_are_one_service(topology: Topology) -> None:
    """Configured by variables alone: a token of one is valid on the other, and both show the same keys."""
    email = topology.sign_up()  # a mail sent by one, and its link worked on either
    one, two = topology.apps
    grant = one.send("POST", LOGIN, {"email": email, "password": PASSWORD}).body

    assert two.send("GET", ME, token=grant["access_token"]).body["email"] == email
    next_grant = two.send("POST", REFRESH, {"refresh_token": grant["refresh_token"]})
    assert next_grant.status == 200
    assert one.send("GET", ME, token=next_grant.body["access_token"]).status == 200
    keys = [app.send("GET", "/.well-known/jwks.json").body for app in topology.apps]
    assert keys[0] == keys[1] and len(keys[0]["keys"]) == 1


def test_what_ends_at_one_is_refused_by_the_other_at_once(topology: Topology) -> None:
    """A log-out, and an account that an operator disables: from the next request on, wherever it goes."""
    email = topology.sign_up()
    one, two = topology.apps
    for _ in range(5):
        grant = topology.log_in(email)
        assert two.send("GET", ME, token=grant["access_token"]).status == 200
        assert one.send("POST", LOGOUT, token=grant["access_token"]).status == 204
        assert two.send("GET", ME, token=grant["access_token"]).status == 401
        assert two.send("POST", REFRESH, {"refresh_token": grant["refresh_token"]}).status == 401

    grant = topology.log_in(email)
    one.flask("accounts", "disable", email)
    assert [app.send("GET", ME, token=grant["access_token"]).status for app in topology.apps] == [401, 401]


def test_attempts_count_at_both_together(topology: Topology) -> None:
    """Ten for an account in a minute, however they are distributed."""
    guess = {"email": f"{secrets.token_hex(8)}@example.com", "password": "not this one, certainly"}
    begun = time.time() // 60
    said = [app.send("POST", LOGIN, guess).status for _ in range(10) for app in topology.apps]
    windows = 1 + time.time() // 60 - begun  # each minute begins at zero
    assert 10 <= Counter(said)[401] <= 10 * windows
    assert set(said) == {401, 429}


def test_one_token_at_both_at_once_has_one_successor(topology: Topology, at_once: Any) -> None:
    """Ten requests to each machine at the same moment: one wins, and the others get the same token."""
    grant = topology.log_in(topology.sign_up())
    shown = {"refresh_token": grant["refresh_token"]}

    answers = at_once(20, lambda number: topology.apps[number % 2].send("POST", REFRESH, shown))

    assert {answer.status for answer in answers} == {200}
    assert len({answer.body["refresh_token"] for answer in answers}) == 1


def test_one_id_and_one_address_in_both_logs(topology: Topology) -> None:
    """The client gets the id; with it an operator finds nginx's line and that of one machine."""
    answer = topology.send("GET", ME, X_Forwarded_For="6.6.6.6")
    request_id = answer.headers["X-Request-ID"]
    assert answer.body["instance"] == request_id

    lines = {
        "nginx": lines_of(topology.nginx.log, request_id),
        "apps": [line for app in topology.apps for line in lines_of(app.log, request_id)],
    }
    for (line,) in lines.values():
        assert (line["address"], line["method"], line["path"], line["status"]) == (
            "127.0.0.1",
            "GET",
            ME,
            401,
        )


def lines_of(log: Path, request_id: str) -> list[Any]:
    """Return the lines of a request; nginx writes its own only after the response is sent."""
    end = time.monotonic() + 30
    while not (
        found := [line for line in log.read_text(encoding="utf-8").splitlines() if request_id in line]
    ):
        if time.monotonic() > end or log.name != "access.log":
            break
        time.sleep(0.02)
    return [json.loads(line) for line in found]


# -- drills under load -------------------------------------------------------------------------------


def test_one_machine_is_killed(topology: Topology) -> None:
    """Only its requests under way are lost, and none of those that nginx may send to the other."""
    one, _ = topology.apps
    with Load(topology) as load:
        before = len(load.said)
        one.kill()
        load.wait(100)
        killed = Counter(load.said[before:])
        one.start()
        back = len(lines(topology.nginx.log))
        wait_until(lambda: any(f":{one.port}" in line for line in lines(topology.nginx.log)[back:]))

    assert {status for method, status in load.said if method == "GET"} == {200}
    assert {status for method, status in load.said if method == "POST"} <= {200, 502}
    assert killed["POST", 502] <= len(load.grants)  # each client had one request under way
    assert Counter(load.said)["POST", 502] == killed["POST", 502]


def test_a_new_version_is_rolled_out(topology: Topology) -> None:
    """Each is taken out of nginx, stopped, started and put back, one after the other: no request fails."""
    with Load(topology) as load:
        for app in topology.apps:
            topology.nginx.take_out(("127.0.0.1", app.port))
            before = app.processes()
            app.terminate()
            assert app.process.wait(60) == 0
            load.wait(20)
            app.start()
            assert not set(before) & set(app.processes())
            topology.nginx.take_out()
            load.wait(20)

    assert {status for _, status in load.said} == {200}


def test_the_signing_key_is_rotated(topology: Topology) -> None:
    """From the moment it signs, tokens of the new key and of the previous one are valid everywhere."""
    with Load(topology) as load:

        def kids() -> set[str]:
            return {jwt.get_unverified_header(grant["access_token"])["kid"] for grant in load.grants}

        def published() -> list[set[str]]:
            answers = [app.send("GET", "/.well-known/jwks.json").body for app in topology.apps]
            return [{key["kid"] for key in answer["keys"]} for answer in answers]

        previous = kids()
        new = topology.apps[0].flask("keys", "rotate").split()[0]
        # Announced, it would sign in six minutes. Two seconds are longer than a process remembers that a key
        # is unknown.
        with psycopg.connect(topology.database, autocommit=True) as connection:
            soon = "UPDATE signing_keys SET signs_from = now() + interval '2 s' WHERE kid = %s"
            connection.execute(soon, (new,))
        wait_until(lambda: kids() == {new})
        load.wait(40)

    assert {status for _, status in load.said} == {200}
    wait_until(lambda: published() == [previous | {new}] * 2)  # a process that was idle reads them in 10 s


# A table for each: altering two in one transaction can deadlock with a request that reads both.
EXPAND = {
    "9998": """
    op.add_column("accounts", sa.Column("language", sa.String(8), nullable=True))
    op.create_table("devices", sa.Column("id", sa.String(36), primary_key=True))
""",
    "9999": """
    op.add_column("sessions", sa.Column("place", sa.String(64), nullable=False, server_default=""))
    with op.get_context().autocommit_block():  # while others write
        op.create_index("ix_sessions_place", "sessions", ["place"], postgresql_concurrently=True)
""",
}
CONTRACT = {
    "9998": """
    op.drop_table("devices")
    op.drop_column("accounts", "language")
""",
    "9999": """
    op.drop_index("ix_sessions_place", "sessions")
    op.drop_column("sessions", "place")
""",
}
MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{revision}", "{before}"


def upgrade():{expand}

def downgrade():{contract}
"""


@pytest.fixture
def next_version(
    topology: Topology, tmp_path: Path
) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """`flask db` of a version that has more migrations, on the database of those that run."""
    folder, one = tmp_path / "next", topology.apps[0]
    shutil.copytree(one.folder, folder, ignore=shutil.ignore_patterns("instance", "__pycache__"))
    versions = folder / "migrations" / "versions"
    newest = before = max(file.name for file in versions.glob("0*.py"))[:4]
    for revision, expand in EXPAND.items():
        text = MIGRATION.format(revision=revision, before=before, expand=expand, contract=CONTRACT[revision])
        (versions / f"{revision}_more.py").write_text(text, encoding="utf-8")
        before = revision

    def run(*command: str, within: float = 100) -> subprocess.CompletedProcess[str]:
        call = [sys.executable, "-m", "flask", "--app", "wsgi", "db", *command]
        return subprocess.run(
            call, cwd=folder, env=one.environment, capture_output=True, text=True, timeout=within
        )

    yield run
    assert run("downgrade", newest).returncode == 0


def test_the_next_version_migrates_while_this_one_serves(topology: Topology, next_version: Any) -> None:
    """It only adds: no request fails, and the current code stays ready on a newer database."""
    with Load(topology) as load:
        done = next_version("upgrade")
        load.wait(40)
    assert done.returncode == 0, done.stderr
    assert {status for _, status in load.said} == {200}
    assert [app.send("GET", "/health/ready").status for app in topology.apps] == [200, 200]


def test_a_migration_that_has_to_wait_gives_up(topology: Topology, next_version: Any) -> None:
    """While a backup reads a table, a waiting ALTER would block all requests behind it, so it gives up."""
    with Load(topology) as load:
        with psycopg.connect(topology.database) as backup:
            backup.execute("LOCK TABLE accounts IN ACCESS SHARE MODE")
            refused = next_version("upgrade", within=15)
        done = next_version("upgrade")
    assert refused.returncode != 0 and "lock timeout" in refused.stderr
    assert done.returncode == 0, done.stderr
    assert {status for _, status in load.said} == {200}


def test_connections_to_the_database_are_bounded(topology: Topology, at_once: Any) -> None:
    """However many requests come at once: a process has two kinds, each at most its setting plus one."""
    email = topology.sign_up()
    grants = [topology.log_in(email) for _ in range(4)]
    counted: list[int] = []
    end = Event()

    def count() -> None:
        with psycopg.connect(topology.database, autocommit=True) as connection:
            mine = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            while not end.is_set():
                row = connection.execute(mine + " AND application_name = 'accounts'").fetchone()
                counted.append(row[0] if row else 0)

    watching = Thread(target=count)
    watching.start()
    said = at_once(
        40, lambda n: [topology.send("GET", ME, token=grants[n % 4]["access_token"]) for _ in range(5)]
    )
    end.set()
    watching.join()

    assert {answer.status for answers in said for answer in answers} == {200}
    processes = 2 * int(topology.apps[0].environment["WEB_CONCURRENCY"])
    assert 0 < max(counted) <= processes * 2 * (int(topology.apps[0].environment["FLASK_DATABASE_POOL"]) + 1)


def lines(log: Path) -> list[str]:
    """Return the lines of a log."""
    return log.read_text(encoding="utf-8").splitlines()


def wait_until(true: Callable[[], bool]) -> None:
    """Return when the condition is true."""
    end = time.monotonic() + 90
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
