"""The jobs of the pipeline, defined once: `nox` runs them on a laptop, the workflow on a server."""

import json
import os
import re
import socket
import subprocess
from pathlib import Path

import nox

BLUEPRINTS = ["auth", "health", "v1", "v2"]  # the tests of each are in tests/test_NAME.py
IMAGE = "accounts"
SECRET = "of a service that ends with its smoke test"  # of no other

nox.options.default_venv_backend = "none"  # use the tools of this environment: see pyproject.toml
nox.options.sessions = ["lint", "types", "tests", "coverage", "smoke"]


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style, and look for mistakes that can be found without running anything."""
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check that the type hints agree."""
    session.run("mypy")


@nox.session
@nox.parametrize("blueprint", BLUEPRINTS, ids=BLUEPRINTS)
def tests(session: nox.Session, blueprint: str) -> None:
    """Run the tests of one blueprint; record in reached/ which lines they ran."""
    record = {"COVERAGE_FILE": f"reached/{blueprint}"}
    session.run("coverage", "run", "-m", "pytest", "-q", f"tests/test_{blueprint}.py", env=record)


@nox.session
def coverage(session: nox.Session) -> None:
    """Combine what the tests recorded, and fail if too few lines were run."""
    records = sorted(str(path) for path in Path("reached").iterdir())
    session.run("coverage", "combine", "--keep", "--quiet", *records)
    session.run("coverage", "report", "--skip-covered")


@nox.session
def smoke(session: nox.Session) -> None:
    """Start what the image would start, without an image, and use it."""
    command = re.findall(r"^CMD (.*)$", Path("Dockerfile").read_text(encoding="utf-8"), re.M)[-1]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # port 0: the system chooses one that is free
        address = f"127.0.0.1:{free.getsockname()[1]}"
    env = os.environ | {"GUNICORN_CMD_ARGS": f"--bind={address}", "FLASK_JWT_SECRET_KEY": SECRET}
    env["FLASK_SQLALCHEMY_DATABASE_URI"] = "sqlite://"  # in memory
    with subprocess.Popen(json.loads(command), env=env) as server:
        try:
            session.run("python", "smoke.py", f"http://{address}")
        finally:
            server.terminate()


@nox.session
def image(session: nox.Session) -> None:
    """Build the image, start it and use it; save it in image.tar for the job deploy."""
    commit, built_at = output(session, "git", "log", "-1", "--format=%H %cI").split()
    build = [f"--build-arg=COMMIT={commit}", f"--build-arg=BUILT_AT={built_at}", f"--tag={IMAGE}"]
    session.run("docker", "build", *build, ".")
    start = ["--detach", "--publish=127.0.0.1::8000", f"--env=FLASK_JWT_SECRET_KEY={SECRET}"]
    container = output(session, "docker", "run", *start, IMAGE)
    try:
        address = output(session, "docker", "port", container, "8000")
        session.run("python", "smoke.py", f"http://{address}", commit)
    finally:
        session.run("docker", "logs", container)
        session.run("docker", "rm", "--force", "--volumes", container)
    session.run("docker", "save", "--output=image.tar", IMAGE)


@nox.session
def deploy(session: nox.Session) -> None:
    """Push the image that was tested to the registry, and wait until the service runs it."""
    commit = output(session, "git", "rev-parse", "HEAD")
    session.run("docker", "load", "--input=image.tar")
    for tag in (commit, "production"):  # a server runs what is tagged production
        name = f"{os.environ['REGISTRY']}:{tag}"
        session.run("docker", "tag", IMAGE, name)
        session.run("docker", "push", name)
    if url := os.environ.get("PRODUCTION_URL"):
        session.run("python", "smoke.py", url, commit, env={"PATIENCE": "600"})


def output(session: nox.Session, *command: str) -> str:
    """Run a program and return what it printed."""
    return str(session.run(*command, silent=True)).strip()
