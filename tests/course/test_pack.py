"""`pack` makes a folder from which a room without internet can set up, learn and serve."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.packing import here, run_pack

from course.commands import pack

ROOT = Path(__file__).resolve().parents[2]


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

    status, output = run_pack(course.folder, "../pack", **course.lock(wheel))  # as the page has it

    assert status == 0, output
    packed = {file.relative_to(tmp_path / "pack").as_posix() for file in (tmp_path / "pack").rglob("*")}
    assert {"wheels/tiny-1.0-py3-none-any.whl", "site/index.html", "course/site/hook.py"} <= packed
    assert {"chapters/start/app.py", ".github/file", "START.txt"} <= packed
    assert {"lab/f00d/packages.bin", "lab/f00d/lab.js"} <= packed  # for a room without Node
    assert "lab/f00d/packages.bin.js" not in packed  # which each build makes again
    assert not [path for path in packed if path.endswith("/file") and not path.startswith(".github")]
    start = (tmp_path / "pack" / "START.txt").read_bytes()
    assert "폴더를 통째로".encode() in start and b"python3 -m course up" in start and b"\r\n" in start
    assert "MB  in all" in output


def test_nothing_is_overwritten(course, wheel, tmp_path):
    """No existing folder, not even an empty one; and nothing goes into the course itself."""
    (tmp_path / "mine").mkdir()

    for folder in (tmp_path / "mine", course.folder / "chapters" / "pack"):
        status, output = run_pack(course.folder, str(folder), **course.lock(wheel))
        assert status == 1 and len(output.splitlines()) == 1, output

    assert not list((tmp_path / "mine").iterdir()) and not (course.folder / "chapters" / "pack").exists()


def test_a_pack_that_fails_leaves_nothing(course, wheel, tmp_path):
    """A package that is missing, or not the locked one, gets one sentence and leaves no half pack."""
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
    """No package of a lock is overlooked; uv and the tools of chapter 7 are packed too."""
    for lock in pack.PACKED:
        text = lock.read_text(encoding="utf-8")
        names = [line for line in text.splitlines() if "==" in line]
        assert len(list(pack.REQUIREMENT.finditer(text))) == len(names) > 0

    wanted = {line.partition("==")[0] for line in pack.wanted_lines(pack.SYSTEMS["windows"], "3.13.0")}
    assert {"flask", "uv", "nox", "mypy", "pip"} <= wanted
