"""What the page before the chapters offers besides its transcripts: requests for an editor's HTTP client."""

from __future__ import annotations

import json
import re
from pathlib import Path

from kit.adapter import LoadedStage, Stage

from course.lessons.stages import find_stage
from course.paths import ROOT
from course.site.page import DOCS

REQUEST = re.compile(r"(\w+) http://127\.0\.0\.1:5000(\S+)\n((?:[\w-]+: .*\n)*)(?:\n(\{.*\})\n)?")


def test_the_requests_for_an_editor_are_answered_in_their_order(tmp_path: Path) -> None:
    text = (DOCS / "examples/accounts.http").read_text(encoding="utf-8")
    requests = [REQUEST.match(part.split("\n", 1)[1]) for part in text.split("### ")[1:]]
    assert requests
    assert all(requests)
    start = find_stage("start")
    stage = Stage(LoadedStage(start.name, start.number, start.path, tmp_path))
    client = stage.app.test_client()
    for method, path, headers, body in (request.groups() for request in requests if request):
        sent = dict(re.findall(r"([\w-]+): (.*)\n", headers))
        assert client.open(path, method=method, headers=sent, data=body).status_code < 300, path
    stage.close()


def test_the_debugger_starts_a_folder_that_begin_makes() -> None:
    settings = json.loads((DOCS / "examples/launch.json").read_text(encoding="utf-8"))
    chapter = settings["configurations"][0]["cwd"].removeprefix("${workspaceFolder}/workspace/")
    assert (ROOT / "chapters" / chapter).is_dir()
