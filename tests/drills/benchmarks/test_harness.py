"""The benchmarks measure correctly: a peer that is wrong is found out, and nothing is left behind."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from final.benchmarks import __main__ as command
from final.benchmarks import contenders, curves, load, numbers, servers, workloads
from final.benchmarks.checks import check, log_in
from final.benchmarks.contenders import Contender, Route
from final.benchmarks.failures import Failure, WrongAnswer

pytestmark = [
    pytest.mark.threads,
    pytest.mark.skipif(
        not hasattr(os, "sched_getaffinity"), reason="only Linux holds a server to a processor"
    ),
]

HERE = Path(__file__).parent
ROUTES = {
    "health": Route("GET /health"),
    "me": Route("GET /me"),
    "login": Route(
        "POST /login",
        '{"email": "{email}", "password": "{password}"}',
        "application/json",
        "",
        "access",
        "refresh",
    ),
    "refresh": Route(
        "POST /refresh", '{"refresh": "{refresh}"}', "application/json", "", "access", "refresh"
    ),
    "logout": Route("POST /logout"),
}


class Fake(Contender):
    """tests/drills/benchmarks/peer.py, run by the Python of the tests."""

    @property
    def python(self) -> Path:
        return Path(sys.executable)


Start = Callable[..., servers.Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the service with a flaw."""
    running: list[servers.Server] = []

    def start(flaw: str = "", workers: int = 1, **changed: object) -> servers.Server:
        server = servers.Server(
            replace(fake(flaw), **changed), "", os.sched_getaffinity(0), tmp_path / "log", workers=workers
        )
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


def fake(flaw: str = "", seed: tuple[str, ...] = ()) -> Fake:
    return Fake(
        "fake", "A peer", HERE, HERE / "none", (Path(sys.executable).name, "peer.py"), seed, ROUTES,
        environment={"FLAW": flaw},
    )  # fmt: skip


def test_a_good_service_passes_and_is_not_marked(start: Start) -> None:
    """It refuses a made-up token, and after the log-out its own."""
    server = start()

    verdict = check(server.contender, server.port)

    assert (verdict.access_refused, verdict.refresh_refused, verdict.revokes) == (True, True, True)


def test_who_forgets_to_revoke_is_marked(start: Start) -> None:
    """A token that is valid after the log-out makes a service faster, and the table says so."""
    server = start("forgets to revoke")

    assert check(server.contender, server.port).revokes is False


def test_who_cannot_log_out_is_marked_too(start: Start) -> None:
    """Without a log-out, no token can be revoked."""
    server = start(routes={name: route for name, route in ROUTES.items() if name != "logout"})

    assert check(server.contender, server.port).revokes is False


@pytest.mark.parametrize(
    ("flaw", "sentence"),
    [
        ("believes any token", "answers 200 to a token that it did not issue"),
        ("takes any password", "answers 200 to a wrong password"),
        ("shows another account", r"answers 200 to me: .*mina@example\.com"),
    ],
)
def test_who_answers_wrongly_is_not_measured(start: Start, flaw: str, sentence: str) -> None:
    """A service that does not check would win every comparison."""
    server = start(flaw)

    with pytest.raises(WrongAnswer, match=sentence):
        check(server.contender, server.port)


def test_a_wrong_answer_under_load_stops_the_run(start: Start) -> None:
    """Errors are fast; a result with one among them is worthless."""
    server = start("breaks in the end")
    clients = workloads.me(server.contender, [log_in(server.contender, server.port, 0)])

    with pytest.raises(WrongAnswer, match=r"^GET /me answered 500"):
        workloads.measure(server, clients, 30)


def test_a_refresh_sends_what_the_last_answer_gave(start: Start) -> None:
    """The peer takes each refresh token once, so a client that repeats one would be refused."""
    server = start()
    tokens = workloads.logged_in(server, 2)

    found = workloads.measure(server, workloads.refresh(server.contender, tokens), 0.3)

    assert found["rate"] > 0
    assert found["p50"] <= found["p99"]


def test_bystanders_are_measured_and_the_flood_is_not(start: Start) -> None:
    """The guessers' 401 is an error for a bystander, and a bystander's 200 an error for a guesser."""
    server = start()
    tokens = workloads.logged_in(server, 4)

    found = workloads.flooded(server, tokens, 0.2)

    assert set(found) == {"quiet_p50", "quiet_p99", "flood_p50", "flood_p99"}


def test_what_was_under_way_at_the_end_counts_as_slow(start: Start) -> None:
    """A response that comes after the end counts: otherwise the slowest would be left out."""
    server = start()
    clients = [load.Client(ROUTES["health"].filled()) for _ in range(3)]

    measured = load.drive(server.port, clients, 0.1)

    assert len(measured.latencies) == measured.count + len(clients)


def test_a_server_that_goes_away_is_a_wrong_answer(start: Start) -> None:
    """And no traceback about a socket."""
    server = start()
    server.stop()

    with pytest.raises(WrongAnswer, match="takes no request"):
        load.ask(server.port, ROUTES["health"].filled())


def test_a_server_that_does_not_start_says_why(start: Start) -> None:
    """In one sentence, with the last line of its output."""
    with pytest.raises(Failure, match=r"A peer does not start \(no such database\)"):
        start("does not start")


@pytest.mark.parametrize("flaw", ["", "does not stop"])
def test_all_processes_of_a_server_end_with_it(
    start: Start, flaw: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that it forked too, and those that do not listen to SIGTERM."""
    monkeypatch.setattr(servers, "STOPS_WITHIN", 0.2)
    server = start(flaw, workers=2)
    end = time.monotonic() + 20
    while len(server.processes()) < 2 and time.monotonic() < end:
        time.sleep(0.02)
    processes = server.processes()
    assert len(processes) == 2

    server.stop()

    while server.processes() and time.monotonic() < end:
        time.sleep(0.02)  # init collects the second one
    assert server.processes() == []


def test_a_server_runs_on_the_processors_that_it_is_given(start: Start) -> None:
    """And the process that started it stays where it was."""
    mine = os.sched_getaffinity(0)
    server = start()

    assert os.sched_getaffinity(server.process.pid) == mine
    with servers.on({min(mine)}):
        assert os.sched_getaffinity(0) == {min(mine)}
    assert os.sched_getaffinity(0) == mine
    assert server.memory() > 1
    assert server.cpu() >= 0


def test_a_cheaper_hash_is_found_out(tmp_path: Path) -> None:
    """A service with cheaper hash parameters is faster for that reason alone."""
    cheap = fake(seed=("-c", "print('$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA')"))

    with pytest.raises(Failure, match="A peer hashes passwords otherwise"):
        servers.seed(cheap, "", 1000, "a password")


def test_one_processor_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """The load generator would slow the server down."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})

    with pytest.raises(Failure, match="two processors are needed"):
        command.divided_processors()


def test_a_failure_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No traceback, and nothing is published."""

    def fail(*_: object) -> None:
        raise Failure("the packages of a peer cannot be installed: look at the network, then run this again")

    monkeypatch.setattr(command, "run", fail)
    monkeypatch.setattr(command.page, "RESULT", tmp_path / "result.json")
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)

    with pytest.raises(SystemExit, match=r"^benchmarks: the packages of a peer"):
        command.main(["--publish"])
    assert not (tmp_path / "result.json").exists()


def test_ours_is_started_as_its_image_starts_it() -> None:
    """The command is read from the Dockerfile, the only place that has it."""
    dockerfile = (contenders.FINAL / "Dockerfile").read_text(encoding="utf-8")

    words = contenders.image_command()

    assert "CMD [" + ", ".join(f'"{word}"' for word in words) + "]" in dockerfile
    assert contenders.read(contenders.HERE / contenders.OURS).serve == words


def test_the_bare_flask_starts_on_the_server_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is ours with all that it imports, and `app` is empty."""
    monkeypatch.setattr(contenders, "CACHE", tmp_path)
    bare = Fake(**vars(contenders.hello(contenders.read(contenders.HERE / contenders.OURS))))

    with servers.Server(bare, "", os.sched_getaffinity(0), tmp_path / "log") as server:
        status, body = load.ask(server.port, bare.routes["health"].filled())
    assert (status, body) == (200, b'{"hello":"world"}\n')


def test_as_many_passwords_wait_as_production_allows() -> None:
    settings = (contenders.FINAL / "app" / "settings.py").read_text(encoding="utf-8")

    assert f'"PASSWORD_SLOTS": (1, {curves.MOST_SLOTS})' in settings


@pytest.mark.parametrize(
    "folder", sorted((contenders.HERE / "peers").iterdir()), ids=lambda folder: folder.name
)
def test_a_peer_is_whole(folder: Path) -> None:
    """It has what every workload needs, and every package of its environment is locked with a hash."""
    for peer in contenders.variants(folder):
        assert {"health", "me", "login"} <= set(peer.routes)
    lock = (folder / "requirements.txt").read_bytes().decode("ascii")
    packages = [line for line in lock.splitlines() if line[:1].isalnum()]
    assert packages
    assert all("==" in package and package.endswith("\\") for package in packages)


def test_a_request_is_filled_in() -> None:
    """The token goes into a header if there is one; the braces of JSON stay."""
    filled = ROUTES["login"].filled(email="mina@example.com", password="secret")

    assert filled.endswith(
        b'\r\nContent-Length: 51\r\n\r\n{"email": "mina@example.com", "password": "secret"}'
    )
    assert b"Authorization" not in filled
    assert b"\r\nAuthorization: Bearer abc\r\n" in ROUTES["me"].filled(access="abc")


@pytest.mark.parametrize(
    ("values", "share", "wanted"),
    [
        ([5], 0.99, 5),
        (range(1, 101), 0.99, 99),
        (range(1, 101), 0.5, 50),
        ([3, 1, 2], 0.5, 2),
        ([3, 1, 2], 0.0, 1),
        ([3, 1, 2], 1.0, 3),
    ],
)
def test_a_percentile_is_one_of_the_values(values: list[float], share: float, wanted: float) -> None:
    """The nearest rank: every reported number was really measured."""
    assert numbers.percentile(list(values), share) == wanted


def test_nothing_has_no_percentile() -> None:
    """A zero would be the best result of all."""
    with pytest.raises(ValueError, match="nothing"):
        numbers.percentile([], 0.5)


def test_ratios_are_taken_round_by_round() -> None:
    """A slow minute slows both, so the ratio of that minute is right though both of its numbers are wrong."""
    assert numbers.ratios([300, 30, 400], [100, 10, 100]) == (3, 3, 4)
    with pytest.raises(ValueError, match=r"longer|shorter"):
        numbers.ratios([1, 2], [1])
