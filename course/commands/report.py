"""`report`: writes the result of a check for other programs, as JUnit XML and as JSON.

The JSON, whose schema is docs/examples/report.schema.json:

    {
      "format": 3,                              goes up when a field changes its meaning
      "chapter": "01_views_and_blueprints",
      "language": "en",                         the language of the sentences
      "passed": 25, "total": 26,
      "behaviours": [
        {"test": "test_01_views_and_blueprints.py::test_views_are_classes", "chapter": 1,
         "sentence": "...", "state": "passed", "explanation": {}},
        {"test": "...", "chapter": 0, "sentence": "...", "state": "failed",
         "explanation": {"sent": "...", "received": "...", "expected": "..."}}
      ]
    }

`state` is "passed", "failed", "hung", "ended" or "unknown"; see `Result` in course/judging/results.py. All
of it comes from the code that was handed in: nobody's progress is read or written.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from course import messages
from course.errors import Failure
from course.judging.explain import explain
from course.judging.results import Verdict
from course.judging.runner import judge
from course.judging.submissions import find_submission
from course.messages import say
from course.paths import display_path
from course.setup.install import add_tools

FORMAT = 3


def report(
    keys: Sequence[str], chapter: str | None, junit: Path | None, as_json: Path | None, into: Path | None
) -> int:
    """Judge what was handed in and write the results; return 0 if all of it has every behaviour.

    Args:
        keys, chapter: see `find_submission`.
        junit, as_json: the files for the result of one; without any, its JSON goes to standard output.
        into: the folder for the results of many: NAME.json and NAME.xml for each, and `grades.csv`.

    Raises:
        Failure: there is nothing to judge, or the tests could not be run. Of many, the others are judged.
    """
    if into is not None:
        return _report_all(keys, chapter, into)
    if len(keys) > 1:
        raise Failure(say("report.into"))
    result = _judge(keys[0], chapter)
    for file, text in ((junit, _as_junit(result)), (as_json, _as_json(result))):
        if file is not None:
            _write(file, text)
            passed, total = result["passed"], result["total"]
            print(say("report.written", file=display_path(file), passed=passed, total=total))
    if junit is None and as_json is None:
        # Escaped where it is a code page, which lacks characters.
        print(_as_json(result, escaped=sys.stdout.encoding != "utf-8"), end="")
    return 0 if result["passed"] == result["total"] else 1


def _report_all(keys: Sequence[str], chapter: str | None, into: Path) -> int:
    rows: list[tuple[str, str, int, int, str]] = []
    for name, key in _names(keys):
        result: dict[str, Any] = {"chapter": "", "passed": 0, "total": 0}
        problem = ""
        try:
            result = _judge(key, chapter)
        except Failure as failure:
            problem = str(failure)
            print(f"{name}: {problem}")
        else:
            _write(into / f"{name}.json", _as_json(result))
            _write(into / f"{name}.xml", _as_junit(result))
            print(say("report.one", name=name, passed=result["passed"], total=result["total"]))
        rows.append((name, result["chapter"], result["passed"], result["total"], problem))
    table = io.StringIO()
    written = csv.writer(table)
    written.writerow(("name", "chapter", "passed", "total", "problem"))
    written.writerows([[_as_text(cell) for cell in row] for row in rows])
    _write(into / "grades.csv", "\ufeff" + table.getvalue())  # by this sign Excel knows UTF-8
    print(say("report.all", file=display_path(into / "grades.csv")))
    return 0 if all(passed == total > 0 for _, _, passed, total, _ in rows) else 1


def _judge(key: str, chapter: str | None) -> dict[str, Any]:
    stage, folder = find_submission(key, chapter)
    add_tools(stage.number)
    verdict = judge(folder, stage)
    if verdict.could_not_run:
        raise Failure(say("check.failed", key=key))
    return gather(verdict, folder, stage.name)


def _names(keys: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield a name for each submission: its path from where all of them are, `mina-03_view_decorators`."""
    paths = [Path(key).absolute() for key in keys]
    common = Path(os.path.commonpath([path.parent for path in paths]))
    taken: Counter[str] = Counter()
    for path, key in zip(paths, keys, strict=True):
        plain = path.with_suffix("") if path.suffix.lower() == ".zip" else path
        name = "-".join(plain.relative_to(common).parts)
        taken[name.casefold()] += 1
        yield name if taken[name.casefold()] == 1 else f"{name}-{taken[name.casefold()]}", key


def _as_text(cell: object) -> object:
    """Return a cell that no table takes for a formula."""
    return f"'{cell}" if str(cell).startswith(("=", "+", "-", "@", "\t")) else cell


def gather(verdict: Verdict, folder: Path, chapter: str) -> dict[str, Any]:
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
        "behaviours": behaviours,
    }


def _as_json(result: dict[str, Any], *, escaped: bool = False) -> str:
    return json.dumps(result, ensure_ascii=escaped, indent=1) + "\n"


def _as_junit(result: dict[str, Any]) -> str:
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
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=False)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
