"""`doctor` names what is wrong with a machine, each thing in one sentence, and what to do about it."""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
import sys
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from course import messages
from course.setup import doctor, install, locks, packages, trial, venv

ROOT = Path(__file__).resolve().parents[2]
ask_pip = trial.ask_pip
ONE_PACKAGE = "click==8.1.8 \\\n    --hash=sha256:" + "0" * 64 + "\n"


@pytest.fixture
def machine(course, monkeypatch):
    """A machine with nothing wrong with it, on which a test breaks one thing."""
    for name in ("docs", "final"):
        (course.folder / name).mkdir()
    monkeypatch.setattr(doctor, "ROOT", course.folder)
    monkeypatch.setattr(doctor, "VENV", course.folder / ".venv")
    monkeypatch.setattr(venv, "MARKER", course.marker)
    monkeypatch.setattr(venv, "missing_modules", list)
    monkeypatch.setattr(locks, "WHEELS", course.folder / "wheels")
    monkeypatch.setattr(trial, "LOCK", course.folder / "requirements.txt")
    monkeypatch.setattr(trial, "ask_pip", lambda *_: "")
    monkeypatch.setattr(doctor, "_answers", lambda *_: True)
    monkeypatch.setattr(doctor.ports, "free", lambda port: True)
    monkeypatch.setattr(doctor, "find_chromium", lambda: "/usr/bin/chromium")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**10))
    monkeypatch.setattr(sys, "version_info", SimpleVersion((3, 12, 1, "final", 0)))
    monkeypatch.setattr(messages, "_chosen", [])
    for name in [name for name in os.environ if name.startswith("FLASK_")]:
        monkeypatch.delenv(name)
    return course


class SimpleVersion(tuple):
    """`sys.version_info`, as far as doctor reads it."""

    major = property(lambda self: self[0])
    minor = property(lambda self: self[1])


def found() -> dict[str, str]:
    """Return the level of each diagnosis by its key."""
    return {said.key.removeprefix("doctor."): said.level for check in doctor.CHECKS for said in check()}


def read_only(machine, monkeypatch):
    def refuse(**_):
        raise PermissionError("read-only")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)


def long_path(machine, monkeypatch):
    monkeypatch.setattr(doctor, "WINDOWS_LIMIT", 100)
    monkeypatch.setattr(doctor, "_long_paths", lambda: False)
    monkeypatch.setattr(doctor, "sys", SimpleNamespace(**vars(sys) | {"platform": "win32"}))


def airplay(machine, monkeypatch):
    monkeypatch.setattr(doctor.ports, "free", lambda port: port != 5000)
    monkeypatch.setattr(doctor, "sys", SimpleNamespace(**vars(sys) | {"platform": "darwin"}))


def poor_console(machine, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))


def slow_clock(machine, monkeypatch):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3 * 24 * 60 * 60)


def unfinished(machine, monkeypatch):
    machine.folder.joinpath(".venv").mkdir()


def foreign(machine, monkeypatch):
    unfinished(machine, monkeypatch)
    machine.marker.write_text('{"python": "(3, 12, 1)"}', encoding="utf-8")
    monkeypatch.setattr(venv, "version_of", lambda python: None)


def old(machine, monkeypatch):
    foreign(machine, monkeypatch)
    monkeypatch.setattr(venv, "version_of", lambda python: "(3, 12, 1)")


def incomplete(machine, monkeypatch):
    foreign(machine, monkeypatch)
    monkeypatch.setattr(venv, "version_of", lambda python: "(3, 12, 1)")
    monkeypatch.setattr(venv, "is_current", lambda: True)


def ready(machine, monkeypatch):
    monkeypatch.setattr(install, "ready", lambda: True)


def packed(machine, monkeypatch):
    machine.folder.joinpath("wheels").mkdir()


def says(output):
    def fetch(machine, monkeypatch):
        lock = "click==8 \\\n    --hash=sha256:00\n"
        machine.folder.joinpath("requirements.txt").write_text(lock, encoding="utf-8")
        monkeypatch.setattr(trial, "ask_pip", lambda *_: output)

    return fetch


def packed_for_others(machine, monkeypatch):
    packed(machine, monkeypatch)
    monkeypatch.setattr(trial, "ask_pip", lambda *_: "ERROR: No matching distribution found for click==8")


def attribute(target, name, value):
    return lambda machine, monkeypatch: monkeypatch.setattr(target, name, value)


DIAGNOSES = [
    ("python_new", "note", attribute(sys, "version_info", SimpleVersion((3, 14, 0, "final", 0)))),
    ("python_narrow", "wrong", attribute(sys, "maxsize", 2**31 - 1)),
    ("venv_missing", "wrong", attribute(venv, "missing_modules", lambda: ["ensurepip"])),
    ("folder_read_only", "wrong", read_only),
    ("folder_long", "wrong", long_path),
    ("folder_incomplete", "wrong", lambda machine, _: (machine.folder / "docs").rmdir()),
    ("disk_full", "wrong", attribute(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**8))),
    ("console_poor", "note", poor_console),
    ("ports_used", "note", attribute(doctor.ports, "free", lambda port: port != 8000)),
    ("ports_airplay", "note", airplay),
    ("environment_absent", "ok", lambda *_: None),
    ("environment_unfinished", "note", unfinished),
    ("environment_foreign", "note", foreign),
    ("environment_old", "note", old),
    ("environment_incomplete", "note", incomplete),
    ("environment_ready", "ok", ready),
    ("packages_ready", "ok", ready),
    ("packages_wheels", "ok", packed),
    ("packages_no_wheel", "wrong", packed_for_others),
    ("packages_reached", "ok", says("")),
    ("packages_unreachable", "wrong", says("NewConnectionError\nERROR: No matching distribution found")),
    ("packages_proxy", "wrong", says("connection broken by 'ProxyError('Cannot connect to proxy.'")),
    ("packages_certificate", "wrong", says("connection broken by 'SSLError(CertVerificationError(1, '")),
    ("packages_no_package", "wrong", says("ERROR: No matching distribution found for click==8")),
    ("packages_other", "wrong", says("ERROR: something that is not known")),
    ("clock_behind", "wrong", slow_clock),
    ("variables_set", "note", lambda _, monkeypatch: monkeypatch.setenv("FLASK_PAGE_SIZE", "50")),
    ("git_missing", "note", attribute(shutil, "which", lambda name: None)),
    ("chromium_missing", "note", attribute(doctor, "find_chromium", lambda: None)),
    ("services_missing", "note", attribute(doctor, "_answers", lambda *_: False)),
]


@pytest.mark.parametrize(("key", "level", "force"), DIAGNOSES, ids=[key for key, *_ in DIAGNOSES])
def test_a_diagnosis(machine, monkeypatch, capsys, key, level, force):
    """A problem that is forced is found, with its level, and described in both languages."""
    force(machine, monkeypatch)

    assert found().get(key) == level
    for diagnosis in (diagnosis for check in doctor.CHECKS for diagnosis in check()):
        for lang in ("en", "ko"):
            messages.choose(lang)
            sentence = str(diagnosis)
            assert sentence and not re.search(r"[{}]|None", sentence), sentence


def test_a_good_machine_has_nothing_to_fix(machine, capsys):
    assert set(found().values()) == {"ok"}
    assert doctor.doctor(["--lang", "en"]) == 0
    assert capsys.readouterr().out.endswith("\nThis machine is ready for the course.\n")


def test_what_is_wrong_counts(machine, monkeypatch, capsys):
    """A note does not stop the course; what is wrong gives status 1 and is counted."""
    monkeypatch.setattr(doctor, "_answers", lambda *_: False)
    assert doctor.doctor(["--lang", "en"]) == 0

    (machine.folder / "docs").rmdir()
    assert doctor.doctor(["--lang", "ko"]) == 1
    assert "문제  강의 폴더에 docs 항목이 없습니다." in capsys.readouterr().out


def test_every_sentence_is_found_somewhere():
    """Every sentence has a situation that produces it."""
    forced = {key for key, *_ in DIAGNOSES} | {"note", "wrong", "all_wrong"}
    assert [
        key for key in messages.catalogue("en")["doctor"] if key not in forced and not key.endswith("ok")
    ] == []


def test_it_needs_no_set_up(course):
    """It runs before `.venv` exists, and makes none; it says that this course is incomplete."""
    status, output = course.run(
        "doctor", "--lang", "en", PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_CONFIG_FILE=os.devnull
    )

    assert status == 1
    assert "wrong  docs is missing" in output and "There is no .venv yet" in output
    assert not (course.folder / ".venv").exists()


def test_a_python_without_ensurepip_is_examined_to_the_end(course):
    """Debian ships Python in parts, and pip is in the one that is missing: it cannot be asked."""
    (course.folder / "requirements.txt").write_text(ONE_PACKAGE, encoding="utf-8")
    code = (
        "import sys; sys.modules['ensurepip'] = None; "
        "from course.main import main; sys.exit(main(['doctor', '--lang', 'en']))"
    )
    with course.python("-c", code) as process:
        output = process.communicate()[0]

    assert process.returncode == 1
    assert "ensurepip: on Debian or Ubuntu run sudo apt install" in output
    assert output.endswith("Then run doctor again.\n") and "package index" not in output, output


@pytest.fixture
def with_pip(machine, monkeypatch):
    """A machine that asks pip: that of these tests, which starts sooner than the one that Python carries."""
    monkeypatch.setattr(trial, "ask_pip", ask_pip)
    monkeypatch.setattr(trial, "bundled_pip", lambda: None)
    return machine


def test_an_index_out_of_reach_is_pips_own_word(with_pip, monkeypatch):
    """pip itself is asked, as it is configured: here with an address where nothing listens."""
    (with_pip.folder / "requirements.txt").write_text(ONE_PACKAGE, encoding="utf-8")
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull}
    for name, value in (nowhere | {"PIP_FIND_LINKS": "", "PIP_NO_INDEX": "0", "NO_PROXY": "*"}).items():
        monkeypatch.setenv(name, value)

    assert found()["packages_unreachable"] == "wrong"


def test_a_pack_without_the_packages_is_found(with_pip, wheel, monkeypatch):
    with_pip.lock(wheel)
    packed(with_pip, monkeypatch)
    monkeypatch.setattr(packages, "WHEELS", with_pip.folder / "wheels")
    monkeypatch.setattr(packages, "PACKED", (trial.LOCK,))
    assert packages.from_wheels(trial.LOCK)[-1] == "--no-index"

    assert found()["packages_no_wheel"] == "wrong"


def test_a_pack_is_asked_too(course, wheel):
    """With a folder `wheels`, the pip that Python carries says whether it has what this Python needs."""
    course.need_venv()
    course.lock(wheel)
    (course.folder / "wheels").mkdir()
    shutil.copy(wheel, course.folder / "wheels")

    assert "ok     The packages come from the folder wheels" in course.run("doctor", "--lang", "en")[1]


def test_a_port_in_use_is_seen(monkeypatch):
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        assert not doctor.ports.free(server.getsockname()[1])


def test_the_longest_path_is_known():
    """The length that doctor warns about covers what the set-up makes: `.venv` has the longest paths."""
    packages = Path(sys.prefix)
    longest = max(len(str(file.relative_to(packages))) for file in packages.rglob("*"))

    assert longest + len(".venv/") <= doctor.LONGEST
