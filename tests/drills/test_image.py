"""The image, built step by step and run as it is meant to be, on a machine without a container engine.

See scratch_root.py for what is real about it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.adapter import GOOD_SECRET, LoadedStage
from kit.ports import free_port
from kit.scratch_root import MISSING, Image

pytestmark = [
    pytest.mark.threads,
    pytest.mark.timeout(300),  # half a minute, where nothing else runs
    pytest.mark.skipif(MISSING is not None, reason=str(MISSING)),
]

UPGRADE = ["flask", "--app", "wsgi", "db", "upgrade"]


@pytest.fixture(scope="module")
def image(final: LoadedStage, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Built once; nothing that is run of it can change it."""
    scratch = tmp_path_factory.mktemp("image")
    for parent in [scratch, *scratch.parents][:3]:
        parent.chmod(parent.stat().st_mode | 0o011)  # so that its user gets as far as to its root
    return Image(final.folder, scratch, COMMIT="0123abc", BUILT_AT="2026-11-27T00:00:00Z")


class Container:
    """One that runs: its file system read-only, and what the Dockerfile names as writable."""

    def __init__(self, image: Image, folder: Path, settings: dict[str, str]) -> None:
        self.port = free_port()
        self.image = image
        self.volume = folder / "volume"
        self.volume.mkdir()
        os.chown(self.volume, *map(int, image.user.split(":")))
        secret = folder / "secret_key"
        secret.write_text(f"{GOOD_SECRET}\n", encoding="utf-8")
        secret.chmod(0o444)
        self.how: dict[str, Any] = {
            "read_only": True,
            "tmpfs": ["/tmp"],  # noqa: S108 - in the container
            "mounts": {str(self.volume): image.volumes[0], str(secret): "/run/secrets/secret_key"},
            "env": {
                "FLASK_SECRET_KEY_FILE": "/run/secrets/secret_key",
                "FLASK_PUBLIC_URL": "https://accounts.example",
                "FLASK_SMTP_URL": "smtps://nobody:nothing@127.0.0.1:1",
                "HOST": "127.0.0.1",
                "PORT": str(self.port),
                "WEB_CONCURRENCY": "2",
                **settings,
            },
        }
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a container of its own, with the same volumes."""
        command = self.image.run(list(words), **self.how)
        return subprocess.run(command, capture_output=True, text=True, timeout=100)

    def start(self) -> None:
        """Start what CMD says."""
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(self.image.run(**self.how), stdout=log, stderr=log)

    def get(self, path: str) -> Any:
        """Ask it, as soon as it listens."""
        end = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
                    return json.load(answer)
            except OSError:
                assert self.process and self.process.poll() is None, self.log.read_text(encoding="utf-8")
                assert time.monotonic() < end
                time.sleep(0.1)

    def stop(self) -> int:
        """Ask it to end, and return how it did."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@pytest.fixture
def container(image: Image, tmp_path: Path) -> Iterator[Container]:
    """One on SQLite, in its volume; not started yet."""
    container = Container(image, tmp_path, {})
    yield container
    if container.process and container.process.poll() is None:
        container.process.kill()
        container.process.wait()


def test_its_user_can_write_nothing_but_its_data(image: Image) -> None:
    """Of all files of the image: the folder of the database, and what everybody may write to."""
    program = (
        "import os\n"
        "for folder, folders, files in os.walk('/'):\n"
        "    if folder == '/': folders[:] = set(folders) - {'base', 'dev', 'proc', 'root', 'suite', 'usr'}\n"
        "    for path in [folder, *(os.path.join(folder, file) for file in files)]:\n"
        "        if os.access(path, os.W_OK, effective_ids=True): print(path)\n"
    )
    done = subprocess.run(image.run(["python", "-c", program]), capture_output=True, text=True, timeout=100)

    assert set(done.stdout.split()) == {"/tmp", "/var/tmp", "/srv/instance"}, done.stderr  # noqa: S108


def test_it_has_no_rights_and_gets_none(container: Container) -> None:
    """Another user than root, by number; no capability; and no way to write anywhere else."""
    said = container.run("python", "-c", "print(open('/proc/self/status').read())").stdout
    lines = dict(line.split(":\t", 1) for line in said.splitlines() if ":\t" in line)

    assert lines["Uid"].split() == lines["Gid"].split() == ["10001"] * 4
    assert {int(lines[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert lines["NoNewPrivs"] == "1"
    for folder in ("/srv", "/srv/app", "/venv", "/etc", "/var"):
        assert container.run("touch", f"{folder}/x").returncode != 0, folder


def test_it_migrates_serves_and_ends(container: Container, final: LoadedStage) -> None:
    """With its file system read-only: the migration as a step of its own, the service, and its smoke test."""
    assert container.run(*UPGRADE).returncode == 0
    container.start()
    url = f"http://127.0.0.1:{container.port}"

    assert container.get("/health/ready") == {"status": "ready"}
    assert container.get("/version") == {"commit": "0123abc", "built_at": "2026-11-27T00:00:00Z"}
    smoke = [sys.executable, "smoke.py", url, "0123abc"]
    done = subprocess.run(smoke, cwd=final.folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert container.run(*container.image.healthcheck).returncode == 0

    assert container.stop() == 0
    assert container.run(*container.image.healthcheck).returncode != 0
    kept = {file.name: file.stat() for file in container.volume.iterdir()}
    assert kept.keys() <= {"accounts.sqlite", "accounts.sqlite-wal", "accounts.sqlite-shm"}
    assert {(state.st_uid, stat.S_ISREG(state.st_mode)) for state in kept.values()} == {(10001, True)}
    lines = [json.loads(line) for line in container.log.read_text(encoding="utf-8").splitlines()]
    assert {line["path"] for line in lines if "path" in line} >= {"/health/ready", "/v2/accounts"}


def test_a_setting_that_is_missing_stops_it(container: Container) -> None:
    """At once, and by the one line that names it."""
    del container.how["env"]["FLASK_SECRET_KEY_FILE"]

    done = container.run(*container.image.command)

    assert done.returncode != 0
    assert "SECRET_KEY is missing" in done.stderr and "Traceback" not in done.stderr


def test_what_the_dockerfile_forgets_is_not_found_elsewhere(final: LoadedStage, tmp_path: Path) -> None:
    """The tests above can fail: an image without its migrations does not migrate."""
    source, scratch = tmp_path / "source", tmp_path / "scratch"
    shutil.copytree(final.folder, source, ignore=shutil.ignore_patterns("instance"))
    scratch.mkdir()
    file = source / "Dockerfile"
    text = file.read_text(encoding="utf-8")
    assert text.count("COPY migrations migrations\n") == 1
    file.write_text(text.replace("COPY migrations migrations\n", ""), encoding="utf-8")

    lacking = Container(Image(source, scratch), tmp_path, {})

    assert lacking.run(*UPGRADE).returncode != 0
