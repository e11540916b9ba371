"""The lab's Python in Node: the judge of the lab without a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from course.site.lab import build_lab
from course.site.lab.bundle import node_folder


def run_in_node(requests: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Let one Python handle the requests; return for each its `value` and `events`.

    Args:
        requests: the name of a request, see docs/lab/python/lab.py, with its arguments; `python` runs `code`.

    Raises:
        NoLab: Node is missing, or its packages cannot be installed.
    """
    lab = build_lab()
    with node_folder() as folder:
        shutil.copy(lab.bundle / "packages.bin", folder)
        Path(folder, "course.bin").write_bytes(lab.course["course.bin"])
        Path(folder, "requests.json").write_text(json.dumps(requests), encoding="utf-8")
        done = subprocess.run(["node", "run.mjs"], cwd=folder, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    results: list[dict[str, Any]] = json.loads(done.stdout)
    return results
