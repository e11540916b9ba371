"""Practice 7, continuous integration: what a machine asks of the service, and what it does on every push."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from kit import fake_docker
from kit.adapter import FINAL, GOOD_SECRET, Stage, expect
from kit.superseded import superseded
from kit.workflows import Runner

OWN_TESTS = "the tests of the final service are grouped by area, because a change concerns it as a whole"
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
    with stage.app.app_context():
        extension = stage.app.extensions["sqlalchemy"]
        extension.session.remove()
        for engine in extension.engines.values():  # a stage may have another one for reading
            engine.dispose()
    aside = file.with_suffix(".aside")
    file.rename(aside)
    file.mkdir()  # a folder cannot be opened as a database
    return aside


def test_a_service_says_that_it_lives(stage: Stage, database: Path) -> None:
    """`GET /health/live` returns 200 even while the database is away: a restart would not fix that."""
    assert expect(stage.client.get("/health/live"), 200) == {"status": "live"}

    break_database(stage, database)

    assert expect(stage.client.get("/health/live"), 200) == {"status": "live"}


def test_a_service_says_when_it_can_work(stage: Stage, database: Path) -> None:
    """`GET /health/ready` returns 503 and `Retry-After` while the database is away, and then 200 again."""
    assert expect(stage.client.get("/health/ready"), 200) == {"status": "ready"}

    aside = break_database(stage, database)
    answer = stage.client.get("/health/ready")
    expect(answer, 503)
    assert answer.content_type.split(";")[0] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0
    assert "sqlite" not in answer.text.lower(), "expected the reason in the log, not in the response"

    database.rmdir()
    aside.rename(database)
    expect(stage.client.get("/health/ready"), 200)


def test_a_service_says_what_it_was_built_from(stage: Stage) -> None:
    """`GET /version` returns the commit and the time of the build, or null if the build did not give them."""
    assert expect(stage.client.get("/version"), 200) == {"commit": None, "built_at": None}

    built = {"COMMIT": "0bf3cc4", "BUILT_AT": "2026-11-21T12:00:00+00:00"}
    answer = stage.new_app(**built).test_client().get("/version")

    assert expect(answer, 200) == {"commit": built["COMMIT"], "built_at": built["BUILT_AT"]}


#: What a separate process says it was built from: as it was started, and with both variables empty.
VERSIONS = """
import os, sys
from app import create_app
for variables in ({}, {"COMMIT": "", "BUILT_AT": ""}):
    os.environ.update(variables)
    sys.modules.pop("config", None)
    client = create_app("config.TestingConfig").test_client()
    print(client.get("/version").get_data(as_text=True).strip())
"""


@pytest.mark.threads
def test_a_commit_is_text(stage: Stage) -> None:
    """The commit is the text of the variable `COMMIT`, even if it consists of digits."""
    env = os.environ | {"COMMIT": "12345e6", "BUILT_AT": "20261121", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-c", VERSIONS],
        cwd=stage.loaded.folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, f"the application does not start:\n{done.stderr}"
    built, unknown = map(json.loads, done.stdout.splitlines())
    assert built == {"commit": "12345e6", "built_at": "20261121"}
    assert unknown == {"commit": None, "built_at": None}


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
        assert answer.headers["Cache-Control"] == "no-store", path


# -- the jobs ---------------------------------------------------------------------------------------


def nox(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run nox in ``folder``."""
    assert (folder / "noxfile.py").is_file(), "there is no noxfile.py"
    env = {name: value for name, value in os.environ.items() if name not in ("BASE", "GITHUB_STEP_SUMMARY")}
    env |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "nox", *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300)


@pytest.fixture
def project(stage: Stage, tmp_path: Path) -> Path:
    """A copy of the stage for one test, to be changed."""
    ignored = shutil.ignore_patterns("__pycache__", "database-*")
    return Path(shutil.copytree(stage.loaded.folder, tmp_path / "project", ignore=ignored))


def sessions(stage: Stage) -> set[str]:
    """Return the names of the sessions that `nox` has."""
    done = nox(stage.loaded.folder, "--list")
    assert done.returncode == 0, done.stderr
    return set(re.findall(r"^[*-] (\S+)", done.stdout, re.M))


@superseded("final", OWN_TESTS, by="final/test_pipeline.py::test_every_area_has_a_job")
@pytest.mark.threads
def test_every_blueprint_has_a_job(stage: Stage) -> None:
    """`nox` has a session for the tests of each blueprint, and one for every other job."""
    wanted = {"lint", "types", "coverage", "smoke", "image", "deploy"}
    wanted |= {f"tests({name})" for name in stage.app.blueprints}

    assert wanted <= sessions(stage)


@superseded("final", OWN_TESTS, by="final/test_pipeline.py::test_a_red_test_turns_one_job_red")
@pytest.mark.threads
def test_a_red_test_turns_one_job_red(stage: Stage, project: Path) -> None:
    """A failing test of one blueprint turns the job of this blueprint red, and no other."""
    with (project / "tests" / "test_health.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef test_planted() -> None:\n    assert False\n")

    assert nox(project, "--session", "tests(health)").returncode != 0
    other = nox(project, "--session", "tests(auth)")
    assert other.returncode == 0, other.stdout + other.stderr


@superseded("final", OWN_TESTS, by="final/test_pipeline.py::test_what_a_change_concerns")
@pytest.mark.parametrize(
    ("changed", "concerned"),
    [
        ("app/health.py", {"health"}),
        ("tests/test_auth.py", {"auth"}),
        ("app/v2.py", {"v2"}),
        ("app/v1.py", {"v1", "v2"}),  # version 2 inherits from it
        ("app/accounts.py", {"auth", "v1", "v2"}),
        ("app/__init__.py", {"auth", "health", "v1", "v2"}),
        ("config.py", {"auth", "health", "v1", "v2"}),
        ("README.md", set()),
    ],
)
@pytest.mark.threads
def test_what_a_change_concerns(stage: Stage, project: Path, changed: str, concerned: set[str]) -> None:
    """`python affected.py BASE` names the blueprints that changed since BASE or import what did."""

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=mina", "-c", "user.email=mina@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=project, check=True, capture_output=True)

    for message in ("before", "after"):
        if message == "after":
            with (project / changed).open("a", encoding="utf-8") as file:
                file.write("# changed\n")
        else:
            git("init", "--initial-branch=main")
        git("add", "--all")
        git("commit", f"--message={message}")

    done = subprocess.run(
        [sys.executable, "affected.py", "HEAD~1"], cwd=project, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == concerned


@superseded("final", OWN_TESTS, by="final/test_pipeline.py::test_coverage_has_a_floor")
@pytest.mark.threads
def test_coverage_has_a_floor(stage: Stage, project: Path) -> None:
    """The tests of one blueprint alone reach too little of the application, so the job coverage is red."""
    assert nox(project, "--session", "tests(health)").returncode == 0

    done = nox(project, "--session", "coverage")

    assert done.returncode != 0
    assert "fail" in (done.stdout + done.stderr).lower()
    assert (project / "htmlcov" / "index.html").is_file(), "expected the HTML report even below the floor"


# -- the image --------------------------------------------------------------------------------------


def instructions(stage: Stage) -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, each with its arguments."""
    file = stage.loaded.folder / "Dockerfile"
    assert file.is_file(), "there is no Dockerfile"
    text = re.sub(r"^#.*\n", "", file.read_text(encoding="utf-8"), flags=re.M).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]  # type: ignore[misc]


def last_stage(stage: Stage) -> list[tuple[str, str]]:
    """Return the instructions that make what is shipped: those behind the last FROM."""
    lines = instructions(stage)
    begin = max(number for number, (word, _) in enumerate(lines) if word == "FROM")
    return lines[begin:]


def test_the_image_holds_only_what_runs(stage: Stage) -> None:
    """The image is built in two stages: what only the installation needs stays behind in the first."""
    shipped = last_stage(stage)

    assert [word for word, _ in instructions(stage)].count("FROM") >= 2
    copied = any(word == "COPY" and rest.startswith("--from=") for word, rest in shipped)
    assert copied, "expected COPY --from= in the last stage"
    installed = any(word == "RUN" and "pip install" in rest for word, rest in shipped)
    assert not installed, "expected no pip install in the last stage"


def test_the_image_runs_as_nobody(stage: Stage) -> None:
    """An attacker who breaks into the service is not root in its image: USER is set, as a number."""
    users = [rest for word, rest in last_stage(stage) if word == "USER"]

    assert users, "expected USER: without it the service is root"
    assert re.fullmatch(r"[1-9]\d*(:\d+)?", users[-1]), (
        "expected a number, so that an orchestrator can check it"
    )


def test_the_image_gets_the_signal_to_end(stage: Stage) -> None:
    """CMD is a list: text would be run by a shell, which keeps the signal to end for itself."""
    commands = [rest for word, rest in last_stage(stage) if word == "CMD"]

    assert len(commands) == 1
    assert commands[0].startswith("["), f"CMD {commands[0]}"
    assert type(json.loads(commands[0])) is list


def test_the_image_holds_no_secret(stage: Stage) -> None:
    """No secret is built in, because it would be in every copy of the image."""
    for word, rest in instructions(stage):
        if word in ("ENV", "ARG"):
            assert not re.search("SECRET|PASSWORD|TOKEN|PRIVATE", rest.upper()), f"{word} {rest}"


@superseded("final", ITS_SERVER, by="drills/test_containers.py::test_it_migrates_serves_and_ends")
@pytest.mark.skipif(sys.platform == "win32", reason="gunicorn does not run on Windows")
@pytest.mark.threads
def test_the_image_holds_all_that_runs(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that COPY names are enough to load the application, and nothing private is among them."""
    monkeypatch.chdir(stage.loaded.folder)
    monkeypatch.setattr(fake_docker, "STATE", tmp_path)
    private = Path("instance") / "accounts.sqlite"
    private.parent.mkdir(exist_ok=True)
    private.touch()

    fake_docker.build("image", [])

    image = json.loads((tmp_path / "image.json").read_text(encoding="utf-8"))
    held = {path.name for path in Path(image["folder"]).rglob("*")}
    assert held & {"accounts.sqlite", ".git", "tests", "test_v1.py"} == set()
    env = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "FLASK_JWT_SECRET_KEY": GOOD_SECRET}
    env |= {"FLASK_SECRET_KEY": GOOD_SECRET, "FLASK_PUBLIC_URL": "https://accounts.example"}
    env |= {"FLASK_SMTP_URL": "smtps://nobody:nothing@127.0.0.1:1", **image["env"]}
    done = subprocess.run(
        [*image["command"], "--check-config"], cwd=image["folder"], env=env, capture_output=True, text=True
    )
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
    """The smoke test fails on a service that responds but does not work, and on one of another commit."""
    assert (stage.loaded.folder / "smoke.py").is_file(), "there is no smoke.py"
    command = [sys.executable, "smoke.py", broken_service, commit]
    env = os.environ | {"PATIENCE": "0.5"}
    done = subprocess.run(
        command, cwd=stage.loaded.folder, env=env, capture_output=True, text=True, timeout=60
    )

    assert done.returncode != 0
    assert "Traceback" not in done.stderr, "expected one line, not a traceback"


# -- the workflow -----------------------------------------------------------------------------------


def workflow(stage: Stage) -> Path:
    """Return where the workflow is."""
    if stage.number == FINAL:  # it has a repository together with the chapters
        return Path(__file__).parent.parent / ".github" / "workflows" / "final.yml"
    file = stage.loaded.folder / ".github" / "workflows" / "ci.yml"
    assert file.is_file(), "there is no .github/workflows/ci.yml"
    return file


def jobs(stage: Stage) -> dict[str, Any]:
    """Return the jobs of the workflow."""
    return yaml.safe_load(workflow(stage).read_text(encoding="utf-8"))["jobs"]


@pytest.mark.threads
def test_only_main_is_deployed(stage: Stage, tmp_path: Path) -> None:
    """The job deploy runs on main, after every other job is green, and at no other time."""

    def deployed(branch: str, **results: str) -> bool:
        runner = Runner(tmp_path, branch, tmp_path, pretend=results)
        return runner.run(workflow(stage)).result("deploy") == "success"

    assert deployed("main"), "expected the job deploy to run on main"
    assert not deployed("feature"), "expected the job deploy to run on main alone"
    for job in jobs(stage):
        if job != "deploy":
            assert not deployed("main", **{job: "failure"}), f"deployed although the job {job} was red"


def test_a_job_has_no_more_rights_than_it_needs(stage: Stage) -> None:
    """The workflow may read the code, and only the job deploy may write, to the registry alone."""
    whole = yaml.safe_load(workflow(stage).read_text(encoding="utf-8"))

    assert whole.get("permissions") == {"contents": "read"}
    for name, job in whole["jobs"].items():
        written = [what for what, right in job.get("permissions", {}).items() if right != "read"]
        assert written == (["packages"] if name == "deploy" else []), name
        for step in job["steps"]:
            if str(step.get("uses", "")).startswith("actions/checkout"):
                assert step.get("with", {}).get("persist-credentials") is False, name


def test_a_job_cannot_look_green(stage: Stage) -> None:
    """No failing step looks green, and no job runs for ever."""
    for name, job in jobs(stage).items():
        assert 0 < job.get("timeout-minutes", 0) <= 60, f"{name} has no timeout-minutes"
        for step in [job, *job["steps"]]:
            assert not step.get("continue-on-error"), name
            assert not re.search(r"\|\|\s*(true|:)|set \+e", str(step.get("run", ""))), name


@pytest.mark.threads
def test_the_jobs_are_defined_once(stage: Stage) -> None:
    """Each job is a session of `nox`, the same on a laptop; the workflow only calls them."""
    called = set()
    for job in jobs(stage).values():
        rows = job.get("strategy", {}).get("matrix", {})
        for step in job["steps"]:
            for name in re.findall(r"nox .*(?:-s|--session)s? \"?([\w$]+)", str(step.get("run", ""))):
                values = rows.get(name.removeprefix("$").lower(), [name])
                called |= set(values if isinstance(values, list) else [name])
    there = {name.split("(")[0] for name in sessions(stage)}

    assert {"lint", "types", "tests", "coverage", "image", "deploy"} <= called <= there
