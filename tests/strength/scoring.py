"""Counts how many named faults and mutants the tests of a stage notice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue

from strength.harness import Harness, NotEnded
from strength.mutants import Mutant, mutants_of, normal
from strength.reach import Ranking, Reached
from strength.records import Digests, Record, digest, line_of, read_records

from course.errors import Failure
from course.lessons.faults import Fault, all_faults
from course.lessons.scores import FLOOR, FLOOR_OF_FINAL, reasons
from course.lessons.stages import FINAL_NUMBER, Stage
from course.paths import ROOT

TESTS = ROOT / "tests"
#: Seconds that a test may take on a mutant: these, plus a multiple of its time on the right code.
LIMIT, FACTOR = 15, 20
RIGHT_LIMIT = 300  # seconds that a test may take on the right code, where its lines are counted
#: Tests with this mark or in these files start threads, servers or jobs: they run on named faults only.
SLOW_MARK, SLOW_FILES = "threads", ("tests/drills/", "tests/final/test_pipeline.py")
#: How many tests are run on a mutant of `final`, where a test takes longer than in a chapter.
MOST_TESTS = 1000
#: How many tests are run to see whether a mutant that is listed as equivalent really is.
ASKED_OF_EQUIVALENT = 40


@dataclass(frozen=True)
class Subject:
    """What is scored: the code of a stage, its tests, and its faults and mutants."""

    name: str
    folder: Path
    tests: list[Path]
    mutants: list[Mutant]
    faults: list[Fault] = field(default_factory=list)
    equivalent: frozenset[str] = frozenset()  # keys of mutants that change nothing a test could see
    every: int = 1  # one mutant out of this many is tried
    slow_mark: str = ""  # tests with this mark are not run on mutants
    most_tests: int | None = None  # how many tests are run on one mutant, the likeliest and quickest
    floor: float = FLOOR  # the share of the mutants that has to be noticed


@dataclass(frozen=True)
class Score:
    """How the tests did on one subject."""

    digest: str  # of the code, the tests and the packages
    faults: int
    caught: int
    mutants: int
    every: int  # one mutant out of this many was tried
    killed: int
    stopped: int
    equivalent: int
    survivors: list[str]
    missed: list[str]  # faults
    wrongly_listed: list[str]  # listed as equivalent, but a test is red on them
    floor: float

    @property
    def share(self) -> float:
        """The share of noticed mutants among those that change anything."""
        return (self.killed + self.stopped) / max(1, self.mutants - self.equivalent)

    @property
    def good(self) -> bool:
        """Whether the score is what the course promises."""
        return self.caught == self.faults and self.share >= self.floor


def subject_of(stage: Stage, every: int = 1) -> Subject:
    """Return what is scored of ``stage``: the files it adds or changes, and the tests that hold for it."""
    tests = [file for file in sorted(TESTS.glob("test_0*.py")) if int(file.name[5:7]) <= stage.number]
    faults = [fault for fault in all_faults() if fault.stage == stage]
    if stage.number == FINAL_NUMBER:
        tests.append(TESTS / "final")
        files = {TESTS / fault.caught_by.split("::")[0] for fault in faults}
        tests += sorted(file for file in files if file.parent == TESTS / "drills")
    mutants = [mutant for file in files_of(stage) for mutant in mutants_of(file, _text(stage.path / file))]
    # Chosen by the hash of their names, so that they stay the same.
    sample = [mutant for mutant in mutants if int(digest(mutant.key), 16) % every == 0]
    listed = frozenset(key for reason in reasons() if reason.holds_for(stage) for key in reason.mutants)
    limits = (SLOW_MARK, MOST_TESTS, FLOOR_OF_FINAL) if stage.number == FINAL_NUMBER else ()
    return Subject(stage.name, stage.path, tests, sample, faults, listed, every, *limits)


def files_of(stage: Stage) -> list[str]:
    """Return the files whose mutants count: the application's; what only starts it is run by other tests."""
    if stage.number == FINAL_NUMBER:
        files = [file.relative_to(stage.path).as_posix() for file in stage.path.rglob("*.py")]
    else:
        files = [*stage.added, *stage.changed]
    mine = ("app/", "config.py", "migrations/versions/")
    return sorted(file for file in files if file.startswith(mine) and file.endswith(".py"))


def score_subject(
    subject: Subject, file: Path, jobs: int, tell: Callable[[int, int], None] = lambda done, of: None
) -> Score:
    """Put each fault and mutant into a copy of the subject, and count how many its tests notice.

    Args:
        file: of the records: read first, and written as they come.
        jobs: how many copies are tried at a time.
        tell: called after each with the number done and the total.

    Raises:
        Failure: the tests are red on the right code.
    """
    shared = [TESTS / name for name in ("conftest.py", "kit/adapter.py", "kit/service.py")]
    digests = Digests.of(subject.folder, subject.tests, shared)
    before = {record.key: record for record in read_records(file)}
    elsewhere = {one.key: one.killer for path in file.parent.glob("*.jsonl") for one in read_records(path)}
    killers = elsewhere | {key: record.killer for key, record in before.items() if record.killer}
    known = {key: record.outcome for key, record in before.items() if digests.hold(record)}
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as records:
        records.writelines(map(line_of, before.values()))
        records.flush()  # else a run that is stopped at once would lose earlier results

        def keep(record: Record) -> None:
            known[record.key] = record.outcome
            test = digests.of_killer(record.killer)
            records.write(line_of(replace(record, whole=digests.whole, code=digests.code, test=test)))
            records.flush()
            tell(len(known), len(subject.faults) + len(subject.mutants))

        faults = [fault for fault in subject.faults if _key(fault) not in known]
        mutants = [mutant for mutant in subject.mutants if mutant.key not in known]
        if faults or mutants:
            _try_all(subject, faults, mutants, killers, jobs, keep)
    return _count(subject, known, digests.whole)


def _try_all(
    subject: Subject,
    faults: Iterable[Fault],
    mutants: Iterable[Mutant],
    killers: dict[str, str],
    jobs: int,
    keep: Callable[[Record], None],
) -> None:
    """Try faults and mutants, several at a time, and give each record to ``keep`` as it comes."""
    with ExitStack() as stack:
        harnesses = [stack.enter_context(Harness(subject.tests)) for _ in range(jobs)]
        free: SimpleQueue[Harness] = SimpleQueue()
        for harness in harnesses:
            free.put(harness)
        ranking = Ranking(_reached(subject, harnesses[0]))
        for key, killer in killers.items():
            ranking.learn(key, killer)

        def try_fault(fault: Fault) -> Record:
            harness = free.get()
            try:
                with harness.copy(subject.folder) as folder:
                    fault.plant(folder)
                    return _try(harness, folder, _key(fault), harness.find(fault.caught_by, subject.name))
            finally:
                free.put(harness)

        def try_mutant(mutant: Mutant) -> Record:
            harness = free.get()
            try:
                most = ASKED_OF_EQUIVALENT if mutant.key in subject.equivalent else subject.most_tests
                tests = ranking.tests_for(mutant, killers.get(mutant.key, ""))[:most]
                with harness.copy(subject.folder) as folder:
                    (folder / mutant.file).write_text(mutant.code(), encoding="utf-8")
                    limits = {test: LIMIT + FACTOR * ranking.seconds(test) for test in tests}
                    record = _try(harness, folder, mutant.key, tests, limits)
            finally:
                free.put(harness)
            ranking.learn(mutant.key, record.killer)
            return record

        pool = stack.enter_context(ThreadPoolExecutor(jobs))
        futures = [pool.submit(try_fault, fault) for fault in faults]
        futures += [pool.submit(try_mutant, mutant) for mutant in mutants]
        try:
            for future in as_completed(futures):
                keep(future.result())
        finally:
            pool.shutdown(cancel_futures=True)


def _reached(subject: Subject, harness: Harness) -> Reached:
    """Run the tests on the right code, and return which lines each runs."""
    tests = [
        one.id
        for one in harness.tests
        if one.stage in (None, subject.name)
        and subject.slow_mark not in one.marks
        and not one.id.startswith(SLOW_FILES)
    ]
    with harness.copy(subject.folder) as folder:
        for file in {mutant.file for mutant in subject.mutants}:  # the lines of a mutant are counted there
            (folder / file).write_text(normal(_text(folder / file)), encoding="utf-8")
        limits = dict.fromkeys(tests, RIGHT_LIMIT)
        try:
            reply = harness.run(folder, tests, limits=limits, first_only=True, measure=True)
        except NotEnded as error:
            raise Failure(f"{subject.name} cannot be scored: a test does not end.\n{error}") from None
    for report in reply.reports:
        if report.failed:
            why = f"{report.test} is red on the right code: {_last_line(report.text)}"
            raise Failure(f"{subject.name} cannot be scored: {why}")
    assert reply.reached
    return reply.reached


def _try(
    harness: Harness, folder: Path, key: str, tests: list[str], limits: dict[str, float] | None = None
) -> Record:
    """Run ``tests`` until one is red on the changed copy, and return the result."""
    if not tests:
        return Record(key, "survived")
    try:
        reply = harness.run(folder, tests, limits=limits, first_only=True)
    except NotEnded:
        return Record(key, "stopped")
    red = next((report for report in reply.reports if report.failed), None)
    return Record(key, "killed", red.test, _last_line(red.text)) if red else Record(key, "survived")


def _count(subject: Subject, outcomes: dict[str, str], whole: str) -> Score:
    counted = Counter(outcomes[mutant.key] for mutant in subject.mutants)
    survivors = [mutant.key for mutant in subject.mutants if outcomes[mutant.key] == "survived"]
    missed = [fault.name for fault in subject.faults if outcomes[_key(fault)] == "survived"]
    noticed = {key for key, outcome in outcomes.items() if outcome != "survived"}
    return Score(
        digest=whole,
        faults=len(subject.faults),
        caught=len(subject.faults) - len(missed),
        mutants=len(subject.mutants),
        every=subject.every,
        killed=counted["killed"],
        stopped=counted["stopped"],
        equivalent=sum(key in subject.equivalent for key in survivors),
        survivors=[key for key in survivors if key not in subject.equivalent],
        missed=missed,
        wrongly_listed=sorted(subject.equivalent & noticed),
        floor=subject.floor,
    )


def _key(fault: Fault) -> str:
    return f"fault {fault.name}"


def _last_line(text: str) -> str:
    return "".join(text.strip().splitlines()[-1:])


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
