"""Practice 7, continuous integration: what a machine asks of the service, and what it does on every push."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from kit import fake_docker, pipelines, stored
from kit.adapter import FINAL, GOOD_SECRET, Stage, expect
from kit.answers import has_token, seconds_to_wait
from kit.loading import LoadedStage
from kit.pipelines import nox
from kit.superseded import superseded
from kit.workflows import Runner

OWN_TESTS = "the tests of the final service are grouped by area, not by blueprint"
BLUEPRINTS = ("auth", "health", "v1", "v2")
ITS_SERVER = "its server has no dry run as gunicorn has, so a container engine builds and runs its image"


# -- what a machine asks ----------------------------------------------------------------------------


@pytest.fixture
def database(stage: Stage, tmp_path: Path) -> Path:
    """The file that the stage has its accounts in."""
    file = tmp_path / "accounts.sqlite"
    stage.keep_in(file)
    return file


def break_database(stage: Stage, file: Path) -> Path:
    """Take the database away, as if its disk was gone; return where it was put."""
    for engine in stored.engines(stage.app):
        engine.dispose()
    aside = file.with_suffix(".aside")
    file.rename(aside)
    file.mkdir()  # a folder cannot be opened as a database
    return aside


def test_a_service_says_that_it_lives(stage: Stage, database: Path) -> None:
    """`GET /health/live` returns 200 even while the database is away: a restart would not fix that."""
    expect(stage.client.get("/health/live"), 200)

    break_database(stage, database)

    expect(stage.client.get("/health/live"), 200)


def test_a_service_says_when_it_can_work(stage: Stage, database: Path) -> None:
    """`GET /health/ready` returns 503 and `Retry-After` while the database is away, and then 200 again."""
    expect(stage.client.get("/health/ready"), 200)

    aside = break_database(stage, database)
    answer = stage.client.get("/health/ready")
    expect(answer, 503)
    assert answer.is_json, f"{answer.content_type} is not JSON"
    assert seconds_to_wait(answer) > 0
    assert "sqlite" not in answer.text.lower(), "expected the reason in the log, not in the response"

    database.rmdir()
    aside.rename(database)
    expect(stage.client.get("/health/ready"), 200)


def test_asking_holds_no_connection(stage: Stage, database: Path) -> None:
    """A health check gives its connection back and leaves no lock: it is asked every few seconds."""
    for _ in range(3):
        expect(stage.client.get("/health/ready"), 200)

    pools = [one.pool for one in stored.engines(stage.app) if hasattr(one.pool, "checkedout")]
    held = sum(pool.checkedout() for pool in pools)
    assert held == 0, f"expected no connection to be held after a health check, but {held} are"
    writer = sqlite3.connect(database, timeout=0)
    try:
        writer.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        raise AssertionError(f"expected the database to be free after a health check: {error}") from None
    finally:
        writer.close()


def test_a_service_says_what_it_was_built_from(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`GET /version` returns `commit` and `built_at` as `COMMIT` and `BUILT_AT` of the build say, or null."""
    unknown = expect(stage.client.get("/version"), 200)
    assert (unknown.get("commit"), unknown.get("built_at")) == (None, None)

    for name, value in BUILT.items():
        monkeypatch.setenv(name, value)
    stage.loaded.leave()
    try:
        loaded = LoadedStage(stage.name, stage.number, stage.loaded.folder, tmp_path)
        another = Stage(loaded)
        known = expect(another.client.get("/version"), 200)
        another.close()
    finally:
        stage.loaded.enter()

    assert (known.get("commit"), known.get("built_at")) == (BUILT["COMMIT"], BUILT["BUILT_AT"])


BUILT = {"COMMIT": "0bf3cc4", "BUILT_AT": "2026-11-21T12:00:00+00:00"}

#: What a separate process says it was built from: as it was started, and with both variables empty.
VERSIONS = """
import os, sys
for variables in ({}, {"COMMIT": "", "BUILT_AT": ""}):
    os.environ.update(variables)
    for name in [one for one in sys.modules if one.partition(".")[0] in ("app", "config")]:
        del sys.modules[name]
    from app import create_app
    client = create_app("config.TestingConfig").test_client()
    print(client.get("/version").get_data(as_text=True).strip())
"""


def run(command: list[str], folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, encoding="utf-8", errors="replace", timeout=60
    )


@pytest.mark.threads
def test_a_commit_is_text(stage: Stage) -> None:
    """The commit is the text of the variable `COMMIT`, even if it consists of digits."""
    env = os.environ | {"COMMIT": "12345e6", "BUILT_AT": "20261121", "PYTHONUTF8": "1"}
    done = run([sys.executable, "-c", VERSIONS], stage.loaded.folder, env)

    assert done.returncode == 0, f"the application does not start:\n{done.stderr}"
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    told = [(version.get("commit"), version.get("built_at")) for version in found]
    assert told == [("12345e6", "20261121"), (None, None)]


def test_a_service_can_be_watched_in_maintenance(stage: Stage) -> None:
    """In maintenance the health checks and the version still respond; everything else is 503."""
    client = stage.new_app(MAINTENANCE=True).test_client()

    for path in ("/health/live", "/health/ready", "/version"):
        expect(client.get(path), 200)
    expect(client.get("/v2/accounts/me"), 503)


def test_an_answer_of_today_is_not_kept(stage: Stage) -> None:
    """No cache on the way keeps the response of a health check."""
    for path in ("/health/live", "/health/ready", "/version"):
        answer = stage.client.get(path)
        expect(answer, 200)
        assert has_token(answer, "Cache-Control", "no-store"), f"expected Cache-Control: no-store on {path}"


# -- the jobs ---------------------------------------------------------------------------------------


@pytest.fixture
def project(stage: Stage, tmp_path: Path) -> Path:
    """A copy of the stage for one test, to be changed."""
    ignored = shutil.ignore_patterns("__pycache__", "database-*")
    return Path(shutil.copytree(stage.loaded.folder, tmp_path / "project", ignore=ignored))


@superseded("final", OWN_TESTS, by="final/test_pipeline.py::test_every_area_has_a_job")
@pytest.mark.threads
def test_every_blueprint_has_a_job(stage: Stage) -> None:
    """`nox` has lint, types, coverage, smoke, image and deploy, and the tests of each blueprint."""
    there = {pipelines.base_name(name) for name in pipelines.sessions(stage.loaded.folder)}

    lacking = {"lint", "types", "coverage", "smoke", "image", "deploy"} - there
    assert not lacking, f"nox has no session {', '.join(sorted(lacking))}"
    names = {name: pipelines.session_of(stage.loaded.folder, name) for name in BLUEPRINTS}
    assert len(set(names.values())) == len(names)


@superseded("final", OWN_TESTS, by="final/test_pipeline.py::test_a_red_test_turns_one_job_red")
@pytest.mark.threads
def test_a_red_test_turns_one_job_red(stage: Stage, project: Path) -> None:
    """A failing test of one blueprint turns the job of this blueprint red, and no other."""
    health, auth = (pipelines.session_of(project, name) for name in ("health", "auth"))
    with pipelines.tests_of(project, "health").open("a", encoding="utf-8") as file:
        file.write("\n\ndef test_planted() -> None:\n    assert False\n")

    assert nox(project, "--session", health).returncode != 0
    other = nox(project, "--session", auth)
    assert other.returncode == 0, other.stdout + other.stderr


@superseded("final", OWN_TESTS, by="final/test_pipeline.py::test_coverage_has_a_floor")
@pytest.mark.threads
def test_coverage_has_a_floor(stage: Stage, project: Path) -> None:
    """The tests of one blueprint alone reach too little of the application, so the job coverage is red."""
    health, kept = pipelines.session_of(project, "health"), pipelines.tests_of(project, "health")
    others = [
        pipelines.tests_of(project, name) for name in ("auth", "v1", "v2") if name in stage.app.blueprints
    ]
    for file in {file for file in others if file != kept}:
        file.unlink()
    assert nox(project, "--session", health).returncode == 0

    done = nox(project, "--session", "coverage")

    assert done.returncode != 0
    assert "fail" in (done.stdout + done.stderr).lower(), (
        "expected a coverage that is too low to be a failure"
    )


# -- the image --------------------------------------------------------------------------------------


def instructions(stage: Stage) -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, each with its arguments."""
    file = stage.loaded.folder / "Dockerfile"
    assert file.is_file(), "there is no Dockerfile"
    return fake_docker.instructions(file)


def last_stage(stage: Stage) -> list[tuple[str, str]]:
    """Return the instructions that make what is shipped: those behind the last FROM, and of what it names."""
    return fake_docker.shipped(instructions(stage))


def test_the_image_holds_only_what_runs(stage: Stage) -> None:
    """The image is built in two stages: what only the installation needs stays behind in the first."""
    shipped = last_stage(stage)

    assert [word for word, _ in instructions(stage)].count("FROM") >= 2
    copied = any(word in ("COPY", "RUN") and re.search(r"--from=|,from=", rest) for word, rest in shipped)
    assert copied, "expected COPY --from= in the last stage"
    installs = [rest for word, rest in shipped if word == "RUN" and re.search(r"pip3? (install|sync)", rest)]
    fetching = [rest for rest in installs if "--no-index" not in rest]  # from what the first stage has built
    assert not fetching, "expected no pip install in the last stage"


def test_the_image_runs_as_nobody(stage: Stage) -> None:
    """An attacker who breaks into the service is not root in its image: USER is set, as a number."""
    known: dict[str, str] = {}
    users = []
    for word, rest in last_stage(stage):
        if word in ("ARG", "ENV"):
            known |= dict(fake_docker.assignments(rest, known))
        elif word == "USER":
            users.append(fake_docker.expand(rest, known))

    assert users, "expected USER: without it the service is root"
    assert re.fullmatch(r"[1-9]\d*(:\d+)?", users[-1]), (
        "expected a number, so that an orchestrator can check it"
    )


def test_the_image_gets_the_signal_to_end(stage: Stage) -> None:
    """CMD or ENTRYPOINT is a list: text would be run by a shell, which keeps the signal to end for itself."""
    commands = [f"{word} {rest}" for word, rest in last_stage(stage) if word in ("CMD", "ENTRYPOINT")]

    assert commands, "expected CMD or ENTRYPOINT"
    by_a_shell = [command for command in commands if not command.partition(" ")[2].startswith("[")]
    assert by_a_shell == []


def test_the_image_holds_no_secret(stage: Stage) -> None:
    """No secret is built in, because it would be in every copy of the image."""
    for word, rest in instructions(stage):
        for name, _ in fake_docker.assignments(rest, {}) if word in ("ENV", "ARG") else ():
            secret = re.search("SECRET|PASSWORD|TOKEN|PRIVATE", name.upper())
            assert not secret or re.search("_(METHOD|FILE|EXPIRES)$", name.upper()), f"{word} {name}"


@superseded("final", ITS_SERVER, by="drills/test_containers.py::test_it_migrates_serves_and_ends")
@pytest.mark.skipif(sys.platform == "win32", reason="gunicorn does not run on Windows")
@pytest.mark.threads
def test_the_image_holds_all_that_runs(
    stage: Stage, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files that COPY names are enough to load the application, and nothing private is among them."""
    monkeypatch.chdir(project)
    monkeypatch.setattr(fake_docker, "STATE", tmp_path)
    for private in (Path("instance") / "accounts.sqlite", Path(".git") / "config", Path(".env")):
        private.parent.mkdir(exist_ok=True)
        private.touch()

    fake_docker.build("image", [])

    image = json.loads((tmp_path / "image.json").read_text(encoding="utf-8"))
    held = {path.name for path in Path(image["folder"]).rglob("*")}
    assert held & {"accounts.sqlite", ".git", ".env"} == set()
    env = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "FLASK_JWT_SECRET_KEY": GOOD_SECRET}
    env |= {"FLASK_SECRET_KEY": GOOD_SECRET, "FLASK_PUBLIC_URL": "https://accounts.example"}
    env |= {"FLASK_SMTP_URL": "smtps://nobody:nothing@127.0.0.1:1", "GUNICORN_CMD_ARGS": "--check-config"}
    env |= {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}  # see kit/guard.py
    done = run(image["command"], image["folder"], env | image["env"])
    assert done.returncode == 0, done.stderr[-1000:]


# -- the smoke test ---------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="gunicorn does not run on Windows")
@pytest.mark.threads
def test_the_command_of_the_image_passes(stage: Stage, project: Path) -> None:
    """`nox -s smoke` starts what the image would start, and uses it once."""
    done = nox(project, "--session", "smoke")

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def broken_service() -> Iterator[str]:
    """The URL of something that answers 200 to everything, whatever it is asked."""

    class Yes(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b'{"commit": "0bf3cc4", "access_token": "a.b.c"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_DELETE = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Yes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.threads
@pytest.mark.parametrize("commit", ["0bf3cc4", "1234567"])
def test_a_service_that_is_sick_does_not_pass(stage: Stage, broken_service: str, commit: str) -> None:
    """`smoke.py URL COMMIT` fails, with one line, on a service that does not work or is of another commit."""
    assert (stage.loaded.folder / "smoke.py").is_file(), "there is no smoke.py"
    command = [sys.executable, "smoke.py", broken_service, commit]
    env = os.environ | {"PATIENCE": "0.5"}
    done = run(command, stage.loaded.folder, env)

    assert done.returncode != 0
    assert "Traceback" not in done.stderr, "expected one line, not a traceback"


# -- the workflow -----------------------------------------------------------------------------------


def workflow(stage: Stage) -> Path:
    """Return where the workflow is."""
    if stage.number == FINAL:  # it has a repository together with the chapters
        return Path(__file__).parent.parent / ".github" / "workflows" / "final.yml"
    return pipelines.workflow_of(stage.loaded.folder)


@pytest.mark.skipif(sys.platform == "win32", reason="the steps of a workflow are for bash")
@pytest.mark.threads
def test_only_main_is_deployed(stage: Stage, tmp_path: Path) -> None:
    """The job deploy runs on main, after every other job is green, and at no other time."""

    jobs = pipelines.jobs_of(workflow(stage))
    assert "deploy" in jobs, "expected a job deploy in the workflow"

    def deployed(branch: str, **results: str) -> bool:
        runner = Runner(tmp_path, branch, tmp_path, pretend={"deploy": "success", **results})
        return runner.run(workflow(stage)).result("deploy") == "success"

    assert deployed("main"), "expected the job deploy to run on main"
    assert not deployed("feature"), "expected the job deploy to run on main alone"
    for job in pipelines.before("deploy", jobs):
        assert not deployed("main", **{job: "failure"}), f"deployed although the job {job} was red"


def test_a_job_has_no_more_rights_than_it_needs(stage: Stage) -> None:
    """The workflow may read the code, and only the job deploy may write, to the registry alone."""
    whole = yaml.safe_load(workflow(stage).read_text(encoding="utf-8"))

    for name, job in whole["jobs"].items():
        allowed = {"packages"} if name == "deploy" else set()
        too_much = sorted(set(pipelines.written_by(job, whole)) - allowed)
        assert not too_much, f"the job {name} may write {', '.join(too_much)}"


def test_a_job_cannot_look_green(stage: Stage) -> None:
    """No failing step looks green, and every job has `timeout-minutes` of an hour at most."""
    for name, job in pipelines.jobs_of(workflow(stage)).items():
        steps = pipelines.steps_of(job)
        assert not steps or 0 < job.get("timeout-minutes", 0) <= 60, f"{name} has no timeout-minutes"
        for step in [job, *steps]:
            passed_over = step.get("continue-on-error") or PASSED_OVER.search(str(step.get("run", "")))
            assert not passed_over, f"{name}: a failure would be passed over"


#: What makes a failing command look as if it had succeeded.
PASSED_OVER = re.compile(r"\|\|\s*(true|:|exit 0|echo\b)|set \+e|;\s*(true|exit 0)\s*$", re.M)


@pytest.mark.threads
def test_the_jobs_are_defined_once(stage: Stage) -> None:
    """Each job is a session of `nox`, the same on a laptop; the workflow only calls them."""
    there = pipelines.sessions(stage.loaded.folder)
    called = pipelines.called_sessions(pipelines.jobs_of(workflow(stage)), there)

    names = {pipelines.base_name(name) for name in called}
    unknown = names - {pipelines.base_name(name) for name in there}
    assert not unknown, f"nox has no session {', '.join(sorted(unknown))}"
    missing = {"lint", "types", "coverage", "image", "deploy"} - names
    if stage.number < FINAL:
        missing |= {pipelines.session_of(stage.loaded.folder, name) for name in BLUEPRINTS} - called
    else:
        missing |= {"tests"} - names
    assert not missing, f"the workflow does not call {', '.join(sorted(missing))}"
