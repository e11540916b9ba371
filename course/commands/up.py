"""`up`: the site and the final service on this machine, until Ctrl-C."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape

from course.commands.site import BUILT, Build, digests, is_built, remarks, serve_site, start_build
from course.errors import Failure
from course.messages import say
from course.paths import ROOT, STATE
from course.setup import ports
from course.setup.programs import PYTHON, decode, end, last_lines, output_of, start
from course.setup.running import noted

FINAL = ROOT / "final"
DEMO = STATE / "demo.json"  # e-mail and password of the demo account
POLL = 0.3  # seconds between two looks at the files of the site
START_LIMIT = 30  # seconds that the service may take to start


def up(site_port: int | None, port: int | None) -> int:
    """Serve both until interrupted; return the exit status.

    Args:
        site_port, port: where the site and the service listen; None takes 8000 and 8001, or the next free.

    Raises:
        Failure: something cannot be prepared, does not start, or the service ends by itself.
    """
    console = Console(soft_wrap=True, highlight=False)
    try:
        chosen_site = ports.choose(site_port, 8000, "--site-port")
        chosen = ports.choose(port, 8001, "--port", taken={chosen_site})
        if (site_port or 8000, port or 8001) != (chosen_site, chosen):
            console.print(say("up.ports", site=chosen_site, service=chosen))
        with (
            _Site(console) as site,
            serve_site(BUILT, chosen_site),
            noted(chosen_site),
            _service(chosen) as (service, log),
        ):
            with console.status(say("up.starting")):
                demo = _demo_account(f"http://127.0.0.1:{chosen}/health/live", service, log)
            site.update()  # if a build has already failed, the command ends here
            site.reason = site.reason or say("up.built")
            _show(console, chosen_site, chosen, demo)
            while service.poll() is None:
                time.sleep(POLL)
                site.update()
            raise _ended(service, log)
    except KeyboardInterrupt:
        # Not by rich: interrupted while it prints, it would print the same again.
        print("\n" + say("up.stopped"))
    return 0


class _Site:
    """Builds the site at the start and after each save, and the lab's bundle beside it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.lab = "later"
        self.bundling: subprocess.Popen[bytes] | None = None
        self.seen = digests()  # before the build starts: a later save is another build
        self.build: Build | None = start_build(self.lab)
        self.reason = ""  # for this build, printed when it is finished

    def __enter__(self) -> _Site:
        return self

    def __exit__(self, *_: object) -> None:
        if self.build is not None:
            end(self.build.process)
        if self.bundling is not None:
            end(self.bundling)

    def update(self) -> None:
        """Start, or finish, what is due now.

        Raises:
            Failure: the first build failed, so there is no site.
        """
        if self.build is not None:
            if self.build.process.poll() is not None:
                self._finish(self.build)
        elif self.bundling is not None and self.bundling.poll() is not None:
            self._finish_bundle(self.bundling)
        elif (now := digests()) != self.seen:
            while (later := digests()) != now:  # an editor, or git, is still writing
                now = later
                time.sleep(POLL)
            self.seen, self.reason = now, say("up.built_again")
            self._start()

    def _start(self, *, force: bool = False) -> None:
        try:
            self.build = start_build(self.lab, force=force)
        except Failure as failure:
            self.console.print(f"[red]{escape(str(failure))}[/]")

    def _finish(self, build: Build) -> None:
        self.build = None
        try:
            build.finish()
        except Failure as failure:
            if not is_built():
                raise
            self.console.print(f"[red]{escape(str(failure))}[/]")  # the last pages are still served
            return
        if self.reason:
            seconds = f"{time.monotonic() - build.began:.1f}"
            self.console.print(f"[dim]{say('up.took', what=self.reason, seconds=seconds)}[/]")
        for sentence in remarks():
            self.console.print(f"[dim]{escape(sentence)}[/]")
        if build.lab_is_missing and self.lab == "later" and self.bundling is None:
            self.bundling = start([PYTHON, "-m", "course.site", "lab"], ROOT, "lab.log")

    def _finish_bundle(self, process: subprocess.Popen[bytes]) -> None:
        self.bundling = None
        if process.returncode:
            self.lab = "none"
            output = decode((STATE / "lab.log").read_bytes())
            self.console.print(f"[dim]{escape(last_lines(output, 1))}[/]")
        self.reason = say("up.built_with_lab" if self.lab == "later" else "up.built")
        self._start(force=True)


def _demo_account(url: str, service: subprocess.Popen[bytes], log: Path) -> dict[str, str]:
    """Wait until ``url`` answers, and return e-mail and password of the demo account."""
    with ThreadPoolExecutor(1) as pool:
        # From the second start on the database has its tables, so the two need not wait for each other.
        early = pool.submit(_make_demo_account) if DEMO.is_file() else None
        _wait_for(url, service, log)
    try:
        return early.result() if early else _make_demo_account()
    except Failure:
        return _make_demo_account()


def _make_demo_account() -> dict[str, str]:
    command = [PYTHON, "-m", "flask", "--app", "run", "demo"]
    output = output_of(command, FINAL, purpose=say("up.no_demo"), log="demo.log")
    demo: dict[str, str] = json.loads(last_lines(output, 1))
    DEMO.write_text(json.dumps(demo), encoding="utf-8")
    return demo


def curl(port: int, *, windows: bool = os.name == "nt") -> str:
    """Return a command that logs the demo account in, to be pasted into a terminal of this system.

    cmd and PowerShell agree on no way to quote JSON, so on Windows the body comes from a file, and `curl.exe`
    is said in full because PowerShell's `curl` is another program.
    """
    url = f"http://127.0.0.1:{port}/v2/auth/login"
    body = STATE / DEMO.name
    proxied = any(name.lower() in ("http_proxy", "all_proxy") for name in os.environ)
    options = ["-s", "--noproxy", "*"] if proxied else ["-s"]
    if windows:
        return f'curl.exe {" ".join(options)} -H "Content-Type: application/json" -d "@{body}" {url}'
    return shlex.join(
        [
            "curl",
            *options,
            "-H",
            "Content-Type: application/json",
            "-d",
            body.read_text(encoding="utf-8"),
            url,
        ]
    )


@contextmanager
def _service(port: int) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run the final service, with its log, while the block runs."""
    log = STATE / f"service-{port}.log"
    variables = {"HOST": "127.0.0.1", "PORT": str(port), "FLASK_DEBUG": "0", "PYTHONUNBUFFERED": "1"}
    public = os.environ.get("FLASK_PUBLIC_URL", f"http://127.0.0.1:{port}")  # for the links in its mail
    variables["FLASK_PUBLIC_URL"] = public
    service = start([PYTHON, "run.py"], FINAL, log.name, **variables)
    try:
        yield service, log
    finally:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # a second Ctrl-C must not leave the service behind
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
        end(service)


def _wait_for(url: str, service: subprocess.Popen[bytes], log: Path) -> None:
    """Return when ``url`` answers 200.

    Raises:
        Failure: the service ended, or does not answer in time.
    """
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy has its own 127.0.0.1
    until = time.monotonic() + START_LIMIT
    while time.monotonic() < until:
        if service.poll() is not None:
            raise Failure(say("up.no_start", why=_tail(log, 1), log=log))
        try:
            with direct.open(url, timeout=5):
                return
        except (OSError, urllib.error.HTTPError):
            time.sleep(0.05)
    raise Failure(say("up.no_answer", url=url, log=log))


def _ended(service: subprocess.Popen[bytes], log: Path) -> Failure:
    told = say("up.ended", status=service.returncode, log=log)
    return Failure(f"{_tail(log, 5)}\n{told}")


def _tail(log: Path, lines: int) -> str:
    return last_lines(decode(log.read_bytes()), lines)


def _show(console: Console, site_port: int, port: int, demo: dict[str, str]) -> None:
    coming = "" if is_built() else f"   {say('up.coming')}"
    site, service = f"http://127.0.0.1:{site_port}", f"http://127.0.0.1:{port}"
    rows = {
        say("up.site"): f"{site}/   {site}/ko/ (한국어){coming}",
        say("up.account"): f"{service}/",
        say("up.service"): f"{service}/v2/docs",
        say("up.login"): say("up.credentials", **demo),
        say("up.try"): curl(port),
    }
    console.print()
    for label, value in rows.items():
        console.print(f"[bold]{label}[/]{' ' * (9 - cell_len(label))}{escape(value)}")
    console.print("\n" + say("up.how"))
