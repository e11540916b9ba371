"""`report`: writes the result of a check for other programs, as JUnit XML and as JSON.

The JSON, whose schema is docs/examples/report.schema.json:

    {
      "format": 2,                              goes up when a field changes its meaning
      "chapter": "01_views_and_blueprints",
      "language": "en",                         the language of the sentences
      "passed": 25, "total": 26,
      "hints": 2,                               how many hints the learner asked for
      "solution": false,                        whether the finished files were copied
      "behaviours": [
        {"test": "test_01_views_and_blueprints.py::test_views_are_classes", "chapter": 1,
         "sentence": "...", "state": "passed", "explanation": {}},
        {"test": "...", "chapter": 0, "sentence": "...", "state": "failed",
         "explanation": {"sent": "...", "received": "...", "expected": "..."}}
      ]
    }

`state` is "passed", "failed", "hung", "ended" or "unknown"; see `Result` in course/judging/results.py.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from course import messages
from course.errors import Failure
from course.judging.explain import explain
from course.judging.progress import Progress
from course.judging.results import Verdict
from course.judging.runner import judge
from course.judging.submissions import find_submission
from course.messages import say
from course.paths import display_path

FORMAT = 2


def report(key: str, junit: Path | None, as_json: Path | None) -> int:
    """Judge a folder and write the result; return 0 if it has every behaviour.

    Args:
        junit, as_json: the files to write. Without either, the JSON goes to standard output.

    Raises:
        Failure: there is nothing to judge, or the tests could not be run.
    """
    stage, folder = find_submission(key)
    verdict = judge(folder, stage)
    if verdict.could_not_run:
        raise Failure(say("check.failed", key=key))
    progress = Progress()
    progress.record(verdict, stage, folder)
    result = gather(verdict, folder, progress.chapter(stage), stage.name)
    if junit is not None:
        _write(junit, ElementTree.tostring(_junit(result), encoding="unicode", xml_declaration=False), result)
    text = json.dumps(result, ensure_ascii=False, indent=1) + "\n"
    if as_json is not None:
        _write(as_json, text, result)
    if junit is None and as_json is None:
        print(text, end="")
    return 1 if verdict.not_passed else 0


def gather(verdict: Verdict, folder: Path, progress: dict[str, Any], chapter: str) -> dict[str, Any]:
    """Return the content of the JSON."""
    behaviours = [
        {
            "test": test,
            "chapter": result.behaviour.number,
            "sentence": result.behaviour.sentence,
            "state": result.state,
            "explanation": {} if result.passed else dict(explain(result, folder)),
        }
        for test, result in verdict.results.items()
    ]
    return {
        "format": FORMAT,
        "chapter": chapter,
        "language": messages.language(),
        "passed": verdict.passed_count,
        "total": len(verdict.results),
        "hints": sum(progress["hints"].values()),
        "solution": bool(progress.get("solution")),
        "behaviours": behaviours,
    }


def _junit(result: dict[str, Any]) -> ElementTree.Element:
    failures = result["total"] - result["passed"]
    numbers = {"tests": str(result["total"]), "failures": str(failures)}
    suites = ElementTree.Element("testsuites", numbers)
    suite = ElementTree.SubElement(suites, "testsuite", {"name": result["chapter"], **numbers})
    for behaviour in result["behaviours"]:
        file, _, function = behaviour["test"].partition("::")
        case = ElementTree.SubElement(
            suite, "testcase", {"classname": file.removesuffix(".py"), "name": function}
        )
        if behaviour["state"] != "passed":
            text = "\n".join(f"{label}: {part}" for label, part in behaviour["explanation"].items())
            failure = ElementTree.SubElement(case, "failure", {"message": behaviour["sentence"]})
            failure.text = "".join(c for c in text if c.isprintable() or c == "\n")  # XML allows no others
    return suites


def _write(file: Path, text: str, result: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    print(say("report.written", file=display_path(file), passed=result["passed"], total=result["total"]))
