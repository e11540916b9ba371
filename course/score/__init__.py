"""`score`: how much of what may go wrong the suite notices, by named faults and by mutants."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeGuard

from rich.console import Console
from rich.markup import escape

from course.errors import Failure
from course.lessons.faults import Fault, all_faults
from course.lessons.stages import FINAL_NUMBER, Stage, all_stages, find_stage
from course.paths import ROOT, STATE
from course.score.mutants import Mutant, mutants_of, normal

TESTS = ROOT / "tests"
SCORE = ROOT / "docs" / "score.toml"
EQUIVALENT = TESTS / "strength" / "mutants" / "equivalent.toml"
FLOOR = 0.95  # of the mutants; of the named faults, all


@dataclass(frozen=True)
class Subject:
    """What is scored: the code of a stage, its tests, and what is wrong with copies of it."""

    name: str
    folder: Path
    tests: list[Path]
    mutants: list[Mutant]
    faults: list[Fault] = field(default_factory=list)
    equivalent: frozenset[str] = frozenset()  # keys of mutants that change nothing a test could see
    every: int = 1  # the mutants are one of so many


@dataclass(frozen=True)
class Score:
    """How the suite did on one subject."""

    digest: str  # of the code, the tests and the packages
    faults: int
    caught: int
    mutants: int
    every: int  # one mutant of so many was judged
    killed: int
    stopped: int
    equivalent: int
    survivors: list[str]
    missed: list[str]  # faults
    wrongly_listed: list[str]  # as equivalent, and a test is red on them

    @property
    def share(self) -> float:
        """The share of the mutants that were noticed, of those that change anything."""
        return (self.killed + self.stopped) / max(1, self.mutants - self.equivalent)

    @property
    def good(self) -> bool:
        """Whether it is what the course promises."""
        return self.caught == self.faults and self.share >= FLOOR


def score(keys: tuple[str, ...], write: bool, workers: int, every: int) -> int:
    """Score stages, all chapters and `final` where none is named; return 0 when each is good enough.

    What was judged is kept in `.course/score/`, so that a run that was stopped goes on where it was.

    Args:
        write: put the result into docs/score.toml, which the site shows.
        workers: how many mutants are judged at a time.
        every: judge one mutant of so many, the same ones each time; 1 for all.
    """
    if sys.platform == "win32":
        raise Failure("The score is made by forking, which Windows has not: run it on Linux or macOS.")
    console = Console(soft_wrap=True, highlight=False)
    stages = [find_stage(key) for key in keys] or [stage for stage in all_stages() if stage.number]
    good = True
    for stage in stages:
        found = judge(subject_of(stage, every), STATE / "score" / f"{stage.name}.jsonl", workers)
        good = good and found.good
        _show(console, stage, found)
        if write:
            _write(stage, found)
    return 0 if good else 1


def subject_of(stage: Stage, every: int = 1) -> Subject:
    """Return what is scored of ``stage``: the files it adds or changes, and the tests that hold for it."""
    tests = [file for file in sorted(TESTS.glob("test_0*.py")) if int(file.name[5:7]) <= stage.number]
    tests += [TESTS / "final"] if stage.number == FINAL_NUMBER else []
    mutants = [mutant for file in files_of(stage) for mutant in mutants_of(file, _text(stage.path / file))]
    faults = [fault for fault in all_faults() if fault.stage == stage]
    listed = frozenset(key for reason in reasons() if reason.holds_for(stage) for key in reason.mutants)
    return Subject(stage.name, stage.path, tests, _sample(mutants, every), faults, listed, every)


def files_of(stage: Stage) -> list[str]:
    """Return the files whose mutants count: the application's; what only starts it, is run by other tests."""
    if stage.number == FINAL_NUMBER:
        files = [file.relative_to(stage.path).as_posix() for file in stage.path.rglob("*.py")]
    else:
        files = [*stage.added, *stage.changed]
    mine = ("app/", "config.py", "migrations/versions/")
    return sorted(file for file in files if file.startswith(mine) and file.endswith(".py"))


@dataclass(frozen=True)
class Reason:
    """Why some mutants change nothing that a test could see, in both languages."""

    text: dict[str, str]
    stage: str  # `chapters`, or the name of one
    mutants: list[str]

    def holds_for(self, stage: Stage) -> bool:
        """Whether it is about ``stage``."""
        return self.stage == stage.name or (self.stage == "chapters" and stage.number < FINAL_NUMBER)


def reasons() -> list[Reason]:
    """Return what tests/strength/mutants/equivalent.toml lists."""
    listed = tomllib.loads(_text(EQUIVALENT)).get("reasons", [])
    return [Reason({"en": one["en"], "ko": one["ko"]}, one["stage"], one["mutants"]) for one in listed]


def judge(subject: Subject, records: Path, workers: int) -> Score:
    """Put everything wrong into the subject, one thing at a time, and count what its tests notice.

    Args:
        records: the file of verdicts: read first, and written as they come.

    Raises:
        Failure: the tests are red on the right code.
    """
    from course.score.bench import Bench, Job, RedAlready, Verdict  # which needs a system that forks

    ground = Ground.of(subject)
    known = {entry["key"]: entry for entry in _read(records)}
    done = {key: entry["outcome"] for key, entry in known.items() if ground.bears(entry)}

    elsewhere = {
        entry["key"]: entry["by"] for file in records.parent.glob("*.jsonl") for entry in _read(file)
    }

    def jobs() -> Iterator[Job]:
        for fault in subject.faults:
            yield Job(f"fault {fault.name}", fault.plant, test=fault.caught_by)
        for mutant in subject.mutants:
            before = known.get(mutant.key, {}).get("by", "") or elsewhere.get(mutant.key, "")
            excused = mutant.key in subject.equivalent
            yield Job(mutant.key, _planter(mutant), mutant.file, mutant.lines, "", before, excused)

    def normalise(folder: Path) -> None:
        for file in {mutant.file for mutant in subject.mutants}:
            (folder / file).write_text(normal(_text(folder / file)), encoding="utf-8")

    todo = [job for job in jobs() if job.key not in done]
    records.parent.mkdir(parents=True, exist_ok=True)
    with records.open("w", encoding="utf-8") as file:
        file.writelines(_line(entry) for entry in known.values())
        file.flush()  # else a run that is stopped at once would take along what others found

        def tell(verdict: Verdict) -> None:
            done[verdict.key] = verdict.outcome
            file.write(_line({**asdict(verdict), **ground.under(verdict.by)}))
            file.flush()
            _progress(subject.name, len(todo), len(done))

        if todo:
            try:
                Bench((subject.name, subject.folder), todo, normalise, tell, workers).run(subject.tests)
            except RedAlready as error:
                raise Failure(f"{subject.name} cannot be scored: {error}.") from None
    return _count(subject, done, ground.whole)


def _count(subject: Subject, done: dict[str, str], ground: str) -> Score:
    outcomes = Counter(done[mutant.key] for mutant in subject.mutants)
    survivors = [mutant.key for mutant in subject.mutants if done[mutant.key] == "survived"]
    missed = [fault.name for fault in subject.faults if done[f"fault {fault.name}"] == "survived"]
    return Score(
        digest=ground,
        faults=len(subject.faults),
        caught=len(subject.faults) - len(missed),
        mutants=len(subject.mutants),
        every=subject.every,
        killed=outcomes["killed"],
        stopped=outcomes["stopped"],
        equivalent=sum(key in subject.equivalent for key in survivors),
        survivors=[key for key in survivors if key not in subject.equivalent],
        missed=missed,
        wrongly_listed=sorted(key for key in subject.equivalent if done.get(key, "survived") != "survived"),
    )


def _planter(mutant: Mutant) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        (folder / mutant.file).write_text(mutant.code(), encoding="utf-8")

    return plant


def _sample(mutants: list[Mutant], every: int) -> list[Mutant]:
    """Return one mutant of ``every``: those whose names hash to it, so that they stay the same ones."""
    return [mutant for mutant in mutants if int(_digest(mutant.key), 16) % every == 0]


@dataclass(frozen=True)
class Ground:
    """What a verdict depends on besides the mutant.

    Where tests change, a mutant that another test killed is as dead as before: `code` and that `test` are the
    same. One that survived has to face them all anew: the `whole`.
    """

    whole: str
    code: str  # of the stage, the packages, and what all tests share
    tests: dict[str, str]  # for each test, a digest of it and of all in its file that is no test

    @classmethod
    def of(cls, subject: Subject) -> Ground:
        """Return what is there now."""
        around = [
            subject.tests[0].parent / name for name in ("conftest.py", "kit/adapter.py", "kit/service.py")
        ]
        files = [path for file in subject.tests for path in _python_in(file)]
        judges = [path for path in files if path.name.startswith("test_")]
        shared = [path for path in files if path not in judges]
        code = [sys.version.split()[0], _text(ROOT / "requirements.txt")]
        for path in [*filter(Path.is_file, around), *shared, *_python_in(subject.folder)]:
            code += [path.name, _text(path)]
        tests: dict[str, str] = {}
        for path in judges:
            body = ast.parse(_text(path)).body
            alone = {node.name: ast.unparse(node) for node in body if _is_a_test(node)}
            around_it = "".join(ast.unparse(node) for node in body if not _is_a_test(node))
            tests |= {f"{path.name}::{name}": _digest(around_it + text) for name, text in alone.items()}
        whole = "\0".join([*code, *(part for path in judges for part in (path.name, _text(path)))])
        return cls(_digest(whole), _digest("\0".join(code)), tests)

    def under(self, test: str) -> dict[str, str]:
        """Return what is written down with a verdict of ``test``."""
        return {"ground": self.whole, "code": self.code, "test": self.tests.get(_plain(test), "")}

    def bears(self, entry: dict[str, str]) -> bool:
        """Whether what was found some time ago still stands."""
        if entry["ground"] == self.whole:
            return True
        return bool(entry.get("test")) and self.under(entry["by"]).items() >= {
            ("code", entry["code"]),
            ("test", entry["test"]),
        }


def _plain(test: str) -> str:
    """Return the file and the function of a test: no folder, no parameters."""
    return test.split("[")[0].rpartition("/")[2]


def _is_a_test(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    return isinstance(node, ast.FunctionDef) and node.name.startswith("test_")


def _python_in(file: Path) -> list[Path]:
    return sorted(file.rglob("*.py")) if file.is_dir() else [file]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read(records: Path) -> Iterator[dict[str, str]]:
    for line in _text(records).splitlines() if records.is_file() else ():
        with suppress(ValueError):  # the last line of a run that was stopped may be half a one
            yield json.loads(line)


def _line(entry: dict[str, str]) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _progress(name: str, todo: int, done: int) -> None:
    if sys.stdout.isatty():
        print(f"\r{name}: {done} of {todo}", end="\n" if done == todo else "", flush=True)


def _show(console: Console, stage: Stage, found: Score) -> None:
    mark = "[green]good[/]" if found.good else "[red]not good enough[/]"
    console.print(
        f"{stage.name}: {found.caught} of {found.faults} named faults, {found.share:.1%} of "
        f"{found.mutants} mutants ({found.stopped} stopped, {found.equivalent} change nothing): {mark}"
    )
    for name in found.missed:
        console.print(f"  [red]missed[/]    {escape(name)}")
    for key in found.survivors:
        console.print(f"  [yellow]survived[/]  {escape(key)}")
    for key in found.wrongly_listed:
        console.print(f"  [red]killed, and yet listed as equivalent[/]  {escape(key)}")


def _write(stage: Stage, found: Score) -> None:
    """Put the numbers of one stage into docs/score.toml, and leave the others as they are."""
    scores = read_scores()
    scores[stage.name] = {
        "date": datetime.now(UTC).date().isoformat(),
        "python": sys.version.split()[0],
        **{name: value for name, value in asdict(found).items() if name not in ("missed", "wrongly_listed")},
    }
    text = "# Made by `python3 -m course score --write`, not by hand.\n"
    for name in [stage.name for stage in all_stages() if stage.name in scores]:
        text += f"\n[{name}]\n"
        for key, value in scores[name].items():
            listed = [json.dumps(one, ensure_ascii=False) for one in value] if isinstance(value, list) else []
            shown = "[\n" + "".join(f"    {one},\n" for one in listed) + "]" if listed else json.dumps(value)
            text += f"{key} = {shown}\n"
    SCORE.write_text(text, encoding="utf-8", newline="\n")


def read_scores() -> dict[str, dict[str, Any]]:
    """Return what docs/score.toml says of each stage."""
    return tomllib.loads(_text(SCORE)) if SCORE.is_file() else {}
