"""`up` serves the site and the service until it is told to end, and leaves nothing running."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest
from kit.ports import free_port

from course.commands import site
from course.commands.up import curl
from course.errors import Failure
from course.setup import ports

needs_signals = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no SIGINT for one process alone"
)


def shown(process) -> dict[str, str]:
    """Read what `up` prints until it is ready; return its rows by their names."""
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if line.startswith("Ctrl-C"):
            names = ("Site", "Account", "Service", "Log-in", "Try it")
            return {name: line[9:].strip() for line in lines for name in names if line.startswith(name)}
    raise AssertionError("\n".join(lines))


def wait_until_built(process, rows: dict[str, str]) -> None:
    """Wait for the first build of the site, which may be over before the service answers."""
    if rows["Site"].endswith("(being built)"):
        assert process.stdout.readline().startswith("The site is built in ")


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@needs_signals
def test_it_serves_both_and_ends_both(ready_course):
    """The addresses answer, the printed line logs in, and one signal ends everything with status 0."""
    made = ready_course.marker.stat().st_mtime_ns
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        site, service = free_port(), free_port()
        with ready_course.start("up", "--site-port", str(site), "--port", str(service)) as process:
            rows = shown(process)
            until(lambda site=site: b"A course" in get(f"http://127.0.0.1:{site}/"))
            assert rows["Account"] == f"http://127.0.0.1:{service}/"
            assert rows["Service"].startswith(rows["Account"])
            if shutil.which("curl"):
                pasted = subprocess.run(rows["Try it"], shell=True, capture_output=True, check=True)  # noqa: S602
                assert json.loads(pasted.stdout) == {"access_token": 'it\'s a "demo" pass'}

            process.send_signal(getattr(signal, name))
            rest = re.sub(r"The site is built in .* s\.", "", process.stdout.read())

        assert (process.returncode, rest.strip()) == (0, "stopped")
        assert not answers(site) and not answers(service)
    assert ready_course.marker.stat().st_mtime_ns == made


@needs_signals
def test_a_save_reaches_the_open_page(ready_course):
    """The pages that are served can notice it; after a failed build the last page stays."""
    index, mkdocs = ready_course.folder / "docs" / "index.md", ready_course.folder / "mkdocs.yml"
    address = free_port()
    with ready_course.start("up", "--site-port", str(address), "--port", str(free_port())) as process:
        wait_until_built(process, shown(process))
        first, mark = page_at(address)
        assert "location.reload" in first and mark in first
        assert "location.reload" not in (ready_course.folder / ".course/site/index.html").read_text("utf-8")
        assert page_at(address) == (first, mark)

        index.write_text("# Saved\n", encoding="utf-8")
        assert process.stdout.readline().startswith("Saved, and built again in ")
        second, other_mark = page_at(address)
        assert "Saved</h1>" in second and other_mark != mark

        mkdocs.write_text("site_name: A course\ntheme: nosuch\n", encoding="utf-8")
        assert process.stdout.readline().startswith("The site could not be built (Unrecognised theme")
        assert page_at(address) == (second, other_mark)

        process.send_signal(signal.SIGINT)
        assert process.stdout.read().strip() == "stopped"


#: A site whose text is saved while it is built for the first time.
SAVES_ONCE = """
from pathlib import Path

def on_post_build(config):
    page = Path(config.docs_dir, "index.md")
    if "Saved" not in page.read_text("utf-8"):
        page.write_text("# Saved meanwhile\\n", "utf-8")
"""


@needs_signals
def test_a_save_while_the_site_is_built_is_not_lost(ready_course):
    (ready_course.folder / "save.py").write_text(SAVES_ONCE, encoding="utf-8")
    (ready_course.folder / "mkdocs.yml").write_text("site_name: A course\nhooks: [save.py]\n", "utf-8")
    address = free_port()
    with ready_course.start("up", "--site-port", str(address), "--port", str(free_port())) as process:
        wait_until_built(process, shown(process))
        assert process.stdout.readline().startswith("Saved, and built again in ")
        assert "Saved meanwhile</h1>" in page_at(address)[0]
        process.send_signal(signal.SIGINT)
        assert process.stdout.read().strip() == "stopped"


def page_at(port: int) -> tuple[str, str]:
    """Return the first page of the site and the tag of its state, which HEAD sends too."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    url = f"http://127.0.0.1:{port}/"
    with direct.open(url) as page, direct.open(urllib.request.Request(url, method="HEAD")) as head:
        assert page.headers["ETag"] == head.headers["ETag"]
        return page.read().decode(), page.headers["ETag"]


#: A site that builds slowly, and has no lab before `python -m course.site lab` has made one.
COMES_LATER = """
import os, time
from pathlib import Path

def on_files(files, **_):
    for file in files:
        file.is_modified = lambda: True

def on_page_content(html, **_):
    if Path("lab.made").exists():
        return html + "the lab"
    assert os.environ["COURSE_LAB"] == "later"
    while not Path("go").exists():
        time.sleep(0.05)
    print("INFO    -  The lab is still to come.")
    return html + "soon"
"""


@needs_signals
def test_the_addresses_come_first_then_the_site_then_the_lab(ready_course):
    """A page that is opened too early says so, and reloads by itself when it is built."""
    folder, address = ready_course.folder, free_port()
    (folder / "later.py").write_text(COMES_LATER, encoding="utf-8")
    (folder / "mkdocs.yml").write_text("site_name: A course\nhooks: [later.py]\n", "utf-8")
    (folder / "course/site/__main__.py").write_text("open('lab.made', 'w').close()", encoding="utf-8")
    with ready_course.start("up", "--site-port", str(address), "--port", str(free_port())) as process:
        assert shown(process)["Site"].endswith("(being built)")
        early = get_any(f"http://127.0.0.1:{address}/")
        assert "사이트를 만들고 있습니다" in early and "location.reload" in early
        (folder / "go").touch()
        assert process.stdout.readline().startswith("The site is built in ")
        assert "soon" in page_at(address)[0]
        assert process.stdout.readline().startswith("The pages have the lab, and are built in ")
        assert "the lab" in page_at(address)[0]
        process.send_signal(signal.SIGINT)
        assert process.stdout.read().strip() == "stopped"


SLOW = """
import os, time

def on_pre_build(**_):
    with open("pid", "w") as file:
        file.write(str(os.getpid()))
    time.sleep(60)
"""


@needs_signals
def test_what_builds_is_ended_too(ready_course):
    """A signal in the middle of a build leaves no process behind."""
    (ready_course.folder / "slow.py").write_text(SLOW, encoding="utf-8")
    (ready_course.folder / "mkdocs.yml").write_text("site_name: A course\nhooks: [slow.py]\n", "utf-8")
    pid = ready_course.folder / "pid"
    with ready_course.start("up", "--site-port", str(free_port()), "--port", str(free_port())) as process:
        shown(process)
        until(lambda: pid.exists() and pid.read_text())
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read().strip() == "stopped"
    until(lambda: not is_alive(int(pid.read_text())))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_site_is_built_when_something_changed(course, monkeypatch):
    """Only then: if a file that it is made from changed, or the site itself."""
    built = []

    def mkdocs(command, _cwd, log, **variables):
        built.append(command[4])
        Path(command[-1]).mkdir(exist_ok=True)
        Path(command[-1], "index.html").touch()
        text = site.COMING if variables["COURSE_LAB"] == "later" else ""
        (state / log).write_text(text, encoding="utf-8")
        return subprocess.Popen([sys.executable, "-c", ""])

    state = course.folder / ".course"
    state.mkdir()
    for name, value in {
        "ROOT": course.folder,
        "STATE": state,
        "BUILT": state / "site",
        "start": mkdocs,
    }.items():
        monkeypatch.setattr(site, name, value)
    (course.folder / "mkdocs.yml").touch()

    assert [site.build_site(), site.build_site()] == [True, False]
    (course.folder / "chapters" / "start" / "app.py").write_text("# another", encoding="utf-8")
    assert [site.build_site(), site.build_site()] == [True, False]
    (course.folder / "chapters" / "start" / "instance").mkdir()
    (course.folder / "chapters" / "start" / "instance" / "app.sqlite").touch()
    assert not site.build_site(), "running a stage is no change"
    (state / "site.stamp").unlink()
    assert site.build_site()
    (course.folder / "mkdocs.yml").write_text("# another", encoding="utf-8")
    assert site.build_site()
    assert built == ["--clean", "--dirty", "--clean", "--clean"], "a page alone, if no other can have changed"

    site.start_build("later", force=True).finish()
    assert [site.build_site(), site.build_site()] == [True, False], "what the lab was missing in"


def test_a_service_that_dies_is_quoted(ready_course):
    """Its last lines, and where the rest is, but no traceback of ours."""
    run = ready_course.folder / "final" / "run.py"
    run.write_text(run.read_text(encoding="utf-8") + "    raise SystemExit('no key')\n", encoding="utf-8")
    run.write_text(run.read_text(encoding="utf-8").replace("    app.run(", "    dict("), encoding="utf-8")

    status, output = ready_course.run("up", "--site-port", str(free_port()), "--port", str(free_port()))

    assert status == 1
    assert "The service does not start (no key): see " in output


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("mkdocs.yml", "site_name: x\ntheme: nosuch\n", "The site could not be built ("),
        ("final/run.py", "raise RuntimeError('broken')\n", "The service does not start ("),
    ],
)
def test_what_cannot_be_prepared_is_one_sentence(ready_course, file, content, sentence):
    (ready_course.folder / file).write_text(content, encoding="utf-8")

    status, output = ready_course.run("up", "--site-port", str(free_port()), "--port", str(free_port()))

    *addresses, last = output.splitlines()
    assert status == 1 and last.startswith(sentence) and ".log" in last, output
    assert addresses == [] or "(being built)" in addresses[1]  # the service may answer before a build fails


def test_ports():
    """By default the next free one; with an option that one, or a sentence."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        used = server.getsockname()[1]

        assert ports.choose(None, used, "--port") > used
        assert ports.choose(None, used, "--port", taken={used + 1}) > used + 1
        with pytest.raises(Failure, match=f"Port {used} is in use: .* --port"):
            ports.choose(used, 8000, "--port")
    assert ports.choose(used, 8000, "--port") == used


def test_the_line_to_paste_on_windows(monkeypatch, tmp_path):
    """cmd and PowerShell both take it: no JSON in it, the program named in full."""
    monkeypatch.setattr("course.commands.up.STATE", tmp_path)

    line = curl(8001, windows=True)

    assert line.startswith("curl.exe -s ") and "'" not in line and "{" not in line
    assert f'"@{tmp_path / "demo.json"}"' in line


def test_the_line_to_paste_goes_past_a_proxy(monkeypatch, tmp_path):
    (tmp_path / "demo.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr("course.commands.up.STATE", tmp_path)
    monkeypatch.setenv("http_proxy", "http://proxy.example")

    assert shlex.split(curl(8001))[2:4] == ["--noproxy", "*"]


@needs_signals
def test_run_reloads_an_edit(ready_course):
    """`run` serves a stage and serves the edit a moment after it is saved."""
    port = free_port()
    stage = ready_course.folder / "chapters" / "start" / "app.py"
    with ready_course.start("run", "start", "--port", str(port)) as process:
        until(lambda: answers(port))
        stage.write_text(
            "from flask import Flask\napp = Flask(__name__)\napp.get('/new')(lambda: 'new')\n", "utf-8"
        )
        until(lambda: get(f"http://127.0.0.1:{port}/new") == b"new")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    until(lambda: not answers(port))


def test_run_says_what_there_is(ready_course):
    """An unknown stage and a used port are one sentence each."""
    status, output = ready_course.run("run", "9")
    assert (status, output.count("\n")) == (1, 1)
    assert output.startswith("There is no stage '9': choose a chapter, 1 to 7, or start or final")

    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        status, output = ready_course.run("run", "start", "--port", str(server.getsockname()[1]))
    assert status == 1 and "--port" in output


def test_a_wrong_use_is_one_sentence(ready_course):
    for arguments in (["nosuch"], ["run"], ["up", "--port", "abc"], ["up", "--nosuch"]):
        status, output = ready_course.run(*arguments, PYTHONIOENCODING="cp949")
        assert (status, output.count("\n")) == (2, 1), output


def get_any(url: str) -> str:
    """Return the body, whatever the status."""
    try:
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return str(error.read().decode())


def get(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own
            return answer.read()
    except OSError as error:
        if hasattr(error, "close"):
            error.close()
        return b""


def until(condition) -> None:
    for _ in range(150):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come about within 15 seconds")
