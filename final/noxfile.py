"""The jobs of this service's pipeline: `nox -f final/noxfile.py`. Chapter 7, continuous integration."""

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import nox

nox.options.default_venv_backend = "none"  # the environment that `python3 -m course test` makes has it all
nox.options.sessions = ["lint", "types", "tests", "coverage", "smoke"]

HERE = Path(__file__).parent
TOP = HERE.parent
IMAGE = os.environ.get("IMAGE", "accounts")
SETTINGS = {  # without which it does not start, of a service that ends with its smoke test
    "FLASK_SECRET_KEY": "of a service that ends with its smoke test",
    "FLASK_PUBLIC_URL": "https://accounts.example",
    "FLASK_SMTP_URL": "smtps://nobody:nothing@127.0.0.1:1",
}

#: The tests in tests/final/ and tests/drills/, by what of the service they are about: a job for each.
AREAS = {
    "accounts": ("accounts", "audit", "commands", "conditions", "life", "mail", "outbox", "password"),
    "auth": (
        "authorization",
        "devices",
        "keys",
        "login",
        "mfa",
        "refresh",
        "sessions",
        "shared_limits",
        "throttling",
        "tokens",
    ),
    "page": ("page", "page_session"),
    "service": (
        "configuration",
        "documentation",
        "errors",
        "hooks",
        "hostile",
        "logs",
        "metrics",
        "settings",
        "v1",
    ),
    "upkeep": (
        "at_once",
        "backup",
        "deploy",
        "gateway",
        "nginx",
        "page_commands",
        "pipeline",
        "properties",
        "pruning",
        "secrets",
        "storage",
    ),
    "drills": (
        "backup",
        "clock",
        "compose",
        "containers",
        "contract",
        "environments",
        "journal",
        "server",
        "topology",
        "traces",
        "units",
    ),
}


@nox.session
def lint(session: nox.Session) -> None:
    """Style, and mistakes that a look at the text can find."""
    session.chdir(TOP)
    session.run("ruff", "check", "final", "tests")
    session.run("ruff", "format", "--check", "final", "tests")


@nox.session
def types(session: nox.Session) -> None:
    """Whether the pieces fit."""
    session.chdir(TOP)
    session.run("mypy")


@nox.session
@nox.parametrize("area", tuple(AREAS), ids=tuple(AREAS))
def tests(session: nox.Session, area: str) -> None:
    """The tests of one area; which lines they reached is written into the folder final/reached/."""
    session.chdir(TOP)
    folder = "drills" if area == "drills" else "final"
    files = [f"tests/{folder}/test_{name}.py" for name in AREAS[area]]
    reached = {"COVERAGE_FILE": f"final/reached/{area}"}
    session.run("coverage", "run", "--rcfile=final/coverage.toml", "-m", "pytest", "-q", *files, env=reached)


@nox.session
def coverage(session: nox.Session) -> None:
    """Join what the tests reached, write a report to read, and hold the floor."""
    session.chdir(TOP)
    config = "--rcfile=final/coverage.toml"
    session.run(
        "coverage", "combine", config, "--keep", "--quiet", *sorted(map(str, Path("final/reached").iterdir()))
    )
    session.run("coverage", "html", config, "--fail-under=0", "--quiet", "--directory=final/htmlcov")
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):  # the page that GitHub shows of this run
        with Path(summary).open("a", encoding="utf-8") as page:
            session.run("coverage", "report", config, "--fail-under=0", "--format=markdown", stdout=page)
    session.run("coverage", "report", config, "--skip-covered")


@nox.session
def smoke(session: nox.Session) -> None:
    """Start what the image would start, without one, and use it."""
    session.chdir(HERE)
    command = re.findall(r"^CMD (.*)$", Path("Dockerfile").read_text(encoding="utf-8"), re.M)[-1]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with TemporaryDirectory() as folder:
        host, port = address.split(":")
        env = os.environ | SETTINGS | {"HOST": host, "PORT": port}
        env["DATABASE_URL"] = f"sqlite:///{folder}/smoke.sqlite"
        session.run("flask", "--app", "wsgi", "db", "upgrade", env=env, silent=True)
        with subprocess.Popen(json.loads(command), env=env) as server:  # noqa: S603 - what our own file says
            try:
                session.run("python", "smoke.py", f"http://{address}")
            finally:
                server.terminate()


@nox.session
def image(session: nox.Session) -> None:
    """Build the image, migrate a database with it, start it, and use it; keep it in final/image.tar."""
    session.chdir(HERE)
    docker, git = program(session, "docker"), program(session, "git")
    commit, built_at = git("rev-parse", "HEAD"), git("log", "-1", "--format=%cI")
    docker("build", f"--build-arg=COMMIT={commit}", f"--build-arg=BUILT_AT={built_at}", f"--tag={IMAGE}", ".")
    settings = [f"--env={name}={value}" for name, value in SETTINGS.items()]
    own = ["--read-only", "--tmpfs=/tmp", "--volume=accounts-smoke:/srv/instance"]
    docker("run", "--rm", *own, *settings, IMAGE, "flask", "--app", "wsgi", "db", "upgrade")
    container = docker("run", "--detach", *own, *settings, "--publish=127.0.0.1::8000", IMAGE)
    try:
        session.run("python", "smoke.py", f"http://{docker('port', container, '8000')}", commit)
    finally:
        session.log(docker("logs", container))
        docker("rm", "--force", container)
        docker("volume", "rm", "accounts-smoke")
    docker("save", "--output=image.tar", IMAGE)


@nox.session
def deploy(session: nox.Session) -> None:
    """Hand the image that was tested to the registry, and wait until it is what answers."""
    session.chdir(HERE)
    docker, git = program(session, "docker"), program(session, "git")
    commit = git("rev-parse", "HEAD")
    docker("load", "--input=image.tar")
    for tag in (commit, "production"):  # a server runs what is called production
        docker("tag", IMAGE, f"{os.environ['REGISTRY']}:{tag}")
        docker("push", f"{os.environ['REGISTRY']}:{tag}")
    if url := os.environ.get("PRODUCTION_URL"):
        session.run("python", "smoke.py", url, commit, env={"PATIENCE": "600"})


def program(session: nox.Session, name: str) -> Callable[..., str]:
    """Return a function that runs a program and returns what it said; end the session where there is none."""
    if shutil.which(name) is None:
        session.error(f"{name} is not on this machine: install it, then run this session again")
    return lambda *arguments: session.run(name, *arguments, silent=True, external=True).strip()
