"""Which lines each test runs, and so which tests can notice a mutant, the likeliest and quickest first."""

from __future__ import annotations

import ast
import os
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from strength.mutants import Mutant

from course.paths import ROOT

#: What the tests of chapter 7's pipeline start. They take seconds each, so mutants do without them.
PIPELINE = {"nox", "nox_on_this_machine.py", "git", "bash", "smoke.py"}
WORD = re.compile(r"\w{4,}")
WEIGHTS = 1, 0.3, 0.1  # of what a test has noticed in the same place, in the same file, anywhere
MENTIONED = 10  # a word that stands in one test alone counts as much as so many mutants that it has noticed
_FIRST = "first"  # the name under which the first test runs for the first time


@dataclass
class Reach:
    """What one test did on the right code: the lines it ran of each file, how long, and what else."""

    seconds: float = 0.0
    starts_a_process: bool = False  # whose lines are not seen
    starts_a_pipeline: bool = False
    lines: dict[str, list[int]] = field(default_factory=dict)


@dataclass
class Reached:
    """What all tests did, by their ids; and the lines that run once for all of them, as imports do."""

    tests: dict[str, Reach]
    once: dict[str, list[int]]


class Recorder:
    """A plugin of pytest that watches the tests on the right code; the first test has to run twice.

    Args:
        folder: the copy of the stage; what is outside its parent folder is not watched.
    """

    def __init__(self, folder: Path) -> None:
        from coverage import Coverage

        self._files = [file.relative_to(folder).as_posix() for file in folder.rglob("*.py")]
        self._coverage = Coverage(data_file=None, config_file=False, include=[f"{folder.parent}/*"])
        self._tests: dict[str, Reach] = {}
        self._now = Reach()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Take the time of one test."""
        if not self._tests:
            sys.addaudithook(self._hear)
            self._coverage.start()
        name = item.nodeid if self._tests else _FIRST
        self._now = self._tests[name] = Reach()
        self._coverage.switch_context(name)
        started = time.perf_counter()
        try:
            return (yield)
        finally:
            self._now.seconds = time.perf_counter() - started

    def reached(self) -> Reached:
        """Stop watching, and return what was seen."""
        self._coverage.stop()
        data = self._coverage.get_data()
        for measured in data.measured_files():
            # Each copy of the stage has another path with the same end: the longest end that names a file.
            found = [file for file in self._files if measured.endswith(f"/{file}")]
            if found:
                for line, names in data.contexts_by_lineno(measured).items():
                    for name in filter(None, names):
                        self._tests[name].lines.setdefault(max(found, key=len), []).append(line)
        first = self._tests.pop(_FIRST)
        again = list(self._tests.values())[-1]
        once = {
            file: sorted(set(lines) - set(again.lines.get(file, ()))) for file, lines in first.lines.items()
        }
        return Reached(self._tests, once)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("subprocess.Popen", "os.posix_spawn", "os.fork"):
            self._now.starts_a_process = True
        if event == "subprocess.Popen" and not isinstance(arguments[1], str | bytes | os.PathLike):
            words = {Path(str(word)).name for word in arguments[1]}
            self._now.starts_a_pipeline |= not PIPELINE.isdisjoint(words)


@dataclass
class Ranking:
    """Which tests are run on a mutant, and in which order.

    ``killers`` counts how often a test noticed something in a place, in a file and anywhere; ``mentions`` has
    the tests that a word stands in: what runs once, as a setting does, is reached by all tests alike.
    """

    reached: Reached
    killers: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    mentions: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        for file in {test.split("::")[0] for test in self.reached.tests}:
            if Path(ROOT, file).is_file():
                for test, text in _texts(Path(ROOT, file)).items():
                    for word in WORD.findall(text):
                        self.mentions[word].add(f"{file}::{test}")

    def tests_for(self, mutant: Mutant, last_killer: str) -> list[str]:
        """Return the ids of the tests that can notice a mutant.

        One that does not reach its lines cannot, unless they run once for all tests or in another process:
        then those come first that reach what is around, the function of a decorator for example. Those that
        start chapter 7's pipeline are left out.

        Args:
            last_killer: the test that noticed it the last time, which is run first.
        """
        lines = mutant.lines
        once = any(line in lines for line in self.reached.once.get(mutant.file, ()))
        killers = [self.killers[where] for where in _places(mutant.key)]
        named = self._named(mutant)
        variants: Counter[str] = Counter()
        ranked = []
        for test, reach in self.reached.tests.items():
            if reach.starts_a_pipeline:
                continue
            run = reach.lines.get(mutant.file, ())
            reaches = any(line in lines for line in run)
            if once or reaches or reach.starts_a_process:
                function = test.split("[")[0]
                variants[function] += 1
                near = any(line in mutant.around for line in run)
                likely = (test != last_killer, function != last_killer.split("[")[0], not reaches, not near)
                noticed = sum(
                    counted[test] * weight for counted, weight in zip(killers, WEIGHTS, strict=True)
                )
                interest = noticed + named[function] / variants[function]
                ranked.append((*likely, -interest, variants[function], reach.seconds, test))
        return [test for *_, test in sorted(ranked)]

    def _named(self, mutant: Mutant) -> Counter[str]:
        """Return how much each test mentions of the mutant's lines: the more, the rarer a word is."""
        lines = mutant.code().splitlines()[mutant.lines.start - 1 : mutant.lines.stop - 1]
        named: Counter[str] = Counter()
        for word in set(WORD.findall("\n".join([mutant.old, *lines]))):
            for function in self.mentions.get(word, ()):
                named[function] += MENTIONED / len(self.mentions[word])
        return named

    def seconds(self, test: str) -> float:
        """Return how long a test took on the right code."""
        return self.reached.tests[test].seconds

    def learn(self, key: str, killer: str) -> None:
        """Remember which test noticed a mutant, for others in the same place."""
        if killer:
            for where in _places(key):
                self.killers[where][killer] += 1


def _texts(file: Path) -> dict[str, str]:
    """Return the text of each test in ``file``, with what is shared by all in it."""
    source = file.read_text(encoding="utf-8")
    tests, shared = {}, []
    for node in ast.parse(source).body:
        text = ast.unparse(node)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            tests[node.name] = text
        else:
            shared.append(text)
    return {name: "\n".join([text, *shared]) for name, text in tests.items()}


def _places(key: str) -> tuple[str, str, str]:
    """Return the place of a mutant, its file, and anywhere."""
    place = key.split(": ")[0]
    return place, place.split(" ")[0], ""
