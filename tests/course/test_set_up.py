"""The set-up makes `.venv` once, finishes what was cut short, and says in one sentence what stops it."""

from __future__ import annotations

import ast
import errno
import os
import signal
import sys
from pathlib import Path

import pytest

from course import errors, main
from course.setup import install

ROOT = Path(__file__).resolve().parents[2]


def test_it_installs_once(course, wheel, tmp_path):
    """The first command installs the lock into `.venv`, whatever pip was told; the next finds it done."""
    elsewhere = {"PIP_TARGET": str(tmp_path / "target"), "PIP_USER": "1", "PYTHONPATH": str(tmp_path)}
    settings = course.lock(wheel) | elsewhere

    status, output = course.set_up(**settings)
    made = course.marker.stat().st_mtime_ns
    again = course.set_up(**settings)

    assert (status, output.splitlines()[-1]) == (0, "Installed 1 packages into .venv."), output
    assert not (tmp_path / "target").exists()
    assert again == (0, "")
    assert course.marker.stat().st_mtime_ns == made


def test_only_the_tests_wait_for_what_only_they_want(course, wheel):
    """`test` adds its own lock to the `.venv` that is there; the other commands go on as they were."""
    assert course.set_up(quickly=True)[0] == 0
    settings = course.lock(wheel, file="tests/requirements.txt")

    others = course.set_up("up", **settings)
    status, output = course.set_up("test", **settings)

    assert others == (0, "")
    assert (status, output.splitlines()) == (
        0,
        ["Installing what the tests want besides, once.", "Installed 1 packages into .venv."],
    )
    assert course.set_up("test", **settings) == course.set_up("up", **settings) == (0, "")


def test_a_set_up_that_was_killed_begins_anew(course, wheel):
    """Killed in the middle, it leaves no marker; the next command makes `.venv` from scratch."""
    settings = course.lock(wheel)
    with course.start("up", **settings) as first:
        assert "Making .venv" in first.stdout.readline()
        while not (course.folder / ".venv" / "pyvenv.cfg").exists():
            assert first.poll() is None
        first.kill()
    (course.folder / ".venv" / "left-over").touch()

    status, output = course.set_up(quickly=True, **settings)

    assert status == 0, output
    assert "unfinished" in output
    assert not (course.folder / ".venv" / "left-over").exists()


def test_a_wrong_hash_is_one_sentence(course, wheel):
    status, output = course.set_up(quickly=True, **course.lock(wheel, sha256="0" * 64))

    assert (status, len(output.splitlines())) == (1, 2), output
    assert "not the one that requirements.txt promises" in output
    assert not course.marker.exists()


def test_no_network_is_one_sentence(course, wheel):
    course.lock(wheel)
    unreachable = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "1",
        "PIP_CONFIG_FILE": os.devnull,
    }

    status, output = course.set_up(quickly=True, **unreachable, PIP_NO_INDEX="0", PIP_FIND_LINKS="")

    assert (status, len(output.splitlines())) == (1, 2), output
    assert "The package index cannot be reached: connect to the internet" in output


def test_ctrl_c_is_one_sentence(course, wheel):
    if sys.platform == "win32":
        pytest.skip("Windows has no SIGINT for one process alone")
    with course.start("up", **course.lock(wheel)) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        output = process.stdout.read()

    assert (process.returncode, output.strip()) == (1, "Stopped: run the same command again to go on.")


def test_a_second_command_waits_for_the_first(course, wheel, monkeypatch, capsys):
    """The lock is the system's: while somebody has it the other says so and waits."""
    monkeypatch.setattr(install, "STATE", course.folder)
    held = iter([False, False, True])
    monkeypatch.setattr(install, "_try_lock", lambda file: next(held))
    monkeypatch.setattr(install.time, "sleep", lambda seconds: None)

    with install._one_at_a_time():
        pass

    assert capsys.readouterr().out == "Another course command is setting up: waiting for it.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows makes no links to interpreters")
@pytest.mark.parametrize(
    "broken", ["the lock changed", "Python is gone", "no marker", "a torn marker", "no .venv"]
)
def test_it_is_made_anew_when(course, broken):
    """`.venv` is believed only if its marker, the lock and its Python agree."""
    course.pretend_set_up()
    assert _ready(course)

    if broken == "the lock changed":
        (course.folder / "requirements.txt").write_text("# another\n", encoding="utf-8")
    elif broken == "Python is gone":
        (course.folder / ".venv/bin/python").unlink()
        (course.folder / ".venv/bin/python").symlink_to("/nonexistent/python")
    elif broken == "no marker":
        course.marker.unlink()
    elif broken == "a torn marker":
        course.marker.write_text('{"requirements":', encoding="utf-8")
    else:
        (course.folder / ".venv").rename(course.folder / "elsewhere")

    assert not _ready(course)


def _ready(course) -> bool:
    with course.python("-c", "from course.setup.install import ready; print(ready())") as process:
        return process.communicate()[0].strip() == "True"


def test_without_a_lock_it_says_how_to_get_one(course):
    (course.folder / "requirements.txt").unlink()

    assert course.set_up() == (
        1,
        "requirements.txt is missing: restore it with git checkout requirements.txt, or clone again.\n",
    )


def test_without_ensurepip_it_names_the_package(course):
    """Debian ships Python in parts; the sentence names the part."""
    code = (
        "import importlib.util as u, sys; found = u.find_spec; "
        "u.find_spec = lambda name: None if name == 'ensurepip' else found(name); "
        "from course.main import main; sys.exit(main(['up']))"
    )
    with course.python("-c", code) as process:
        output = process.communicate()[0]

    assert process.returncode == 1
    assert f"sudo apt install python3.{sys.version_info.minor}-venv" in output
    assert len(output.splitlines()) == 1


def test_help_needs_no_set_up(course):
    """Nobody waits for an installation to read what the commands are."""
    for arguments in ([], ["--help"]):
        status, output = course.run(*arguments)
        assert status == 0
        assert [name in output for name in ("up", "run", "check", "test", "carry")] == [True] * 5
    assert not (course.folder / ".venv").exists()


def test_any_python_can_read_the_first_file():
    """An old Python must get as far as the sentence, so the file that holds it uses nothing newer."""
    for name in ("__main__.py", "__init__.py"):
        source = (ROOT / "course" / name).read_text(encoding="ascii")
        ast.parse(source, feature_version=(3, 4))
        assert "f'" not in source and 'f"' not in source


def test_an_old_python_gets_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 6, 15))
    source = (ROOT / "course" / "__main__.py").read_text(encoding="utf-8")

    with pytest.raises(SystemExit) as ended:
        exec(compile(source, "__main__.py", "exec"), {"__name__": "__main__"})  # noqa: S102 - as Python does with -m

    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith(
        "The course needs Python 3.11 or newer and this is Python 3.6: "
    )


@pytest.mark.parametrize(
    ("pip_said", "sentence"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "not the one that"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("OSError: [Errno 13] Permission denied: '/x'", "Nothing can be written"),
        ("connection broken by 'SSLError(SSLCertVerificationError(1, ...' ", "certificate is not trusted"),
        ("connection broken by 'ProxyError('Cannot connect to proxy.'", "proxy refused"),
        ("NewConnectionError: name resolution\nERROR: No matching distribution found", "cannot be reached"),
        ("ReadTimeoutError: HTTPSConnectionPool: Read timed out.", "cannot be reached"),
        ("ERROR: No matching distribution found for tiny==1.0", "has no package for this Python"),
        ("ERROR: something that nobody has seen", "pip could not install the packages"),
    ],
)  # fmt: skip
def test_what_pip_says_becomes_a_sentence(pip_said, sentence):
    said = errors.explain_pip(pip_said, Path("install.log"))

    assert sentence in said
    assert "install.log" in said and "\n" not in said


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EROFS, "Nothing can be written"),
        (errno.EACCES, "Nothing can be written"),
        (errno.EIO, "The operating system refused"),
    ],
)
def test_what_the_system_refuses_becomes_a_sentence(course, monkeypatch, capsys, number, sentence):
    def refuse(*_):
        raise OSError(number, "refused", "somewhere")

    monkeypatch.setattr(main, "ready", lambda *_: False)
    monkeypatch.setattr(main, "set_up", refuse)

    assert main.main(["up"]) == 1
    said = capsys.readouterr().err
    assert sentence in said and len(said.splitlines()) == 1
