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
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from course.commands.site_build import BUILT, build_site, digests, remarks
from course.commands.site_server import serve_site
from course.errors import Failure
from course.paths import ROOT, STATE
from course.setup import ports
from course.setup.environment import environment
from course.setup.programs import PYTHON, decode, last_lines, output_of

FINAL = ROOT / "final"
LOOK = 0.3  # seconds between two looks at what the site is made from
PATIENCE = 30  # seconds until a server that does not answer is given up


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
            console.print(f"A port is in use: the site takes {chosen_site} and the service {chosen}.")
        with console.status("Migrating the database, making the demo account ..."):
            demo = prepare_final()
        seen = digests()  # before it is built: whatever is saved from now on is another site
        with console.status("Building the site ..."):
            build_site()
        _remark(console)
        with _service(chosen) as (service, log), serve_site(BUILT, chosen_site):
            _wait_for(f"http://127.0.0.1:{chosen_site}/", service, log)
            _wait_for(f"http://127.0.0.1:{chosen}/health/live", service, log)
            _show(console, chosen_site, chosen, demo)
            _build_on_save(console, service, seen)
            raise _ended(service, log)
    except KeyboardInterrupt:
        console.print("\nstopped")
    return 0


def _build_on_save(console: Console, service: subprocess.Popen[bytes], seen: list[str]) -> None:
    """Build the site again after every save, until the service ends; the open page then reloads itself.

    Args:
        seen: the digests of what the site was built from.
    """
    while service.poll() is None:
        time.sleep(LOOK)
        if (now := digests()) == seen:
            continue
        while (later := digests()) != now:  # an editor, or git, is still writing
            now = later
            time.sleep(LOOK)
        seen, began = now, time.monotonic()
        try:
            build_site()
        except Failure as failure:  # what was there is there still
            console.print(f"[red]{escape(str(failure))}[/]")
        else:
            console.print(f"[dim]Saved, and built again in {time.monotonic() - began:.1f} s.[/]")
            _remark(console)


def _remark(console: Console) -> None:
    for sentence in remarks():
        console.print(f"[dim]{escape(sentence)}[/]")


def prepare_final() -> dict[str, str]:
    """Migrate the final service's database, make the demo account, and return its e-mail and password."""
    flask = [PYTHON, "-m", "flask", "--app", "run"]
    output_of(
        [*flask, "db", "upgrade"], FINAL, purpose="The database could not be migrated", log="migrate.log"
    )
    output = output_of([*flask, "demo"], FINAL, purpose="The demo account could not be made", log="demo.log")
    demo: dict[str, str] = json.loads(last_lines(output, 1))
    (STATE / "demo.json").write_text(json.dumps(demo), encoding="utf-8")
    return demo


def curl(port: int, *, windows: bool = os.name == "nt") -> str:
    """Return a command that logs the demo account in, to be pasted into a terminal of this system.

    cmd and PowerShell agree on no way to quote JSON, so on Windows the body comes from a file, and `curl.exe`
    is said in full because PowerShell's `curl` is another program.
    """
    url = f"http://127.0.0.1:{port}/v2/auth/login"
    body = STATE / "demo.json"
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
    """Run the final service in a session of its own: Ctrl-C reaches us alone, and we end it in order."""
    log = STATE / f"service-{port}.log"
    env = environment(HOST="127.0.0.1", PORT=str(port), FLASK_DEBUG="0", PYTHONUNBUFFERED="1")
    env.setdefault("FLASK_PUBLIC_URL", f"http://127.0.0.1:{port}")  # where the links in its mail lead
    with log.open("wb") as output:
        service = subprocess.Popen(
            [PYTHON, "run.py"],
            cwd=FINAL,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    try:
        yield service, log
    finally:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # a second Ctrl-C must not leave the service behind
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
        service.terminate()
        try:
            service.wait(5)
        except subprocess.TimeoutExpired:
            service.kill()
            service.wait()


def _wait_for(url: str, service: subprocess.Popen[bytes], log: Path) -> None:
    """Return when ``url`` answers 200."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy knows another 127.0.0.1
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if service.poll() is not None:
            raise _ended(service, log)
        try:
            with direct.open(url, timeout=5):
                return
        except (OSError, urllib.error.HTTPError):
            time.sleep(0.05)
    raise Failure(f"{url} does not answer: see {log}")


def _ended(service: subprocess.Popen[bytes], log: Path) -> Failure:
    tail = last_lines(decode(log.read_bytes()), 5)
    return Failure(
        f"{tail}\nThe service ended by itself (status {service.returncode}): all it said is in {log}"
    )


def _show(console: Console, site_port: int, port: int, demo: dict[str, str]) -> None:
    site, service = f"http://127.0.0.1:{site_port}", f"http://127.0.0.1:{port}"
    rows = {
        "Site": f"{site}/   {site}/ko/ (한국어)",
        "Account": f"{service}/",
        "Service": f"{service}/v2/docs",
        "Log-in": f"{demo['email']}   password: {demo['password']}",
        "Try it": curl(port),
    }
    console.print()
    for name, value in rows.items():
        console.print(f"[bold]{name:<9}[/]{escape(value)}")
    console.print("\nA page reloads when what it shows is saved.\nCtrl-C ends both.")
