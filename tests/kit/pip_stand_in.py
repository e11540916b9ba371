#!/usr/bin/env python3
"""`pip install` for an image that is built without a network: the packages come from the suite's environment.

Just those that the files name, in the versions that they name: what is forgotten there the image has not got.
SUITE is the folder of packages to take from.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
from importlib.metadata import PathDistribution, distributions
from pathlib import Path

from pip._vendor.packaging.markers import Marker

PIN = re.compile(r"^([\w.-]+)==(\S+?)(?: ; (.*?))? \\$", re.M)


def main(arguments: list[str]) -> None:
    options = [word.partition("=") for word in arguments]
    if {"--require-hashes", "--no-deps"} - set(arguments):
        sys.exit("what is installed has to be locked: --require-hashes --no-deps")
    suite = Path(os.environ["SUITE"])
    there = {name(found.metadata["Name"]): found for found in distributions(path=[str(suite)])}
    for file in (Path(value) for option, _, value in options if option == "--requirement"):
        for package, version, marker in PIN.findall(file.read_text(encoding="utf-8")):
            if marker and not Marker(marker).evaluate():
                continue
            found = there.get(name(package))
            if found is None or found.version != version:
                sys.exit(f"{package}=={version} is not what the suite runs with: {found and found.version}")
            copy(found, suite)


def name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


def copy(package: PathDistribution, suite: Path) -> None:
    """Copy the files of a package into this environment; its commands get the Python of this one."""
    folder, programs = Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("scripts"))
    for file in package.files or []:
        source = Path(package.locate_file(file))
        if ".." in file.parts or not source.is_file() or "__pycache__" in file.parts:
            continue
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    for entry in package.entry_points.select(group="console_scripts"):
        module, _, function = entry.value.partition(":")
        script = programs / entry.name
        script.write_text(
            f"#!{sys.executable}\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n"
        )
        script.chmod(0o755)


if __name__ == "__main__":
    main(sys.argv[2:])
