"""`console` fences: commands and what they print, read from a page and shown in it. replay.py runs them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from course.paths import ROOT
from course.site.page import Page, Piece
from course.site.transcripts.needs import NEEDS
from course.site.transcripts.shells import powershell, tabs

PROGRAMS = ("flask", "python", "pytest", "nox")
#: Shown and not run here: by a reader of the course; or on a server, by the drills, which read the page.
ELSEWHERE = ("course", "server")
#: What a reader runs and the suite does not: a server, or a client of one elsewhere.
NOT_RUN = (
    ["flask", "run"],
    ["flask", "--app"],
    ["python", "run.py"],
    ["python", "smoke.py"],
    ["git", "clone"],
)

_ASSIGNMENT = re.compile(r"([A-Z_][A-Z0-9_]*)=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Command:
    """A command line, and what it printed when it was recorded."""

    line: str
    offset: int  # of its line in the fence, from 0
    output: list[str] = field(default_factory=list)

    def words(self) -> tuple[dict[str, str], list[str]]:
        """Return the variables set for this command alone, and its words."""
        words = shlex.split(self.line)
        variables = {}
        while words and (assignment := _ASSIGNMENT.fullmatch(words[0])):
            variables[assignment[1]] = assignment[2]
            words = words[1:]
        return variables, words


def read_console(page: Page, piece: Piece) -> list[Command]:
    """Return the commands of a `console` fence.

    Raises:
        PageError: there is none, one that must not be run, or a need that is not in NEEDS.
    """
    commands: list[Command] = []
    for need in needs_of(piece):
        if need not in NEEDS:
            raise page.error(piece.line, f"there is no need {need!r}: name one of {', '.join(NEEDS)}")
    for offset, line in enumerate(piece.body):
        if line.startswith("$ "):
            commands.append(Command(line[2:], offset))
            continue
        if not commands:
            raise page.error(
                piece.line + 1 + offset, "a console fence begins with a command: write $ before it"
            )
        if not re.fullmatch(r"\[exit \d+\]", line):
            commands[-1].output.append(line)
    if not commands:
        raise page.error(piece.line, "this console fence has no command: write one after $")
    for command in commands:
        _check_command(page, piece, command)
    return commands


def render_console(page: Page, piece: Piece) -> str:
    """Return the commands, in a tab for each shell where those differ, and what they print."""
    commands = read_console(page, piece)
    if kind_of(piece) == "server":  # which has bash
        return "\n".join(["```{ .console }", *(f"$ {command.line}" for command in commands), "```"])
    shells: dict[str, list[str]] = {"bash": [], "PowerShell": []}
    for command in commands:
        output = [*command.output]
        shells["bash"] += [f"$ {command.line}", *output]
        shells["PowerShell"] += [f"PS> {powershell_line(command)}", *output]
    if all(powershell_line(command) == command.line for command in commands):
        return "\n".join(["```{ .console }", *shells["bash"], "```"])
    languages = {"bash": "{ .console }", "PowerShell": "{ .ps1con }"}
    return "\n".join(tabs({name: (languages[name], lines) for name, lines in shells.items()}))


def powershell_line(command: Command) -> str:
    """Return a command as PowerShell takes it."""
    variables, words = command.words()
    if not variables and words[0] != "python3":
        return command.line
    rest = command.line
    for name in variables:
        rest = rest[rest.index(name) :].split(" ", 1)[1] if " " in rest else rest
    if words[0] == "python3":
        rest = rest.replace("python3", "py", 1)
    return "".join(f"$env:{name} = {powershell(value)}; " for name, value in variables.items()) + rest.strip()


def kind_of(piece: Piece) -> str:
    """Return the word behind `console`."""
    return piece.argument.split(" ")[0]


def needs_of(piece: Piece) -> list[str]:
    """Return what a fence says it needs besides the course: the words of `needs="..."`."""
    return [need for name, value in piece.options()[1] if name == "needs" for need in value.split()]


def _check_command(page: Page, piece: Piece, command: Command) -> None:
    line = piece.line + 1 + command.offset
    _, words = command.words()
    program = words[0] if words else ""
    if kind_of(piece) not in ELSEWHERE:
        if program not in PROGRAMS:
            raise page.error(line, f"{program} is not run here, only {', '.join(PROGRAMS)}: use one of them")
        return
    if command.output:
        raise page.error(line + 1, f"`console {kind_of(piece)}` is not run: leave its output out")
    if kind_of(piece) == "server":
        return
    if words[:3] == ["python3", "-m", "course"]:
        if len(words) > 3 and not words[3].startswith("-") and words[3] not in _commands():
            raise page.error(line, f"the course has no {words[3]}: name one of {', '.join(_commands())}")
    elif program == "cd" or words[:2] == ["cp", "-r"]:  # PowerShell takes both of them too
        for folder in (name for name in words[1:] if "/" in name):
            # A clone is named as the repository is; the learner's folder, as a chapter is.
            if not (ROOT / folder.replace("workspace/", "chapters/", 1)).is_dir():
                raise page.error(line, f"there is no folder {folder}: name one that is there")
    elif words == ["mkdir", "workspace"]:
        return
    elif words[:2] == ["python", "-m"] and words[2].startswith("benchmarks"):  # from final/, for minutes
        place = ROOT / "final" / words[2].replace(".", "/")
        if not (place.is_dir() or place.with_suffix(".py").is_file()):
            raise page.error(line, f"there is no {words[2]} in final: name one that is there")
    elif words[:2] not in NOT_RUN:
        raise page.error(line, f"`{command.line}` can be run and compared: drop the word course")


def _commands() -> list[str]:
    """Return the commands of the course, as its command line declares them."""
    declared = (ROOT / "course" / "cli.py").read_text(encoding="utf-8")
    return re.findall(r"(?ms)^@cli\.command\(.*?^def (\w+)\(", declared)
