#!/usr/bin/env python3
"""A fake `docker` that runs the commands of a pipeline on a machine without a container engine.

`build` copies what COPY names and .dockerignore lets through into a folder, and ignores RUN. `run` starts CMD
there with the ENV of the Dockerfile and the PATH of this machine, so a file that the image forgets is
missing. The folder DOCKER_STATE keeps images, containers and what was pushed.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

STATE = Path(os.environ.get("DOCKER_STATE", "docker"))


def main(command: str, arguments: list[str]) -> None:
    """Run one command of `docker`."""
    options = dict(a.removeprefix("--").partition("=")[::2] for a in arguments if a.startswith("--"))
    words = [a for a in arguments if not a.startswith("--")]
    if command == "build":
        build(options["tag"], [a.removeprefix("--build-arg=") for a in arguments if "--build-arg" in a])
    elif command == "run":
        print(run(words[-1], [a.removeprefix("--env=") for a in arguments if a.startswith("--env=")]))
    elif command == "port":
        print(json.loads((STATE / words[0]).read_text())["address"])
    elif command == "logs":
        print((STATE / f"{words[0]}.log").read_text())
    elif command == "rm":
        os.killpg(json.loads((STATE / words[0]).read_text())["pid"], signal.SIGTERM)
    elif command == "save":
        shutil.copy(STATE / f"{words[0]}.json", options["output"])
    elif command == "load":
        shutil.copy(options["input"], STATE / "loaded.json")
    elif command == "login":
        (STATE / "login").write_text(f"{words[0]} {words[1]} {sys.stdin.read().strip()}")
    elif command == "tag":
        shutil.copy(STATE / "loaded.json", STATE / f"tag {words[1].replace('/', '|')}")
    elif command == "push":
        image = json.loads((STATE / f"tag {words[0].replace('/', '|')}").read_text())
        with (STATE / "pushed").open("a") as pushed:
            pushed.write(f"{words[0]} {image['env']['COMMIT']}\n")
    else:
        sys.exit(f"the fake docker has no command {command}")


def build(tag: str, build_arguments: list[str]) -> None:
    """Make an image of the last stage of the Dockerfile in this folder."""
    values = dict(argument.split("=", 1) for argument in build_arguments)
    text = Path("Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    root = STATE / f"image-{time.time_ns()}"
    folder, image = root, {"env": {}}
    for line in re.split(r"^FROM ", text, flags=re.M)[-1].splitlines()[1:]:
        word, _, rest = line.partition(" ")
        if word == "WORKDIR":
            folder = root / rest.strip("/")
            folder.mkdir(parents=True)
        elif word == "COPY" and "--from" not in rest:
            *sources, target = rest.split()
            for source in sources:
                copy(Path(source), folder / target)
        elif word == "ENV":
            for name, value in re.findall(r"(\w+)=(\S+)", rest):
                image["env"][name] = values.get(value[1:], "") if value.startswith("$") else value
        elif word == "CMD":
            image["command"] = json.loads(rest)
    image["env"].pop("PATH", None)
    (STATE / f"{tag}.json").write_text(json.dumps(image | {"folder": str(folder)}))


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder without what .dockerignore keeps out."""
    files = [source] if source.is_file() else [path for path in source.rglob("*") if path.is_file()]
    seen = [file for file in files if not ignored(file)]
    if not seen:
        sys.exit(f"COPY {source}: not found in what .dockerignore lets through")
    for file in seen:
        into = target / file.relative_to(source) if source.is_dir() else target / file.name
        into.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, into)


def ignored(file: Path) -> bool:
    """Say whether .dockerignore keeps ``file`` out: the last pattern that fits it or its folder wins."""
    out = False
    rules = Path(".dockerignore")
    for line in rules.read_text(encoding="utf-8").splitlines() if rules.exists() else []:
        pattern = line.strip().removeprefix("!").removeprefix("**/")
        names = [path.as_posix() for path in [file, *file.parents][:-1]]
        if pattern and not pattern.startswith("#"):
            deep = names + ([Path(name).name for name in names] if "**/" in line else [])
            if any(fnmatch.fnmatchcase(name, pattern) for name in deep):
                out = not line.startswith("!")
    return out


def run(tag: str, variables: list[str]) -> str:
    """Start a container and return its id."""
    image = json.loads((STATE / f"{tag}.json").read_text())
    container = f"container-{time.time_ns()}"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    env = image["env"] | dict(variable.split("=", 1) for variable in variables)
    env |= {"PATH": os.environ["PATH"], "GUNICORN_CMD_ARGS": f"--bind={address}"}
    with (STATE / f"{container}.log").open("wb") as log:
        started = subprocess.Popen(
            image["command"], cwd=image["folder"], env=env, stdout=log, stderr=log, start_new_session=True
        )
    (STATE / container).write_text(json.dumps({"pid": started.pid, "address": address}))
    return container


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
