"""The jobs of the pipeline, defined once: `nox` runs them on a laptop, the workflow on a server."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).parent))
from affected import BLUEPRINTS, changed_since

nox.options.default_venv_backend = "none"  # the tools are those of requirements-dev.txt, installed once
nox.options.sessions = ["lint", "types", "tests", "coverage", "smoke"]

IMAGE = os.environ.get("IMAGE", "accounts")
SECRET = {"FLASK_JWT_SECRET_KEY": "of a service that ends with its smoke test"}


@nox.session
def lint(session: nox.Session) -> None:
    """Style, and mistakes that a look at the text can find."""
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Whether the pieces fit."""
    session.run("mypy")


@nox.session
@nox.parametrize("blueprint", BLUEPRINTS, ids=BLUEPRINTS)
def tests(session: nox.Session, blueprint: str) -> None:
    """The tests of one blueprint; which lines they reached is written into the folder reached/."""
    reached = {"COVERAGE_FILE": f"reached/{blueprint}"}
    session.run("coverage", "run", "-m", "pytest", "-q", f"tests/test_{blueprint}.py", env=reached)


@nox.session
def coverage(session: nox.Session) -> None:
    """Join what the tests reached, write a report to read, and hold the floor.

    Where BASE says which branch this one left, not every blueprint was tested: then only the files that have
    changed since are held to it.
    """
    session.run("coverage", "combine", "--keep", "--quiet", *sorted(map(str, Path("reached").iterdir())))
    files = ["app/*"]
    if base := os.environ.get("BASE"):
        files = [f for f in changed_since(base) if f.startswith("app/") and Path(f).exists()]
    if not files:
        session.skip("nothing of the application has changed")
    only = f"--include={','.join(files)}"
    session.run("coverage", "html", only, "--fail-under=0", "--quiet")  # htmlcov/index.html
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):  # the page that GitHub shows of this run
        with Path(summary).open("a", encoding="utf-8") as page:
            session.run("coverage", "report", only, "--fail-under=0", "--format=markdown", stdout=page)
    session.run("coverage", "report", only, "--skip-covered")


@nox.session
def smoke(session: nox.Session) -> None:
    """Start what the image would start, without one, and use it."""
    command = re.findall(r"^CMD (.*)$", Path("Dockerfile").read_text(encoding="utf-8"), re.M)[-1]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    env = os.environ | SECRET | {"GUNICORN_CMD_ARGS": f"--bind={address}"}
    env["FLASK_SQLALCHEMY_DATABASE_URI"] = "sqlite://"  # in memory
    with subprocess.Popen(json.loads(command), env=env) as server:
        try:
            session.run("python", "smoke.py", f"http://{address}")
        finally:
            server.terminate()


@nox.session
def image(session: nox.Session) -> None:
    """Build the image, start it, and use it; keep it in image.tar for whoever deploys."""
    docker, git = program(session, "docker"), program(session, "git")
    commit, built_at = git("rev-parse", "HEAD"), git("log", "-1", "--format=%cI")
    docker("build", f"--build-arg=COMMIT={commit}", f"--build-arg=BUILT_AT={built_at}", f"--tag={IMAGE}", ".")
    secret = [f"--env={name}={value}" for name, value in SECRET.items()]
    own = ["--read-only", "--tmpfs=/tmp", "--volume=/srv/instance", "--publish=127.0.0.1::8000"]
    container = docker("run", "--detach", *own, *secret, IMAGE)
    try:
        session.run("python", "smoke.py", f"http://{docker('port', container, '8000')}", commit)
    finally:
        session.log(docker("logs", container))
        docker("rm", "--force", "--volumes", container)
    docker("save", "--output=image.tar", IMAGE)


@nox.session
def deploy(session: nox.Session) -> None:
    """Hand the image that was tested to the registry, and wait until it is what answers."""
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
