"""The lab's Python in Node, without a browser; its bundle and its messages."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from kit.changed import LAB, unless_changed
from kit.lab_reader import LOOP, planted

from course.judging.archives import unpack
from course.lessons.faults import all_faults
from course.lessons.own_files import own_files
from course.lessons.stages import find_stage
from course.site.lab import add_openers, build_lab
from course.site.lab import bundle as lab_bundle
from course.site.lab.bundle import SOURCE, NoLab, node_folder
from course.site.lab.stages import FOLDERS

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("en", "ko")

pytestmark = [pytest.mark.timeout(300), *unless_changed(LAB)]


def files(name: str) -> dict[str, str]:
    """Return the files of a stage as the lab has them, text by path."""
    found = own_files(find_stage(name).path).items()
    return {path: file.read_text("utf-8") for path, file in found if not path.startswith("steps/")}


def check(name: str, changed: dict[str, str], share: tuple[int, int] = (0, 1)) -> tuple[str, dict[str, Any]]:
    """Return the request to check a stage with some files changed."""
    asked = {"stage": find_stage(name).name, "lang": "en", "ever": [], "share": share}
    return "check", asked | {"files": files(name) | changed}


def request(path: str) -> tuple[str, dict[str, Any]]:
    """Return the request to send a GET to `LOOP`."""
    asked = {"method": "GET", "path": path, "headers": [], "body": ""}
    return "send", {"stage": "start", "files": {"app.py": LOOP}, "request": asked}


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
        shutil.copy(Path(__file__).with_name("run.mjs"), folder)
        done = subprocess.run(["node", "run.mjs"], cwd=folder, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    results: list[dict[str, Any]] = json.loads(done.stdout)
    return results


@pytest.fixture(scope="module")
def handled() -> dict[str, dict[str, Any]]:
    """What one Python returned for each request; one, because it takes seconds to start."""
    if shutil.which("npm") is None:
        pytest.skip("the lab needs Node and npm: it is not built and not tested here")
    path, broken, _ = planted(find_stage("01"))
    six = files("06")
    empty = {name: "def test_nothing() -> None:\n    pass\n" for name in six if "/test_with_" in name}
    graded = {"stage": find_stage("06").name, "files": six | empty, "right": six, "lang": "en"}
    requests = {
        "all": check("07", {}),
        "alone": check("01", {path: broken}),
        "first": check("01", {path: broken}, (0, 2)),
        "second": check("01", {path: broken}, (1, 2)),
        "grade": ("grade", graded),
        "patience": ("python", {"code": "import service; service.LIMIT = 0.5"}),
        "loop": request("/loop"),
        "crash": request("/crash"),
    }
    return dict(zip(requests, run_in_node(list(requests.values())), strict=True))


def states(*checked: dict[str, Any]) -> dict[str, str]:
    """Return the state of every test that a check, or one of its shares, has run."""
    results = [result for one in checked for result in one["value"]["results"]]
    return {test: state for test, state, _ in results if state != "unknown"}


def test_the_whole_suite_passes_on_the_last_chapter(handled: dict[str, dict[str, Any]]) -> None:
    """Every test of every chapter, except those that need threads or programs, and those are listed."""
    value = handled["all"]["value"]
    assert set(states(handled["all"]).values()) == {"passed"}
    assert set(states(handled["all"])) == set(value["found"])
    assert {test[:7] for test in value["found"]} == {f"test_0{number}" for number in range(8)}
    marked = re.compile(r"^@pytest\.mark\.threads\n(?:@.*\n)*def (\w+)", re.M)
    tests = "".join(file.read_text("utf-8") for file in sorted((ROOT / "tests").glob("test_0*.py")))
    assert {test.partition("::")[2] for test in value["elsewhere"]} == set(marked.findall(tests))


def test_two_shares_of_a_check_find_what_one_finds(handled: dict[str, dict[str, Any]]) -> None:
    _, _, test = planted(find_stage("01"))
    alone, first, second = (states(handled[name]) for name in ("alone", "first", "second"))
    assert alone == first | second and not first.keys() & second.keys() and min(len(first), len(second)) > 2
    assert [state for name, state in alone.items() if name.startswith(test)] == ["failed"]
    (explained,) = [event for event in handled["alone"]["events"] if event["kind"] == "next"]
    assert explained["next"]["hints"] and explained["headline"]


def test_tests_that_look_at_nothing_catch_no_fault(handled: dict[str, dict[str, Any]]) -> None:
    """Chapter 6: the reader's own tests on the right code and on each of its faults."""
    faults = [fault for fault in all_faults() if fault.stage == find_stage("06")]
    value = handled["grade"]["value"]
    assert value["faults"] == [{"text": fault.text["en"], "caught": False} for fault in faults]


def test_a_loop_is_ended_and_its_line_found(handled: dict[str, dict[str, Any]]) -> None:
    error = handled["loop"]["value"]["error"]
    assert (error["kind"], error["raised"]) == ("slow", "TookTooLong: 0.5 seconds")
    path, line, source = error["places"][-1]
    assert path == "app.py" and LOOP.splitlines()[line - 1].strip() == source and line in (8, 9)
    error = handled["crash"]["value"]["error"]
    assert (error["kind"], error["raised"]) == ("raised", "KeyError: 'mina'")


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if folder.startswith("course/")])
def test_what_judges_imports_only_what_the_lab_has(folder: str) -> None:
    """The standard library, pytest, Flask, the reader of patches, and modules in the bundle."""
    allowed = {"pytest", "flask", "werkzeug", "whatthepatch", *sys.stdlib_module_names}
    ours = (*(name.replace("/", ".") for name in FOLDERS), "course.errors", "course.paths")
    for file in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else names
            if names == ["course"]:
                names = [f"course.{alias.name}" for alias in node.names]
            for name in names:
                known = name.partition(".")[0] in allowed or name.startswith(ours)
                assert known, f"{file.relative_to(ROOT)} imports {name}, which the lab lacks"


def test_without_node_the_pages_are_complete(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lab_bundle, "CACHE", tmp_path)
    monkeypatch.setattr(lab_bundle, "CARRIED", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoLab, match="node is missing"):
        lab_bundle.build_bundle()
    page = '<p>before</p><div data-lab="03_view_decorators"></div><p>after</p></body>'
    assert add_openers(page, "chapters/03.html", None) == "<p>before</p><p>after</p></body>"


def test_both_languages_say_the_same() -> None:
    """No message is missing in one language, both have the same placeholders, and each is used."""
    en, ko = (tomllib.loads((SOURCE / "messages" / f"{lang}.toml").read_text("utf-8")) for lang in LANGUAGES)
    flat = {f"{table}.{name}": text for table in en for name, text in en[table].items()}
    assert flat.keys() == {f"{table}.{name}" for table in ko for name in ko[table]}
    for key, text in flat.items():
        table, _, name = key.partition(".")
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", ko[table][name])), key

    code = "".join(file.read_text(encoding="utf-8") for file in (SOURCE / "src").glob("*.js"))
    said = set(re.findall(r"[\"`](\w+\.\w+)[\"`]", code)) & flat.keys()
    tables = {f"{table}." for table in re.findall(r"say\(`(\w+)\.\$", code)}
    assert {key for key in flat if key not in said and f"{key.split('.')[0]}." not in tables} <= {
        key for key in flat if key.startswith("opener.")
    }
    assert set(re.findall(r"say\(\"([\w.]+)\"", code)) <= flat.keys()


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    from course.errors import Failure

    (tmp_path / "work.zip").write_text("no zip")
    with pytest.raises(Failure, match="is not a zip that can be read"):
        unpack(tmp_path / "work.zip")
