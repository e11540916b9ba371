"""The set-up makes `.venv` once, finishes what was cut short, and says in one sentence what stops it."""

from __future__ import annotations

import ast
import errno
import os
import signal
import sys
from pathlib import Path

import pytest
from kit.wheels import make_wheel

from course import main
from course.setup import causes, environment, exclusive, locks, packages, sources
from course.setup.locks import CHAPTER_7, TESTS

ROOT = Path(__file__).resolve().parents[2]


def test_it_installs_once(course, wheel, tmp_path):
    """The first command installs the lock into `.venv`, however pip is configured; the next finds it done."""
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
        ["Installing what only the tests need, once.", "Installed 1 packages into .venv."],
    )
    assert course.set_up("test", **settings) == course.set_up("up", **settings) == (0, "")


def test_a_set_up_that_was_killed_begins_anew(course, wheel):
    """Killed in the middle, it leaves no marker; the next command makes `.venv` from scratch."""
    course.need_venv()
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
    """The lock is the system's: while another command holds it, this one says so and waits."""
    monkeypatch.setattr(exclusive, "STATE", course.folder)
    held = iter([False, False, True])
    monkeypatch.setattr(exclusive, "_try_lock", lambda file: next(held))
    monkeypatch.setattr(exclusive.time, "sleep", lambda seconds: None)

    with exclusive.one_at_a_time():
        pass

    assert capsys.readouterr().out == "Another course command is setting up: waiting for it.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows makes no links to interpreters")
@pytest.mark.parametrize(
    "broken",
    ["the lock changed", "Python is gone", "no marker", "a torn marker", "no .venv", "a package is gone"],
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
    elif broken == "a package is gone":
        _lock_and_pretend(course)
        assert _ready(course)
        next(course.folder.glob(".venv/lib/*/site-packages/tiny-1.0.dist-info")).rmdir()
    elif broken == "a torn marker":
        course.marker.write_text('{"requirements":', encoding="utf-8")
    else:
        (course.folder / ".venv").rename(course.folder / "elsewhere")

    assert not _ready(course)


def _lock_and_pretend(course) -> None:
    """Pretend that a package was locked and installed."""
    (course.folder / "requirements.txt").write_text("tiny==1.0 --hash=sha256:00\n", encoding="utf-8")
    next(course.folder.glob(".venv/lib/*/site-packages")).joinpath("tiny-1.0.dist-info").mkdir()
    with course.python("-c", "from course.setup import venv; venv.mark_finished()") as process:
        process.communicate()


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
    """Reading what the commands are needs no installation."""
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
    ("output", "sentence"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "not the one that"),
        ("error: Failed to download `a==1`\n  cause: Hash mismatch for `a==1`", "not the one that"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("  cause: failed to write to file `/x/y.py`: No space left on device (os error 28)", "disk is full"),
        ("OSError: [Errno 13] Permission denied: '/x'", "Nothing can be written"),
        ("  cause: failed to create `/x`: Permission denied (os error 13)", "Nothing can be written"),
        ("connection broken by 'SSLError(SSLCertVerificationError(1, ...' ", "certificate is not trusted"),
        ("  cause: invalid peer certificate: UnknownIssuer", "certificate is not trusted"),
        ("connection broken by 'ProxyError('Cannot connect to proxy.'", "proxy refused"),
        ("  cause: tunnel error: failed\n  cause: tcp connect error", "proxy refused"),
        ("NewConnectionError: name resolution\nERROR: No matching distribution found", "cannot be reached"),
        ("ReadTimeoutError: HTTPSConnectionPool: Read timed out.", "cannot be reached"),
        ("  cause: client error (Connect)\n  cause: dns error", "cannot be reached"),
        ("  cause: tcp connect error\n  cause: Connection refused (os error 111)", "cannot be reached"),
        ("ERROR: No matching distribution found for tiny==1.0", "has no package for this Python"),
        ("error: No solution found when resolving dependencies", "has no package for this Python"),
        ("ERROR: something that is not known", "The packages could not be installed"),
    ],
)  # fmt: skip
def test_what_an_installer_says_becomes_a_sentence(output, sentence):
    """Its own words, pip's and uv's, are recognized."""
    told = causes.explain(output, Path("install.log"))

    assert sentence in told
    assert "install.log" in told and "\n" not in told


def test_a_python_of_arm_on_windows_is_told_which_to_take(monkeypatch):
    """Some packages have no wheel for it; that of x86-64 runs there too."""
    monkeypatch.setattr("sysconfig.get_platform", lambda: "win-arm64")

    told = causes.explain("error: No solution found when resolving dependencies", Path("install.log"))

    assert "install Python for x86-64" in told


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


def uv_wheel(folder: Path, program: bytes) -> Path:
    """Make a wheel of uv whose program is this one."""
    name = "uv.exe" if os.name == "nt" else "uv"
    return make_wheel(folder, "uv", {f"uv-1.0.data/scripts/{name}": program})


def lock_with_uv(course, wheel: Path, program: bytes) -> dict[str, str]:
    """Lock a package and this uv; return the variables by which both are found without a network."""
    course.lock(uv_wheel(wheel.parent, program), file="course/setup/uv.txt")
    return course.lock(wheel)


@pytest.mark.skipif(not packages.uv_program().is_file(), reason="uv could not be had for this environment")
def test_uv_installs_where_it_can_be_had(course, wheel):
    """pip installs uv, and uv the rest: its variables and its configuration change nothing about that."""
    settings = lock_with_uv(course, wheel, packages.uv_program().read_bytes())
    (course.folder / "uv.toml").write_text('[pip]\ntarget = "elsewhere"\n', encoding="utf-8")
    elsewhere = {"UV_CONFIG_FILE": str(course.folder / "uv.toml"), "UV_PYTHON": sys.executable}

    status, output = course.set_up(quickly=True, **settings, **elsewhere)

    assert (status, output.splitlines()[-1]) == (0, "Installed 2 packages into .venv."), output
    assert "+ tiny==1.0" in (course.folder / ".course" / "install.log").read_text("utf-8")
    assert course.set_up(**settings) == (0, "")


@pytest.mark.parametrize(
    "program",
    [b"no program", b"#!/bin/sh\necho error: something that is not known\nexit 2\n"],
    ids=["does not start", "fails"],
)
def test_pip_installs_where_uv_does_not(course, wheel, program):
    """A uv that does not start here, or fails, costs time and nothing else."""
    status, output = course.set_up(quickly=True, **lock_with_uv(course, wheel, program))

    assert (status, output.splitlines()[-1]) == (0, "Installed 2 packages into .venv."), output
    assert "Successfully installed tiny-1.0" in (course.folder / ".course" / "install.log").read_text("utf-8")


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for uv is a shell script")
def test_what_stops_uv_and_would_stop_pip_is_told_at_once(course, wheel):
    settings = lock_with_uv(course, wheel, b"#!/bin/sh\necho 'cause: Hash mismatch for `tiny`'\nexit 2\n")

    status, output = course.set_up(quickly=True, **settings)

    assert status == 1 and "not the one that requirements.txt promises" in output
    assert "Successfully" not in (course.folder / ".course" / "install.log").read_text("utf-8")


#: Settings of pip that would install elsewhere, something else or nothing, end pip, or change what it writes.
MISLEADING = """
abi = cp27
constraint = /nonexistent
debug = true
dry-run = true
editable = .
force-reinstall = true
format = json
help = true
ignore-installed = true
isolated = true
log = /nonexistent/log
no-binary = :all:
only-binary = :none:
path = /nonexistent
platform = win32
pre = true
prefix = {elsewhere}
progress-bar = nonsense
python = /nonexistent/python
quiet = 3
report = -
require-hashes = false
require-virtualenv = true
requirement = /nonexistent
root = {elsewhere}
src = {elsewhere}
target = {elsewhere}
upgrade = true
use-feature = nonsense
user = true
version = true
"""


@pytest.mark.parametrize("section", ["global", "install"])
def test_a_configuration_of_pip_is_obeyed_and_leads_nowhere_else(course, wheel, tmp_path, section):
    """Where packages come from is read from pip.conf; which ones and where they go is not."""
    course.lock(wheel)
    config = tmp_path / "pip.conf"
    misleading = MISLEADING.format(elsewhere=tmp_path / "elsewhere")
    sources = f"no-index = true\nfind-links = {wheel.parent}\n"
    config.write_text(
        f"[{section}]\n{sources}{misleading}\n[config]\n{misleading}\n[list]\n{misleading}", encoding="utf-8"
    )

    status, output = course.set_up(quickly=True, PIP_CONFIG_FILE=str(config), PIP_FIND_LINKS="")

    assert (status, output.splitlines()[-1]) == (0, "Installed 1 packages into .venv."), output
    assert not (tmp_path / "elsewhere").exists()
    assert course.set_up() == (0, "")


def test_a_configuration_in_the_users_folder_is_obeyed_too(course, wheel, tmp_path):
    if sys.platform != "linux":
        pytest.skip("other systems keep it elsewhere")
    course.lock(wheel)
    (tmp_path / ".config" / "pip").mkdir(parents=True)
    (tmp_path / ".config" / "pip" / "pip.conf").write_text(
        f"[global]\nno-index = true\nfind-links = {wheel.parent}\n[install]\nuser = true\n", encoding="utf-8"
    )
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": "", "PIP_CONFIG_FILE": "", "PIP_FIND_LINKS": ""}

    status, output = course.set_up(quickly=True, **home)

    assert (status, output.splitlines()[-1]) == (0, "Installed 1 packages into .venv."), output


def test_what_is_installed_and_cannot_be_imported_is_not_ready(course, tmp_path):
    """An antivirus program has removed a module, say: the next command tries again."""
    broken = make_wheel(tmp_path / "wheels", "flask", {"flask/__init__.py": b"from nowhere import nothing\n"})

    status, output = course.set_up(quickly=True, **course.lock(broken))

    assert status == 1 and not course.marker.exists()
    assert "nowhere" in (course.folder / ".course" / "install.log").read_text("utf-8")
    assert len(output.splitlines()) == 2


def test_a_configuration_that_pip_cannot_read_is_one_sentence(course, wheel, tmp_path):
    config = tmp_path / "pip.conf"
    config.write_text("target\n", encoding="utf-8")

    status, output = course.set_up(quickly=True, **course.lock(wheel) | {"PIP_CONFIG_FILE": str(config)})

    assert (status, len(output.splitlines())) == (1, 2), output
    assert "The packages could not be installed" in output


def test_packages_that_went_elsewhere_are_missed(course, wheel):
    """An installer that succeeds and leaves nothing in `.venv` has not set anything up."""
    status, output = course.set_up(quickly=True, **lock_with_uv(course, wheel, b"#!/bin/sh\n"))

    assert status == 1 and "but not into .venv (tiny)" in output, output
    assert not course.marker.exists()


LISTED = """\
global.index-url='https://mirror.example/simple'
global.extra-index-url='\\nhttps://a.example/simple\\nhttps://b.example/simple'
global.constraint='/etc/constraints.txt'
install.index-url='https://install.example/simple'
install.target='/elsewhere'
download.index-url='https://download.example/simple'
:env:.proxy='proxy.example:3128'
:env:.no-index='0'
:env:.timeout='2.5'
:env:.trusted-host='a.example b.example'
"""


def test_pips_settings_reach_uv_under_its_names():
    """As `pip config list` shows them, merged as pip merges them."""
    read = sources.parse_sources(LISTED)
    told = sources.uv_environment(read)

    assert read.keys() == {"index-url", "extra-index-url", "proxy", "no-index", "timeout", "trusted-host"}
    assert told["UV_DEFAULT_INDEX"] == "https://install.example/simple"
    assert told["UV_INDEX"] == "https://a.example/simple https://b.example/simple"
    assert told["HTTPS_PROXY"] == told["http_proxy"] == "http://proxy.example:3128"
    assert (told["UV_HTTP_TIMEOUT"], told["UV_INSECURE_HOST"]) == ("3", "a.example b.example")
    assert "UV_NO_INDEX" not in told
    assert sources.pip_environment(read)["PIP_INDEX_URL"] == "https://install.example/simple"
    assert sources.pip_environment(read)["PIP_CONFIG_FILE"] == os.devnull


@pytest.mark.parametrize(
    ("setting", "variable"),
    [
        ({"no-index": "true"}, {"UV_NO_INDEX": "1"}),
        ({"no-cache-dir": "1"}, {"UV_NO_CACHE": "1"}),
        ({"cache-dir": "false"}, {"UV_NO_CACHE": "1"}),
        ({"keyring-provider": "subprocess"}, {"UV_KEYRING_PROVIDER": "subprocess"}),
        ({"cert": __file__}, {"SSL_CERT_FILE": __file__}),
        ({"cert": str(ROOT)}, {"SSL_CERT_DIR": str(ROOT)}),
        ({"client-cert": "/c.pem"}, {"SSL_CLIENT_CERT": "/c.pem"}),
        ({"find-links": "/no/such/folder https://a.example /"}, {"UV_FIND_LINKS": "https://a.example,/"}),
        ({"retries": "7"}, {"UV_HTTP_RETRIES": "7"}),
        ({}, {"UV_SYSTEM_CERTS": "1"}),
    ],
)  # fmt: skip
def test_a_setting_of_pip_is_one_of_uv(monkeypatch, setting, variable):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)

    assert variable.items() <= sources.uv_environment(setting).items()


def test_variables_that_lead_elsewhere_are_left_out(monkeypatch):
    for name in ("UV_PYTHON", "UV_TARGET", "UV_CONSTRAINT", "PIP_TARGET", "PIP_PREFIX", "PYTHONPATH"):
        monkeypatch.setenv(name, "elsewhere")
    for name in (
        "UV_DEFAULT_INDEX",
        "UV_INDEX_OURS_PASSWORD",
        "UV_CACHE_DIR",
        "PIP_INDEX_URL",
        "HTTPS_PROXY",
    ):
        monkeypatch.setenv(name, "kept")

    env = environment.environment()

    assert "elsewhere" not in env.values()
    assert list(env.values()).count("kept") == 5


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["check", "7"], CHAPTER_7),
        (["--lang", "ko", "check", "07", "--watch"], CHAPTER_7),
        (["begin", "07_continuous_integration"], CHAPTER_7),
        (["report", "workspace/07_continuous_integration", "--json", "r.json"], CHAPTER_7),
        (["check", "07_continuous_integration.zip"], CHAPTER_7),
        (["check", "final"], CHAPTER_7),
        (["check", "6"], None),
        (["begin", "1"], None),
        (["run", "7"], None),
        (["hint", "7"], None),
        (["up", "--port", "7"], None),
        (["test", "-k", "7"], TESTS),
        (["score", "7"], TESTS),
        ([], None),
    ],
)
def test_what_a_command_needs(arguments, wanted):
    assert main.needed(arguments) == ((wanted,) if wanted else ())


def test_chapter_7_adds_its_tools_once(course, wheel):
    """The command says so; later commands use `.venv` as it is."""
    assert course.set_up(quickly=True)[0] == 0
    settings = course.lock(wheel, file="requirements-07.txt")

    status, output = course.set_up("check 7", **settings)

    tools = "Installing the tools of chapter 7, once: nox, coverage, ruff and mypy."
    assert (status, output.splitlines()) == (0, [tools, "Installed 1 packages into .venv."]), output
    assert course.set_up("check 7") == course.set_up("check 6") == (0, "")


def test_tools_that_cannot_be_had_stop_only_what_needs_them(course, wheel):
    """An addition that fails leaves the `.venv` as it was."""
    assert course.set_up(quickly=True)[0] == 0
    settings = course.lock(wheel, file="requirements-07.txt", sha256="0" * 64)

    assert course.set_up("check 7", **settings)[0] == 1
    assert course.set_up("check 6", **settings) == (0, "")


def test_an_addition_that_is_killed_leaves_the_venv_unfinished(course, wheel):
    """Half a package may be in it, so the next command makes it again."""
    assert course.set_up(quickly=True)[0] == 0
    course.lock(wheel, file="requirements-07.txt")
    killed = (
        "import os; from course.setup import install, locks; "
        "install.install = lambda *_: os._exit(9); install.set_up(locks.CHAPTER_7)"
    )

    with course.python("-c", killed) as process:
        process.communicate(timeout=60)

    assert process.returncode == 9
    assert not _ready(course)


def test_the_tests_have_all_that_chapter_7_needs():
    """`test` installs no third lock."""
    assert locks.pins(CHAPTER_7).items() <= (locks.pins(locks.LEARNER) | locks.pins(TESTS)).items()
