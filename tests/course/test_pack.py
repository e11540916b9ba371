"""`pack` makes a folder from which a room without internet can set up, learn and serve."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course.commands import pack

ROOT = Path(__file__).resolve().parents[2]

#: Packs, with a small site in place of the true one, which is built by others.
PACK = """
import sys
from pathlib import Path
from course import cli
from course.commands import pack
from course.errors import Failure
pack.STATE.mkdir(exist_ok=True)
pack.BUILT = Path(sys.argv.pop(1))
pack.BUILT.mkdir(exist_ok=True)
lab = pack.BUILT / "assets" / "lab" / "f00d"
lab.mkdir(parents=True, exist_ok=True)
for name in ("packages.bin", "packages.bin.js", "lab.js"):
    (lab / name).touch()
(pack.BUILT / "index.html").touch()
pack.build_site = lambda: False
try:
    sys.exit(cli.run_command_line(["pack", *sys.argv[1:]]))
except Failure as failure:
    sys.exit(str(failure))
"""


def run_pack(root: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", PACK, f"{Path(arguments[0]).parent / 'built-site'}", *arguments],
        cwd=root,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    return done.returncode, done.stdout


def here() -> list[str]:
    """Return the options that pack for this very machine."""
    system = {"linux": "linux", "darwin": "macos", "win32": "windows"}[sys.platform]
    if system == "linux" and platform.machine() == "aarch64":
        system = "linux-arm"
    if system == "macos" and platform.machine() == "x86_64":
        system = "macos-intel"
    return ["--for", system, "--python", f"{sys.version_info.major}.{sys.version_info.minor}"]


def test_it_holds_the_course_and_its_packages(course, wheel, tmp_path):
    """The course without what running it leaves behind, a wheel, the site, and what to do with it."""
    for left in (
        "workspace/01",
        ".venv",
        "chapters/start/instance",
        "course/__pycache__",
        ".idea",
        ".github",
    ):
        (course.folder / left).mkdir(parents=True, exist_ok=True)
        (course.folder / left / "file").touch()

    status, output = run_pack(course.folder, str(tmp_path / "pack"), **course.lock(wheel))

    assert status == 0, output
    packed = {file.relative_to(tmp_path / "pack").as_posix() for file in (tmp_path / "pack").rglob("*")}
    assert {"wheels/tiny-1.0-py3-none-any.whl", "site/index.html", "course/site/hook.py"} <= packed
    assert {"chapters/start/app.py", ".github/file", "START.txt"} <= packed
    assert {"lab/f00d/packages.bin", "lab/f00d/lab.js"} <= packed  # for a room without Node
    assert "lab/f00d/packages.bin.js" not in packed  # which each build makes anew
    assert not [path for path in packed if path.endswith("/file") and not path.startswith(".github")]
    start = (tmp_path / "pack" / "START.txt").read_bytes()
    assert "폴더를 통째로".encode() in start and b"python3 -m course up" in start and b"\r\n" in start
    assert "MB  in all" in output


def test_nothing_is_overwritten(course, wheel, tmp_path):
    """Not a folder that is there, not even an empty one; and nothing goes into the course itself."""
    (tmp_path / "mine").mkdir()

    for folder in (tmp_path / "mine", course.folder / "chapters" / "pack"):
        status, output = run_pack(course.folder, str(folder), **course.lock(wheel))
        assert status == 1 and len(output.splitlines()) == 1, output

    assert not list((tmp_path / "mine").iterdir()) and not (course.folder / "chapters" / "pack").exists()


def test_a_pack_that_fails_leaves_nothing(course, wheel, tmp_path):
    """A package that cannot be had, or is not the promised one, is one sentence and no half pack."""
    settings = course.lock(wheel, sha256="0" * 64)
    (tmp_path / "packs").mkdir()
    status, output = run_pack(course.folder, str(tmp_path / "packs" / "pack"), *here(), **settings)
    assert status == 1 and "not the one that requirements.txt promises" in output

    wheel.unlink()
    status, output = run_pack(course.folder, str(tmp_path / "packs" / "pack"), *here(), **settings)
    assert status == 1 and output.startswith("There is no wheel of tiny==1.0 for "), output

    assert [left.name for left in (tmp_path / "packs").iterdir()] == ["built-site"]


@pytest.mark.parametrize("option", [["--for", "beos"], ["--python", "2.7"]])
def test_what_there_is_to_pack_for(course, tmp_path, option):
    status, output = run_pack(course.folder, str(tmp_path / "pack"), *option)

    assert status == 1 and output.startswith("There is no ") and "choose from " in output


def test_each_system_gets_what_it_wants(monkeypatch, tmp_path):
    """The lock's markers are asked about the learner's machine, not about the one that packs."""
    lock = tmp_path / "requirements.txt"
    lock.write_text(
        "a==1 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\n"
        "b==2 ; sys_platform != 'win32' \\\n    --hash=sha256:3\n"
        "d==4 ; python_full_version >= '3.11.5' \\\n    --hash=sha256:5\n"
        "c==3 ; python_full_version < '3.12' and platform_machine == 'arm64' \\\n    --hash=sha256:4\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(pack, "PACKED", (lock, lock))

    def wanted(system: str, python: str) -> str:
        return " ".join(line[0] for line in pack.wanted_lines(pack.SYSTEMS[system], python))

    assert [wanted("linux", "3.11.0"), wanted("windows", "3.11.9")] == ["a b", "a d"]
    assert [wanted("macos", "3.11.7"), wanted("macos", "3.12.0")] == ["a b d c", "a b d"]
    first = next(pack.wanted_lines(pack.SYSTEMS["linux"], "3.11.0"))
    assert first.count("--hash") == 2 and ";" not in first


def test_the_locks_are_understood_whole():
    """No package of a lock is overlooked, and with the learner's go uv and the tools of chapter 7."""
    for lock in pack.PACKED:
        text = lock.read_text(encoding="utf-8")
        names = [line for line in text.splitlines() if "==" in line]
        assert len(list(pack.REQUIREMENT.finditer(text))) == len(names) > 0

    wanted = {line.partition("==")[0] for line in pack.wanted_lines(pack.SYSTEMS["windows"], "3.13.0")}
    assert {"flask", "uv", "nox", "mypy", "pip"} <= wanted


def cuts_off() -> bool:
    """Return whether a program can be run here with a loopback and no other network."""
    if not (shutil.which("unshare") and shutil.which("ip")):
        return False
    return subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode == 0


#: Starts `up` in a network of its own, where its ports are free, and asks both servers.
SERVE = """
import signal, subprocess, sys, urllib.request
up = subprocess.Popen([sys.executable, "-m", "course", "up"], stdout=subprocess.PIPE, encoding="utf-8")
said = []
for line in up.stdout:
    said.append(line)
    if line.startswith("Ctrl-C"):
        break
else:
    sys.exit("".join(said))
for address in ("8000/", "8000/ko/chapters/01.html", "8001/health/live"):
    with urllib.request.urlopen(f"http://127.0.0.1:{address}") as answer:
        print(address, answer.status, len(answer.read()) > 10)
up.send_signal(signal.SIGINT)
sys.exit(up.wait())
"""


@pytest.mark.timeout(300)
@pytest.mark.skipif(
    not cuts_off(), reason="no unshare and ip to cut the network off with: install util-linux"
)
def test_a_room_without_internet(tmp_path):
    """Packed here, set up where there is no network: a learner is judged, site and service are served."""
    status, output = run_pack(ROOT, str(tmp_path / "강의 팩"), *here())
    if "cannot be reached" in output:
        pytest.skip("the package index is out of reach, so there is nothing to pack")
    assert status == 0, output
    folder = tmp_path / "강의 팩"
    shutil.copytree(
        folder / "chapters" / "01_views_and_blueprints", folder / "workspace" / "01_views_and_blueprints"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "COV_"))}
    kept |= {"HOME": str(tmp_path), "PIP_CONFIG_FILE": os.devnull, "PYTHONIOENCODING": "utf-8"}

    def cut_off(*arguments: str) -> str:
        """Run Python in the packed folder with a loopback and no other network; return what it said."""
        python = getattr(sys, "_base_executable", sys.executable)
        inside = ["unshare", "-rn", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", python]
        command = [*inside, *arguments]
        return subprocess.run(
            command, cwd=folder, env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        ).stdout

    assert "The packages come from the folder wheels" in cut_off("-m", "course", "doctor", "--lang", "en")
    judged = cut_off("-m", "course", "check", "1")
    assert "Making .venv" in judged and "to do" not in judged and "passed" in judged, judged
    served = cut_off("-c", SERVE)
    pages = ("8000/", "8000/ko/chapters/01.html", "8001/health/live")
    assert served.splitlines()[-3:] == [f"{page} 200 True" for page in pages], served
