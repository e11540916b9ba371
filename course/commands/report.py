"""`report`: the result of a check for programs, as JUnit XML and as JSON.

The JSON, whose schema is docs/examples/report.schema.json:

    {
      "format": 1,                              goes up when a field changes its meaning
      "chapter": "01_views_and_blueprints",
      "language": "en",                         of the sentences
      "passed": 25, "total": 26,
      "hints": 2,                               how many hints the learner asked for
      "solution": false,                        whether the finished files were copied
      "behaviours": [
        {"test": "test_01_views_and_blueprints.py::test_views_are_classes", "chapter": 1,
         "sentence": "...", "state": "kept", "explanation": {}},
        {"test": "...", "chapter": 0, "sentence": "...", "state": "missing",
         "explanation": {"sent": "...", "came": "...", "wanted": "..."}}
      ]
    }

`state` is "kept", "missing", "hung", "ended" or "unknown"; see `Result` in course/judging/results.py.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from course import messages
from course.commands.begin import named
from course.commands.check import note, what_to_check
from course.errors import Failure
from course.judging.explain import explain
from course.judging.progress import Progress
from course.judging.results import Verdict
from course.judging.runner import judge
from course.messages import say


def report(key: str, junit: Path | None, as_json: Path | None) -> int:
    """Judge a folder and write what came out; return 0 when it has every behaviour.

    Args:
        junit, as_json: the files to write. Without either, the JSON goes to the standard output.

    Raises:
        Failure: there is nothing to judge, or the tests could not be run.
    """
    stage, folder = what_to_check(key)
    verdict = judge(folder, stage)
    if not verdict.results or all(result.state == "unknown" for result in verdict.results.values()):
        raise Failure(say("check.failed", key=key))
    note(verdict, stage, folder)
    result = gather(verdict, folder, Progress().chapter(stage), stage.name)
    if junit is not None:
        _write(junit, ElementTree.tostring(_junit(result), encoding="unicode", xml_declaration=False), result)
    text = json.dumps(result, ensure_ascii=False, indent=1) + "\n"
    if as_json is not None:
        _write(as_json, text, result)
    if junit is None and as_json is None:
        print(text, end="")
    return 1 if verdict.missing else 0


def gather(verdict: Verdict, folder: Path, notes: dict[str, Any], chapter: str) -> dict[str, Any]:
    """Return the result as the JSON has it."""
    behaviours = [
        {
            "test": test,
            "chapter": result.behaviour.number,
            "sentence": result.behaviour.sentence,
            "state": result.state,
            "explanation": {} if result.kept else dict(explain(result, folder)),
        }
        for test, result in verdict.results.items()
    ]
    return {
        "format": 1,
        "chapter": chapter,
        "language": messages.language(),
        "passed": len(verdict.results) - len(verdict.missing),
        "total": len(verdict.results),
        "hints": sum(notes["hints"].values()),
        "solution": bool(notes.get("solution")),
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
        if behaviour["state"] != "kept":
            told = "\n".join(f"{label}: {text}" for label, text in behaviour["explanation"].items())
            failure = ElementTree.SubElement(case, "failure", {"message": behaviour["sentence"]})
            failure.text = "".join(c for c in told if c.isprintable() or c == "\n")  # XML has no others
    return suites


def _write(file: Path, text: str, result: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    print(say("report.written", file=named(file), kept=result["passed"], total=result["total"]))
