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
import shlex
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
    """Make an image of the last stage of the Dockerfile in this folder, and of the stages it is based on."""
    values = dict(argument.split("=", 1) for argument in build_arguments)
    root = STATE / f"image-{time.time_ns()}"
    folder, image = root, {"env": {}}
    parts: dict[str, list[str]] = {}
    known: dict[str, str] = {}  # what a $NAME means: of ARG and ENV
    for word, rest in shipped(instructions(Path("Dockerfile"))):
        if word == "WORKDIR":
            folder = (root / rest.strip("/")) if rest.startswith("/") else folder / rest
            folder.mkdir(parents=True, exist_ok=True)
        elif word in ("COPY", "ADD") and "--from=" not in rest:
            copy_all(rest, root, folder)
        elif word == "ARG":
            for name, value in assignments(rest, known):
                known[name] = values.get(name, value)
        elif word == "ENV":
            for name, value in assignments(rest, known):
                image["env"][name] = known[name] = value
        elif word in ("CMD", "ENTRYPOINT"):
            parts[word] = json.loads(rest) if rest.startswith("[") else ["/bin/sh", "-c", rest]
    image["command"] = parts.get("ENTRYPOINT", []) + parts.get("CMD", [])
    image["env"].pop("PATH", None)
    (STATE / f"{tag}.json").write_text(json.dumps(image | {"folder": str(folder)}))


def instructions(file: Path) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile, each as a word in capitals and its arguments."""
    text = re.sub(r"^\s*#.*\n", "", file.read_text(encoding="utf-8") + "\n", flags=re.M)
    lines = iter(re.sub(r"\\\s*\n", " ", text).splitlines())
    found = []
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        if word:
            found.append((word.upper(), rest.strip()))
        for end in re.findall(r"<<-?[\"']?(\w+)", rest):  # the lines of a here-document
            while next(lines, end).strip() != end:
                pass
    return found


def shipped(lines: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the instructions behind the last FROM, and before them those of the stages it is based on."""
    stages: dict[str, list[tuple[str, str]]] = {}
    last: list[tuple[str, str]] = []
    for word, rest in lines:
        if word != "FROM":
            last.append((word, rest))
            continue
        base, *name = [part.lower() for part in rest.split() if not part.startswith("--")]
        last = list(stages.get(base, []))
        stages[str(len(stages))] = last
        if name[:1] == ["as"]:
            stages[name[1]] = last
    return last


def assignments(text: str, known: dict[str, str]) -> list[tuple[str, str]]:
    """Return the names and values of ENV or ARG, with each $NAME filled in."""
    parts = shlex.split(text)
    if len(parts) > 1 and "=" not in parts[0]:
        parts = [f"{parts[0]}={' '.join(parts[1:])}"]  # ENV NAME value
    found = []
    for part in parts:
        name, _, value = part.partition("=")
        found.append((name, expand(value, known)))
    return found


def expand(text: str, known: dict[str, str]) -> str:
    """Fill in $NAME, ${NAME} and ${NAME:-otherwise}."""
    pattern = r"\$(?:(\w+)|\{(\w+)(?::-([^}]*))?\})"
    return re.sub(pattern, lambda found: known.get(found[1] or found[2], "") or found[3] or "", text)


def copy_all(arguments: str, root: Path, folder: Path) -> None:
    """Do what COPY does without --from."""
    given = re.sub(r"--\S+\s+", "", arguments)
    *sources, target = json.loads(given) if given.startswith("[") else shlex.split(given)
    into = root / target.strip("/") if target.startswith("/") else folder / target
    patterns = [source.removeprefix("./").strip("/") for source in sources]
    found = [
        path for one in patterns for path in (sorted(Path().glob(one)) if one not in ("", ".") else [Path()])
    ]
    for source in found or [Path(sources[0])]:
        as_file = (
            source.is_file() and len(found) == 1 and not target.endswith(("/", ".")) and not into.is_dir()
        )
        copy(source, into.parent if as_file else into, into.name if as_file else None)


def copy(source: Path, target: Path, name: str | None = None) -> None:
    """Copy a file, by another ``name`` if there is one, or a folder, without what .dockerignore keeps out."""
    files = [source] if source.is_file() else [path for path in source.rglob("*") if path.is_file()]
    seen = [file for file in files if not ignored(file)]
    if not seen:
        sys.exit(f"COPY {source}: not found in what .dockerignore lets through")
    for file in seen:
        into = target / file.relative_to(source) if source.is_dir() else target / (name or file.name)
        into.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, into)


def ignored(file: Path) -> bool:
    """Say whether .dockerignore keeps ``file`` out: the last pattern that fits it or its folder wins."""
    out = False
    rules = Path(".dockerignore")
    for line in rules.read_text(encoding="utf-8").splitlines() if rules.exists() else []:
        pattern = line.strip().removeprefix("!").removeprefix("**/").strip("/")
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
