"""An image built and run without a container engine: each step of a Dockerfile, in a root of its own.

The base image is this machine: its /usr and its Python, which the steps can read and not write. All else is
in a folder, chroot makes it the root, and what is mounted there nobody else sees. Not real are the base
image, and that pip takes its packages from the suite (pip_stand_in.py). It needs root.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from kit import docker_stand_in

PYTHON = Path(sys.base_prefix)
SUITE = sysconfig.get_path("purelib")
PATH = "/base:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: Why not, where it cannot be done.
MISSING = (
    "an image is built in a root of its own, which wants Linux and root"
    if sys.platform != "linux" or os.geteuid() != 0
    else next(
        (f"no {name}" for name in ("unshare", "setpriv", "chroot", "useradd") if not shutil.which(name)), None
    )
)


class Root:
    """A folder that can be the root of programs.

    Args:
        folder: an empty one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read_only = {"/usr": "/usr", str(PYTHON): str(PYTHON), SUITE: "/suite"}
        folder.chmod(0o755)
        for name in (
            "dev",
            "etc",
            "proc",
            "run",
            "tmp",
            "root",
            "base",
            "var/tmp",
            *self._read_only.values(),
        ):
            (folder / name.strip("/")).mkdir(parents=True, exist_ok=True)
        for name in ("tmp", "var/tmp"):
            (folder / name).chmod(0o1777)
        for name in ("bin", "lib", "lib64", "sbin"):
            (folder / name).symlink_to(f"usr/{name}")
        for name in (
            "passwd",
            "group",
            "ld.so.cache",
            "ld.so.conf",
            "ld.so.conf.d",
            "login.defs",
            "ssl",
            "hosts",
        ):
            there, here = Path("/etc") / name, folder / "etc" / name
            if there.is_dir():
                shutil.copytree(there, here, ignore_dangling_symlinks=True)
            elif there.exists():
                shutil.copy(there, here)
        (folder / "base" / "python").symlink_to(PYTHON / "bin" / f"python3.{sys.version_info[1]}")

    def command(self, words: list[str], **how: Any) -> list[str]:
        """Return the command that runs ``words`` in there.

        Args:
            how: ``env``, ``workdir``; ``user`` as USER has it; ``mounts``, from folders and files to where
                they appear; ``tmpfs``, where memory is; and ``read_only`` for all else.
        """
        root, mounts = str(self.folder), how.get("mounts", {})
        steps = [["--bind", root, root]]
        for there, here in self._read_only.items():
            steps += [["--bind", there, f"{root}{here}"], ["-o", "remount,bind,ro", f"{root}{here}"]]
        steps += [["--rbind", f"/{name}", f"{root}/{name}"] for name in ("dev", "proc")]
        for there, here in mounts.items():
            (self.folder / here.strip("/")).parent.mkdir(parents=True, exist_ok=True)
            if Path(there).is_dir():
                (self.folder / here.strip("/")).mkdir(exist_ok=True)
            else:
                (self.folder / here.strip("/")).touch()
        if how.get("read_only"):
            steps.append(["-o", "remount,bind,ro", root])
        steps += [
            ["-t", "tmpfs", "-o", "mode=1777", "tmpfs", f"{root}{here}"] for here in how.get("tmpfs", ())
        ]
        steps += [["--bind", str(there), f"{root}{here}"] for there, here in mounts.items()]
        env = {"PATH": PATH, **how.get("env", {})}
        variables = [f"{name}={value}" for name, value in env.items()]
        as_user: list[str] = []
        if user := how.get("user"):
            uid, _, gid = user.partition(":")
            as_user = ["setpriv", f"--reuid={uid}", f"--regid={gid or uid}", "--clear-groups"]
            as_user += ["--no-new-privs", "--bounding-set=-all"]
        inside = [*as_user, "/usr/bin/env", "-i", f"--chdir={how.get('workdir', '/')}", *variables, *words]
        mounting = "; ".join(shlex.join(["mount", *step]) for step in steps)
        script = f"set -e; {mounting}; exec {shlex.join(['chroot', root, *inside])}"
        return ["unshare", "--mount", "--propagation=private", "sh", "-c", script]


class Image:
    """What `docker build` makes of the Dockerfile in ``source``: a root, and how it is run."""

    def __init__(self, source: Path, scratch: Path, **arguments: str) -> None:
        self.command: list[str] = []
        self.healthcheck: list[str] = []
        self.user = ""
        self.volumes: list[str] = []
        self._scratch, self._arguments = scratch, arguments
        self._stages: dict[str, Root] = {}
        text = (source / "Dockerfile").read_text(encoding="utf-8")
        text = re.sub(r"^#.*\n", "", text, flags=re.M).replace("\\\n", " ")
        with contextlib.chdir(source):
            for line in text.splitlines():
                word, _, rest = line.strip().partition(" ")
                if word:
                    getattr(self, f"_{word.lower()}")(rest.strip())

    def run(self, words: list[str] | None = None, env: dict[str, str] | None = None, **how: Any) -> list[str]:
        """Return the command that starts a container of it; ``how`` as for `Root.command`."""
        variables = {name: value for name, value in self.env.items() if name != "PATH"}
        variables |= {"PATH": self.env["PATH"].replace("$PATH", PATH)} | (env or {})
        how = {"user": self.user, "workdir": self._where, **how}
        return self.root.command(words or self.command, env=variables, **how)

    # -- the instructions ---------------------------------------------------------------------------

    def _from(self, rest: str) -> None:
        name = rest.partition(" AS ")[2] or "last"
        folder = self._scratch / name
        folder.mkdir()
        self.root = self._stages[name] = Root(folder)
        self.env: dict[str, str] = {}
        self._given: dict[str, str] = {}
        self._where = "/"

    def _arg(self, rest: str) -> None:
        for name, default in re.findall(r"(\w+)(?:=(\S+))?", rest.replace('""', "")):
            self._given[name] = self._arguments.get(name, default)

    def _env(self, rest: str) -> None:
        for name, value in re.findall(r"(\w+)=(\S+)", rest):
            self.env[name] = self._given.get(value[1:], value) if value.startswith("$") else value

    def _workdir(self, rest: str) -> None:
        self._where = rest
        (self.root.folder / rest.strip("/")).mkdir(parents=True, exist_ok=True)

    def _run(self, rest: str) -> None:
        pip = Path(__file__).with_name("pip_stand_in.py")
        mine = self.root.folder / "venv" / "bin" / "pip"
        if mine.exists():
            mine.write_text(f"#!/venv/bin/python\n{pip.read_text(encoding='utf-8')}", encoding="utf-8")
        env = {**self._given, "SUITE": "/suite", "PYTHONPATH": "/suite" if mine.exists() else ""}
        command = self.root.command(["/bin/sh", "-c", rest], env=env, workdir=self._where)
        done = subprocess.run(command, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, f"RUN {rest}\n{done.stdout}{done.stderr}"

    def _copy(self, rest: str) -> None:
        *sources, target = rest.split()
        into = self.root.folder / str(Path(self._where) / target).strip("/")
        if sources[0].startswith("--from="):
            root = self._stages[sources.pop(0).removeprefix("--from=")].folder
            shutil.copytree(root / sources[0].strip("/"), into, symlinks=True)
            return
        for source in sources:
            docker_stand_in.copy(Path(source), into)

    def _user(self, rest: str) -> None:
        self.user = rest

    def _volume(self, rest: str) -> None:
        self.volumes.append(rest)

    def _expose(self, rest: str) -> None:
        """Nothing to do: it is only said."""

    def _healthcheck(self, rest: str) -> None:
        self.healthcheck = json.loads(rest.partition("CMD ")[2])

    def _cmd(self, rest: str) -> None:
        self.command = json.loads(rest)
