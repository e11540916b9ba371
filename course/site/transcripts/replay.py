"""Runs a page's transcripts against its stage, and compares or records what came back."""

from __future__ import annotations

import importlib
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from course.lessons.stages import find_stage
from course.lessons.steps import build_step
from course.paths import ROOT
from course.setup.environment import environment
from course.site.page import LANGUAGES, Page, Piece, read_page
from course.site.transcripts.console import ELSEWHERE, Command, kind_of, needs_of, read_console
from course.site.transcripts.http import Exchange, fields_of, fill, read_http
from course.site.transcripts.needs import NEEDS, redis_url

SHOWN = ("Location", "Content-Type", "Allow", "WWW-Authenticate", "Retry-After")  # until an author chooses
TIMEOUT = 60  # seconds for a command
EXAMPLES = "docs/examples/"

#: What differs from run to run, and what is compared in its place.
MASKS = tuple(
    (re.compile(pattern), mask)
    for pattern, mask in (
        (r"eyJ[\w-]+(?:\.[\w-]+\.[\w-]+|…)", "<token>"),
        (r"rt_[\w.-]{12,}…?", "<refresh token>"),
        (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{32}\b", "<id>"),
        (r"^[\w-]{43}(?=  ES256| signs )", "<key>"),  # the thumbprint of a key (RFC 7638)
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?", "<time>"),
        (r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT|\b\d\d:\d\d:\d\d\b", "<time>"),
        (r"\b\d+(?:\.\d+)? ?m?s\b|(?<=dur=)[\d.]+|(?<=\"milliseconds\":)[\d.]+", "<duration>"),
        (r" *\b\d+\.\d+ times\b", " <ratio> times"),
    )
)

#: A prompt for a password reads from the terminal, whatever its input is; in a transcript it reads its input.
GETPASS = """import getpass, sys
def read(prompt="", stream=None, **_):
    print(prompt, end="", flush=True)
    line = sys.stdin.readline().rstrip("\\n")
    print(flush=True)
    return line
getpass.getpass = read
"""


@dataclass(frozen=True)
class Result:
    """A fence that was run: the lines in the page, and the lines that should be there."""

    piece: Piece
    recorded: list[str]
    actual: list[str]
    missing: str = ""  # why it was not run and is taken as it was recorded

    @property
    def same(self) -> bool:
        """Whether both say the same, what differs from run to run aside."""
        pattern = "".join(
            r"(?:(?!\[exit ).*\n)*?" if line.strip() == "..." else re.escape(mask(line)) + "\n"
            for line in self.recorded
        )
        return re.fullmatch(pattern, "".join(f"{mask(line)}\n" for line in self.actual)) is not None


def mask(text: str) -> str:
    """Return ``text`` with times, tokens and ids replaced by their names."""
    for pattern, name in MASKS:
        text = pattern.sub(name, text)
    return text


def replay(page: Page, pieces: Sequence[Piece], scratch: Path) -> Iterator[Result]:
    """Run the transcripts of a page in their order; state goes on from one to the next.

    Args:
        scratch: an empty folder for the copy of the stage.

    Raises:
        PageError: a transcript cannot be run.
    """
    with ExitStack() as stack:
        player = None
        for piece in pieces:
            if piece.name == "stage":
                page = replace(page, stage=piece.argument)
                player = None  # another stage is another service
            if piece.kind != "fence" or kind_of(piece) in ELSEWHERE:
                continue
            if not page.stage and not _is_of_examples(page, piece):
                raise page.error(piece.line, "nothing says what this is run against: add <!-- stage: 02 -->")
            if missing := " and ".join(filter(None, (NEEDS[need]() for need in needs_of(piece)))):
                yield Result(piece, piece.body, piece.body, missing)
                continue
            player = player or _Player(page, scratch, stack)
            lines = player.http(piece) if piece.name == "http" else player.console(piece)
            divider = piece.body.index("---") + 1 if piece.name == "http" and "---" in piece.body else 0
            yield Result(piece, piece.body[divider:] if divider or piece.name != "http" else [], lines)


def update(path: str) -> tuple[list[int], list[str]]:
    """Record the transcripts of a page where they differ, in both languages.

    Returns:
        the lines that changed, and a sentence for each transcript that could not be run here.
    """
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        page, pieces = read_page(path, "en")
        results = list(replay(page, pieces, Path(scratch)))
    changed = [result for result in results if not result.same]
    number = {piece.line: n for n, piece in enumerate(_fences(pieces))}
    for lang in LANGUAGES if changed else ():
        other, pieces = read_page(path, lang)
        lines = other.file.read_text(encoding="utf-8").split("\n")
        fences = _fences(pieces)
        for result in reversed(changed):  # from the end, so that the lines above keep their numbers
            piece = fences[n] if (n := number[result.piece.line]) < len(fences) else None
            if piece is None or _source(piece) != _source(result.piece):
                continue  # not translated yet, and the parity of the languages says so
            request = _source(piece)[1:]
            new = [*request, "---", *result.actual] if piece.name == "http" else result.actual
            start = piece.line
            lines[start : start + len(piece.body)] = [piece.indent + line if line else "" for line in new]
        other.file.write_text("\n".join(lines), encoding="utf-8", newline="\n")
    left = [f"{result.piece.line} was not run, {result.missing}" for result in results if result.missing]
    return [result.piece.line for result in changed], left


def _is_of_examples(page: Page, piece: Piece) -> bool:
    """Return whether a fence runs nothing but examples, which belong to no stage."""
    if piece.name != "console":
        return False
    commands = [command.words()[1] for command in read_console(page, piece)]
    return all(" ".join(words).startswith(f"python {EXAMPLES}") for words in commands)


def _fences(pieces: Sequence[Piece]) -> list[Piece]:
    return [piece for piece in pieces if piece.kind == "fence"]


def _source(piece: Piece) -> tuple[str, ...]:
    """Return what an author writes in a fence, which is the same in both languages."""
    body = piece.body
    if piece.name == "http":
        return ("http", *body[: body.index("---") if "---" in body else len(body)])
    return (piece.name, *(line for line in body if line.startswith("$ ")))


class _Player:
    """One page's service, from its first transcript to its last."""

    def __init__(self, page: Page, scratch: Path, stack: ExitStack) -> None:
        if str(ROOT / "tests") not in sys.path:
            sys.path.insert(0, str(ROOT / "tests"))
        self._adapter: Any = importlib.import_module("kit.adapter")
        self.page = page
        self.stack = stack
        self.known: dict[str, str] = {}
        self.app: Any = None
        (scratch / "sitecustomize.py").write_text(GETPASS, encoding="utf-8")
        self.scratch = scratch

    @cached_property
    def loaded(self) -> Any:
        """The stage of the page, in a folder of its own."""
        name, _, step = self.page.stage.partition(" step ")
        stage = find_stage(name)
        if step:
            folder = self.scratch / f"step-{step}"
            shutil.rmtree(folder, ignore_errors=True)
            build_step(stage, int(step), folder)
            stage = replace(stage, path=folder)
        return self._adapter.LoadedStage(stage.name, stage.number, stage.path, self.scratch)

    def start(self) -> Any:
        """Return the application, made when it is first needed."""
        if self.app is None:
            stage = self._adapter.Stage(self.loaded)
            if self.loaded.number >= self._adapter.FACTORY:
                stage.keep_in(Path(mkdtemp(dir=self.scratch), "page.sqlite"))  # commands find it there
            self.app = stage.app
            self.stack.callback(stage.close)
        return self.app

    def http(self, piece: Piece) -> list[str]:
        """Send the request of a fence and return the response as a page records it."""
        exchange = read_http(self.page, piece)
        if exchange.fresh:
            self.app, self.known = None, {}
        try:
            path, body = fill(exchange.path, self.known), fill(exchange.body, self.known)
            headers = {name: fill(value, self.known) for name, value in exchange.sent_headers.items()}
        except LookupError as error:
            raise self.page.error(
                piece.line, f"no answer above has the field {error.args[0]!r}: ask for it first"
            ) from None
        client = self.start().test_client()
        data = body.encode() or None
        with redirect_stdout(io.StringIO()):  # `start` prints a line for every request
            response = client.open(path, method=exchange.method, headers=headers, data=data)
        self.known |= fields_of(response.text)
        return list(_record(exchange, response))

    def console(self, piece: Piece) -> list[str]:
        """Run the commands of a fence and return them with what they print."""
        typed = [value for name, value in piece.options()[1] if name == "typed"]
        lines = []
        for command in read_console(self.page, piece):
            status, output = self._run(command, "".join(f"{line}\n" for line in typed))
            lines += [f"$ {command.line}", *output]
            if status:
                lines.append(f"[exit {status}]")
        return lines

    def _run(self, command: Command, typed: str) -> tuple[int, list[str]]:
        variables, words = command.words()
        folder = self.loaded.folder if self.page.stage else self.scratch
        if words[1:] and words[1].removeprefix("../../").startswith(EXAMPLES):
            words[1] = str(ROOT / words[1].removeprefix("../../"))  # ../../ from the folder of a stage
        program = sys.executable if words[0] == "python" else _script(words[0])
        clean = {name: value for name, value in environment().items() if not name.startswith("FLASK_")}
        terminal = {
            "PYTHONPATH": str(self.scratch),  # for sitecustomize.py
            "PYTHONUTF8": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "COLUMNS": "88",  # a listing of a page shows 92
            "NO_COLOR": "1",
            "REDIS_URL": redis_url(),
            "APP_CONFIG": "config.DevelopmentConfig",  # wsgi.py of final would want a server's secrets
        }
        done = subprocess.run(
            [program, *words[1:]],
            cwd=folder,
            env=clean | terminal | self._database() | variables,
            input=typed.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT,
        )
        text = done.stdout.decode("utf-8", errors="replace").replace("\r\n", "\n")
        text = text.replace(str(folder) + os.sep, "").replace(str(folder), ".")
        return done.returncode, [
            line.rstrip() for line in text.rstrip("\n").split("\n")
        ] if text.strip() else []

    def _database(self) -> dict[str, str]:
        """Return the variable that gives a command the database of the page's requests."""
        if not self.page.stage or self.loaded.number < self._adapter.FACTORY:
            return {}
        return {"FLASK_SQLALCHEMY_DATABASE_URI": str(self.start().config["SQLALCHEMY_DATABASE_URI"])}


def _script(name: str) -> str:
    """Return the program that was installed beside this Python."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or name


def _record(exchange: Exchange, response: Any) -> Iterator[str]:
    yield f"HTTP/1.1 {response.status}"
    for name in exchange.recorded_headers or SHOWN:
        if name in response.headers:
            value = response.headers[name]
            if name == "Allow":  # a set, whose order differs at every start
                value = ", ".join(sorted(value.split(", ")))
            yield f"{name}: {value}"
    if response.text:
        yield ""
        shortened = re.sub(r"(eyJ[\w-]{12})[\w-]*\.[\w-]+\.[\w-]+", r"\1…", response.text.rstrip("\n"))
        shortened = re.sub(r"(rt_[\w.-]{12})[\w.-]{50,}", r"\1…", shortened)
        yield from shortened.split("\n")
