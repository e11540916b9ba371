"""The image of final/Dockerfile and the services of final/compose.yaml, built and run by a container engine.

It needs `docker` or `podman` on the PATH, an engine that answers, and the base images that those files name.
The image is built from a copy of final/, as a server would have it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from kit.adapter import GOOD_SECRET, LoadedStage
from kit.ports import free_port

pytestmark = [pytest.mark.threads, pytest.mark.timeout(1200)]  # a build installs packages, and pulls images

COMMIT, BUILT_AT = "0123abc", "2026-11-27T00:00:00Z"
UPGRADE = ["flask", "--app", "wsgi", "db", "upgrade"]
SETTINGS = {
    "FLASK_SECRET_KEY": GOOD_SECRET,
    "FLASK_PUBLIC_URL": "https://accounts.example",
    "FLASK_SMTP_URL": "smtps://nobody:nothing@127.0.0.1:1",
    "WEB_CONCURRENCY": "2",
}


class Engine:
    """A container engine, called in a folder."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program, self.folder = program, folder

    def run(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run one of its commands, which may fail."""
        options = {"cwd": self.folder, "capture_output": True, "text": True, "timeout": 1000} | options
        return subprocess.run([self.program, *words], **options)

    def __call__(self, *words: str, **options: Any) -> str:
        """Run a command that has to succeed, and return what it printed."""
        done = self.run(*words, **options)
        assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout.strip()

    def need_images(self, file: str, pattern: str) -> None:
        """Skip the test unless the images that ``file`` names are here or can be pulled."""
        names = set(re.findall(pattern, (self.folder / file).read_text(encoding="utf-8"), re.M))
        for name in names:
            if self.run("image", "inspect", name).returncode and self.run("pull", name).returncode:
                pytest.skip(f"no base image {name}: {Path(self.program).name} pull {name}")


@pytest.fixture(scope="module")
def engine(final: LoadedStage, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An engine that responds, in a copy of final/."""
    folder = tmp_path_factory.mktemp("containers") / "final"
    shutil.copytree(
        final.folder, folder, ignore=shutil.ignore_patterns("instance", "*.sqlite", "__pycache__")
    )
    for program in filter(None, map(shutil.which, ("docker", "podman"))):
        engine = Engine(program, folder)
        if engine.run("info").returncode == 0:
            return engine
    pytest.skip(
        "no container engine answers: install and start Docker (docs.docker.com/engine/install) or podman"
    )


def build(engine: Engine, **options: Any) -> str:
    """Build the Dockerfile in its folder and return the name of the image."""
    tag = f"accounts-drill-{token_hex(4)}"
    # Docker's format keeps the health check, which podman's leaves out.
    docker_format = ["--format=docker"] if Path(engine.program).name == "podman" else []
    stamps = [f"--build-arg=COMMIT={COMMIT}", f"--build-arg=BUILT_AT={BUILT_AT}"]
    engine("build", *docker_format, *stamps, f"--tag={tag}", ".", **options)
    return tag


@pytest.fixture(scope="module")
def image(engine: Engine) -> Iterator[str]:
    """Built once; no container that runs from it can change it."""
    engine.need_images("Dockerfile", r"^FROM (\S+)")
    tag = build(engine)
    yield tag
    engine.run("rmi", "--force", tag)


class Container:
    """One container of the image: read-only, without capabilities, its data in a volume of its own."""

    def __init__(self, engine: Engine, image: str) -> None:
        self.engine, self.image, self.name = engine, image, f"accounts-drill-{token_hex(4)}"
        self.port = free_port()
        self.settings = dict(SETTINGS)

    def options(self) -> list[str]:
        """Return the options of `run` that are the same for the service and its commands."""
        rights = ["--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
        settings = [f"--env={name}={value}" for name, value in self.settings.items()]
        return [*rights, f"--volume={self.name}:/srv/instance", *settings]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command, or the image's own, in another container with the same volume."""
        return self.engine.run("run", "--rm", *self.options(), self.image, *words)

    def start(self) -> None:
        """Start the command in CMD."""
        publish = f"--publish=127.0.0.1:{self.port}:8000"
        self.engine("run", "--detach", f"--name={self.name}", publish, *self.options(), self.image)

    def get(self, path: str) -> Any:
        """Return its response, as soon as it listens."""
        end = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
                    return json.load(answer)
            except OSError:
                assert time.monotonic() < end, self.engine.run("logs", self.name).stderr
                time.sleep(0.1)

    def close(self) -> None:
        """Remove the container and its volume."""
        self.engine.run("rm", "--force", self.name)
        self.engine.run("volume", "rm", "--force", self.name)


@pytest.fixture
def container(engine: Engine, image: str) -> Iterator[Container]:
    """One on SQLite, not started yet."""
    container = Container(engine, image)
    yield container
    container.close()


def smoke(engine: Engine, url: str) -> None:
    """Use a running service once, as the pipeline does."""
    command = [sys.executable, "smoke.py", url, COMMIT]
    done = subprocess.run(command, cwd=engine.folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


WRITABLE = """
import os
for folder, folders, files in os.walk("/"):
    if folder == "/":
        folders[:] = set(folders) - {"dev", "proc", "sys", "run"}
    for path in [folder, *(os.path.join(folder, file) for file in files)]:
        if os.access(path, os.W_OK, effective_ids=True):
            print(path)
"""


def test_its_user_can_write_nothing_but_its_data(engine: Engine, image: str) -> None:
    """Of all files of the image: the folder of the database and the temporary ones."""
    written = set(engine("run", "--rm", image, "python", "-c", WRITABLE).split())

    assert "/srv/instance" in written
    assert written <= {"/srv/instance", "/tmp", "/var/tmp", "/var/lock", "/run/lock"}  # noqa: S108


def test_it_has_no_rights_and_gets_none(container: Container) -> None:
    """A user other than root, by number; no capability; and no way to write anywhere else."""
    status = container.run("cat", "/proc/self/status").stdout
    lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)

    assert lines["Uid"].split() == lines["Gid"].split() == ["10001"] * 4
    assert {int(lines[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert lines["NoNewPrivs"] == "1"
    touched = container.run(
        "sh", "-c", "for f in /srv /srv/app /venv /etc /var; do touch $f/x && echo $f; done"
    )
    assert touched.stdout == ""


def test_it_migrates_serves_and_ends(engine: Engine, container: Container) -> None:
    """With its file system read-only: the migration as a step of its own, the service, and its smoke test."""
    migrated = container.run(*UPGRADE)
    assert migrated.returncode == 0, migrated.stderr
    container.start()

    assert container.get("/health/ready") == {"status": "ready"}
    assert container.get("/version") == {"commit": COMMIT, "built_at": BUILT_AT}
    smoke(engine, f"http://127.0.0.1:{container.port}")
    (described,) = json.loads(engine("inspect", container.name))
    check = described["Config"]["Healthcheck"]["Test"]
    assert check[0] == "CMD" and engine.run("exec", container.name, *check[1:]).returncode == 0

    engine("stop", "--time=30", container.name)

    (described,) = json.loads(engine("inspect", container.name))
    assert described["State"]["ExitCode"] == 0
    kept = container.run("ls", "-ln", "/srv/instance").stdout.splitlines()[1:]
    assert {(line.split()[0][0], line.split()[2]) for line in kept} == {("-", "10001")}
    assert {line.split()[-1] for line in kept} <= {f"accounts.sqlite{end}" for end in ("", "-wal", "-shm")}
    log = engine.run("logs", container.name)
    lines = [json.loads(line) for line in (log.stdout + log.stderr).splitlines()]
    assert {line["path"] for line in lines if "path" in line} >= {"/health/ready", "/v2/accounts"}


def test_a_setting_that_is_missing_stops_it(container: Container) -> None:
    """At once, and with one line that names it."""
    del container.settings["FLASK_SECRET_KEY"]

    done = container.run()

    assert done.returncode != 0
    assert "SECRET_KEY is missing" in done.stderr and "Traceback" not in done.stderr


def test_what_the_dockerfile_forgets_is_missing(engine: Engine, image: str, tmp_path: Path) -> None:
    """The tests above can fail: an image without its migrations does not migrate."""
    source = engine.folder.with_name("lacking")
    shutil.copytree(engine.folder, source)
    text = (source / "Dockerfile").read_text(encoding="utf-8")
    assert text.count("COPY migrations migrations\n") == 1
    (source / "Dockerfile").write_text(text.replace("COPY migrations migrations\n", ""), encoding="utf-8")

    lacking = Container(engine, build(engine, cwd=source))
    try:
        assert lacking.run(*UPGRADE).returncode != 0
    finally:
        lacking.close()
        engine.run("rmi", "--force", lacking.image)


@pytest.fixture
def composed(engine: Engine, image: str) -> Iterator[str]:
    """The URL of the whole topology, with the image that was built above."""
    if engine.run("compose", "version").returncode:
        pytest.skip("no compose: install Docker's plugin docker-compose-plugin")
    engine.need_images("compose.yaml", r"^    image: ([\w.:-]+)$")
    mail = "smtps://mina:hunter2@mail.example.com\n"
    secrets = [sys.executable, "deploy/make_secrets.py"]
    subprocess.run(secrets, cwd=engine.folder, input=mail, text=True, check=True, timeout=60)
    port = free_port()
    environment = os.environ | {"IMAGE": image, "PUBLIC_URL": "https://accounts.example"}
    environment |= {"LISTEN": f"127.0.0.1:{port}"}
    project = ["compose", f"--project-name={image}"]
    try:
        up = engine.run(*project, "up", "--detach", "--no-build", "--wait", env=environment)
        logs = "" if up.returncode == 0 else engine.run(*project, "logs", "--tail=20", env=environment).stdout
        assert up.returncode == 0, up.stderr[-3000:] + logs
        yield f"http://127.0.0.1:{port}"
    finally:
        engine.run(*project, "down", "--volumes", "--timeout=30", env=environment)


def test_the_whole_topology_serves(engine: Engine, composed: str) -> None:
    """compose.yaml starts nginx, two apps, PostgreSQL and Redis, and the service answers."""
    smoke(engine, composed)
