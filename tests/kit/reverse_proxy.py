"""nginx for the tests: by nginx.conf of final, but on free ports and in a folder of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kit.ports import free_port

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")
HOW_NGINX = "apt-get install nginx-light, or brew install nginx"

_SERVERS = re.compile(r"( *server app1:8000 .*\n)( *server app2:8000 .*\n)")


class Nginx:
    """A server of nginx.conf in front of ``apps``.

    Args:
        conf: the file.
        scratch: an empty folder, for what nginx writes.
        apps: host and port of each app.
    """

    def __init__(self, conf: Path, scratch: Path, apps: Sequence[tuple[str, int]]) -> None:
        assert NGINX, HOW_NGINX
        self.port = free_port()
        self.scratch, self.apps = scratch, list(apps)
        self._text = conf.read_text(encoding="utf-8")
        self._conf = scratch / "nginx.conf"
        self._write(down=())
        self.log = scratch / "access.log"
        with self.log.open("wb") as log, (scratch / "errors.log").open("wb") as errors:
            self.process = subprocess.Popen(
                [NGINX, "-p", str(scratch), "-c", str(self._conf), "-g", "daemon off;"],
                stdout=log,
                stderr=errors,
                env={**os.environ, "TZ": "UTC"},
            )
        self._wait()

    def check(self) -> str:
        """Return what `nginx -t` says."""
        command = [str(NGINX), "-t", "-p", str(self.scratch), "-c", str(self._conf)]
        return subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=60
        ).stderr

    def workers(self) -> set[int]:
        """Return the worker processes."""
        listed = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        return {int(pid) for pid in listed.stdout.split()}

    def take_out(self, *apps: tuple[str, int]) -> None:
        """Stop sending requests to ``apps``, and return when those under way have their responses."""
        self._write(down=apps)
        before = self.workers()
        self.process.send_signal(signal.SIGHUP)
        _until(lambda: not before & self.workers())

    def access(self, count: int) -> list[dict[str, Any]]:
        """Return the ``count`` lines of the access log; a line is written only after its response is sent."""
        _until(lambda: self.log.read_bytes().count(b"\n") >= count)
        lines = [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]
        assert len(lines) == count
        return lines

    def close(self) -> None:
        """Stop it and its requests under way."""
        self.process.terminate()
        self.process.wait(30)

    def _write(self, down: Sequence[tuple[str, int]]) -> None:
        """Write the file as an operator would, with this machine's ports and folders."""
        text = re.sub(r"/tmp/(?=\w+[; ])", f"{self.scratch}/", self._text)  # noqa: S108 - as in the file
        text, listens = re.subn(r"^( *listen) 8080;", rf"\1 127.0.0.1:{self.port};", text, flags=re.M)
        options = {app: " down" if app in down else "" for app in self.apps}
        servers = "".join(
            f"        server {host}:{port} max_fails=1 fail_timeout=5s{options[host, port]};\n"
            for host, port in self.apps
        )
        text, pools = _SERVERS.subn(servers, text)
        assert (listens, pools) == (1, 1), "nginx.conf listens elsewhere, or has other servers"
        self._conf.write_text(text, encoding="utf-8")

    def _wait(self) -> None:
        def listens() -> bool:
            assert self.process.poll() is None, (self.scratch / "errors.log").read_text(encoding="utf-8")
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        _until(listens)


def _until(true: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "nginx does not do it"
        time.sleep(0.02)
