"""The image of final/Dockerfile, built and run by a container engine; test_compose.py has the rest.

It needs `docker` or `podman` on the PATH, an engine that answers, and the base image that the file names.
The image is built from a copy of final/, as a server would have it.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from kit.adapter import GOOD_SECRET
from kit.containers import BUILT_AT, COMMIT, Engine, smoke
from kit.page_commands import never_ran, ran, server_commands
from kit.ports import free_port

pytestmark = [pytest.mark.threads, pytest.mark.timeout(1200)]  # a build installs packages, and pulls images

UPGRADE = ["flask", "--app", "wsgi", "db", "upgrade"]
SETTINGS = {
    "FLASK_SECRET_KEY": GOOD_SECRET,
    "FLASK_PUBLIC_URL": "https://accounts.example",
    "FLASK_SMTP_URL": "smtps://nobody:nothing@127.0.0.1:1",
    "WEB_CONCURRENCY": "2",
}


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


def test_nothing_can_be_installed_in_it(engine: Engine, image: str) -> None:
    """It has no pip, neither in its environment nor in that of the base image."""
    for python in ("/venv/bin/python", "/usr/local/bin/python"):
        assert (
            "No module named pip" in engine.run("run", "--rm", image, python, "-m", "pip", "--version").stderr
        )


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

    lacking = Container(engine, engine.build(cwd=source))
    try:
        assert lacking.run(*UPGRADE).returncode != 0
    finally:
        lacking.close()
        engine.run("rmi", "--force", lacking.image)


def test_it_is_built_as_the_page_says(engine: Engine, image: str) -> None:
    """The commands of the section on the image: built plainly, and with traces."""
    assert image  # the base images are here
    plain, traced = (shlex.split(command) for command in server_commands("deploying.md", "image"))
    tags = [f"accounts-drill-{token_hex(4)}" for _ in range(2)]
    assert plain[:2] == traced[:2] == ["docker", "build"]
    try:
        for words, tag in ((plain, tags[0]), (traced, tags[1])):
            build = [word.replace("--tag=accounts", f"--tag={tag}") for word in words[2:]]
            engine("build", *build)
            ran(shlex.join(["docker", "build", *build]))
        container = Container(engine, tags[1])
        container.settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1"
        try:
            assert container.run(*UPGRADE).returncode == 0
            container.start()
            assert container.get("/health/ready") == {"status": "ready"}
        finally:
            container.close()
        version = engine("version", "--format={{.Client.Version}}")
        machine = f"{Path(engine.program).name} {version}"
        assert never_ran("image", machine, server_commands("deploying.md", "image")) == []
    finally:
        engine.run("rmi", "--force", *tags)
