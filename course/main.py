"""Sets the course up where needed, then runs the command line. Standard library only, until it is set up."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from course import messages
from course.errors import Failure, explain_os_error
from course.judging.progress import choose_language
from course.lessons.stages import UnknownStage, find_stage
from course.paths import ROOT
from course.setup.environment import hand_over, inside_venv, misled, signals_as_interrupt, venv_python
from course.setup.install import ready, set_up
from course.setup.locks import CHAPTER_7, TESTS
from course.setup.venv import make_importable


def main(arguments: Sequence[str]) -> int:
    """Run the command line, making its environment first where needed; return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a console of code page 949 lacks characters
    try:
        with signals_as_interrupt():
            if arguments[:1] == ["doctor"]:  # it has to work where nothing can be set up
                from course.setup.doctor import doctor

                return doctor(arguments[1:])
            locks = needed(arguments)
            if not inside_venv() or not ready(*locks):
                if (not arguments or arguments[0] in ("-h", "--help")) and not ready():
                    print(overview())  # help can be read without waiting for an installation
                    return 0
                choose_language(arguments)
                set_up(*locks)
                hand_over([str(venv_python()), "-m", "course", *arguments])
            if misled():  # a verdict depends on the code alone: start again without what misleads
                hand_over([str(venv_python()), "-m", "course", *arguments])
            with suppress(OSError):  # a folder that is read-only works from the course's own folder alone
                make_importable()
            from course.cli import run_command_line

            return run_command_line(list(arguments))
    except Failure as failure:
        print(failure, file=sys.stderr)
    except OSError as error:
        print(explain_os_error(error), file=sys.stderr)
    except KeyboardInterrupt:
        print("\n" + messages.say("setup.stopped"), file=sys.stderr)
    return 1


def needed(arguments: Sequence[str]) -> tuple[Path, ...]:
    """Return the locks that a command needs besides the learner's.

    Chapter 7's tools are needed by the commands that begin or judge that chapter, or what follows it.
    """
    if arguments[:1] in (["test"], ["score"]):
        return (TESTS,)
    if {"begin", "check", "report"} & set(arguments) and any(map(_has_pipeline, arguments)):
        return (CHAPTER_7,)
    return ()


def _has_pipeline(argument: str) -> bool:
    """Return whether an argument names a stage with chapter 7's pipeline, or a folder or zip of one."""
    try:
        return find_stage(Path(argument).stem).number >= 7
    except UnknownStage:
        return False


def overview() -> str:
    """Return the commands with a line on each, read from cli.py without running it: there is no click yet."""
    tree = ast.parse((ROOT / "course" / "cli.py").read_text(encoding="utf-8"))
    commands = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list]
    lines = [
        f"  {c.name.rstrip('_'):<10}{(ast.get_docstring(c) or '').splitlines()[0]}" for c in commands[1:]
    ]
    command = messages.COMMAND
    return "\n".join([f"Usage: {command} COMMAND", "", "Commands:", *lines, "", f"Begin with: {command} up"])
