"""The commands with their options; the module of the same name in course/commands runs each."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from course import messages

PORT = click.IntRange(1, 65535)

CHAPTER = click.argument("chapter", metavar="CHAPTER")
FOLDER = click.argument("key", metavar="CHAPTER|FOLDER|ZIP")
STEP = click.option("--step", type=int, help="Take the state after this step instead of the finished stage.")
AS_CHAPTER = click.option("--chapter", help="The chapter of a folder or zip whose name does not say it.")


def remember_language(_context: click.Context, _option: click.Parameter, lang: str | None) -> None:
    """Save the chosen language for later commands."""
    from course.judging.progress import Progress

    if lang is not None:
        progress = Progress()
        progress.language = lang
        progress.save()


def language_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--lang`, which the commands for learners have."""
    return click.option(
        "--lang",
        type=click.Choice(messages.LANGUAGES),
        expose_value=False,
        callback=remember_language,
        help="Language of the messages; later commands use it too.",
    )(command)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@language_option
def cli() -> None:
    """Learn Flask by improving one service, one practice at a time. Begin with: python3 -m course up"""


@cli.command()
@click.option("--site-port", type=PORT, help="Port of the site; by default 8000 or the next free port.")
@click.option("--port", type=PORT, help="Port of the service; by default 8001 or the next free port.")
def up(site_port: int | None, port: int | None) -> int:
    """Serve the site and the final service on this computer, with a demo account."""
    from course.commands.up import up

    return up(site_port, port)


@cli.command()
@click.argument("stage")
@click.option("--port", type=PORT, default=5000, show_default=True, help="Port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--reload/--no-reload", default=True, help="Restart when a file changes.")
@STEP
def run(stage: str, port: int, host: str, reload: bool, step: int | None) -> int:
    """Run a stage: start, a chapter's number, or final."""
    from course.commands.run import run

    return run(stage, port, host, reload, step)


@cli.command()
@CHAPTER
@click.option("--again", is_flag=True, help="Rename your folder and start the chapter again.")
@click.option("--step", type=int, help="Begin at this step, as if you had done those before it.")
@language_option
def begin(chapter: str, again: bool, step: int | None) -> int:
    """Begin a chapter with a copy of the stage before it."""
    from course.commands.begin import begin

    return begin(chapter, again, 1 if step is None else step)


@cli.command()
@FOLDER
@AS_CHAPTER
@click.option("--watch", is_flag=True, help="Keep running and check after every save.")
@click.option("--full", is_flag=True, help="Show the full output of the tests.")
@click.option("--my-tests", is_flag=True, help="Grade your tests instead: which named faults do they catch?")
@click.option("--stretch", is_flag=True, help="Check the chapter's stretch tasks instead.")
@click.option("--try", "tried", is_flag=True, help="Check the parts of Try it that ask for code instead.")
@click.option("--only", metavar="WHICH", help="Check one behaviour by its number in the list, or step3.")
@language_option
def check(
    key: str,
    chapter: str | None,
    watch: bool,
    full: bool,
    my_tests: bool,
    stretch: bool,
    tried: bool,
    only: str | None,
) -> int:
    """Run the course's tests on your code for a chapter."""
    if sum([watch, my_tests, stretch, tried, only is not None]) > 1:
        raise click.UsageError(messages.say("usage.one_of"))
    if only is not None:
        from course.commands.only import check_only

        return check_only(key, only, full, chapter)
    if my_tests:
        from course.commands.my_tests import check_my_tests

        return check_my_tests(key, chapter)
    if stretch or tried:
        from course.commands.stretch import check_stretch

        return check_stretch(key, full, chapter, "stretch" if stretch else "try")
    if watch:
        from course.commands.watch import watch_folder

        return watch_folder(key, chapter)
    from course.commands.check import check

    return check(key, full, chapter)


@cli.command()
@FOLDER
@language_option
def hint(key: str) -> int:
    """Show another hint for the behaviour to work on next."""
    from course.commands.hint import hint

    return hint(key)


@cli.command()
@CHAPTER
@click.argument("file", required=False)
@click.option("--mine", is_flag=True, help="Show what your folder still lacks instead.")
@click.option("--step", type=int, help="Show only what this step changes.")
@language_option
def diff(chapter: str, file: str | None, mine: bool, step: int | None) -> int:
    """Show what a chapter changes, file by file."""
    from course.commands.diff import diff

    return diff(chapter, mine, file, step)


@cli.command()
@CHAPTER
@click.option("--yes", is_flag=True, help="Replace existing files without asking.")
@STEP
@language_option
def solution(chapter: str, yes: bool, step: int | None) -> int:
    """Copy the finished files of a chapter to a folder beside yours."""
    from course.commands.solution import solution

    return solution(chapter, yes, step)


@cli.command()
@language_option
def progress() -> int:
    """Show what is done and what is next."""
    from course.commands.progress import progress

    return progress()


@cli.command()
@click.argument("submissions", metavar="CHAPTER|FOLDER|ZIP...", nargs=-1, required=True)
@AS_CHAPTER
@click.option("--junit", type=click.Path(path_type=Path), help="Write JUnit XML to this file.")
@click.option("--json", "as_json", type=click.Path(path_type=Path), help="Write JSON to this file.")
@click.option("--into", type=click.Path(path_type=Path), help="Write the results of many to this folder.")
@language_option
def report(
    submissions: tuple[str, ...],
    chapter: str | None,
    junit: Path | None,
    as_json: Path | None,
    into: Path | None,
) -> int:
    """Check what was handed in and write the result for other programs, such as graders."""
    from course.commands.report import report

    return report(submissions, chapter, junit, as_json, into)


@cli.command(context_settings={"ignore_unknown_options": True})
@click.option("--all", "everything", is_flag=True, help="Run the drills and all that takes long, too.")
@click.option("--quick", is_flag=True, help="Run only what the changes since the last commit concern most.")
@click.option("--record", is_flag=True, help="Keep how long each test took, for the progress of later runs.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def test(pytest_arguments: tuple[str, ...], everything: bool, quick: bool, record: bool) -> int:
    """Test the course itself: style, types, imports, every stage, the site."""
    from course.commands.test import test

    return test(pytest_arguments, everything=everything, quick=quick, record=record)


@cli.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def doctor(arguments: tuple[str, ...]) -> int:
    """Say what is wrong with this computer and how to fix it."""
    from course.setup.doctor import doctor

    return doctor(arguments)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--for", "systems", default="linux,macos,windows", show_default=True, help="The systems in the room."
)
@click.option(
    "--python",
    "pythons",
    default="3.11,3.12,3.13",
    show_default=True,
    help="The Python versions in the room.",
)
def pack(folder: Path, systems: str, pythons: str) -> int:
    """Make a folder to take to a room without internet."""
    from course.commands.pack import pack

    return pack(folder, systems.split(","), pythons.split(","))


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
def carry(file: Path) -> int:
    """For maintainers: apply an edit of a chapter's file to the later chapters."""
    from course.commands.carry import carry

    return carry(file)


@cli.command()
@CHAPTER
@click.option("--take", is_flag=True, help="Take your edits of the folders back.")
@click.option(
    "--carry", metavar="REVISION", help="Carry what changed in the chapter since then into its steps."
)
@click.option("--record", is_flag=True, help="Record which behaviours each step turns green.")
def step(chapter: str, take: bool, carry: str | None, record: bool) -> int:
    """For maintainers: lay out the steps of a chapter as folders to edit."""
    from course.commands import steps

    if carry is not None:
        return steps.carry_through(chapter, carry)
    if take:
        return steps.take(chapter)
    return steps.record(chapter) if record else steps.lay_out(chapter)


@cli.command()
@click.argument("stages", nargs=-1)
@click.option("--write", is_flag=True, help="Write the numbers to docs/score.toml, which the site shows.")
@click.option(
    "--jobs", type=click.IntRange(1), help="How many mutants to run at a time; by default one per core."
)
@click.option(
    "--every", type=click.IntRange(1), default=1, help="Run only every Nth mutant, the same ones each time."
)
def score(stages: tuple[str, ...], write: bool, jobs: int | None, every: int) -> int:
    """For maintainers: count how many named faults and mutants the suite catches."""
    from course.commands.score import score

    return score(stages, write, jobs or os.cpu_count() or 1, every)


def run_command_line(arguments: list[str]) -> int:
    """Run one command and return its exit status; wrong usage prints one sentence and returns 2."""
    from course.judging.progress import choose_language

    choose_language(arguments)
    translate_help()
    try:
        return cli.main(arguments or ["--help"], prog_name=messages.COMMAND, standalone_mode=False) or 0
    except click.ClickException as error:
        from course.commands.usage import explain

        click.echo(messages.say("usage.wrong", reason=explain(error)), err=True)
        return error.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None


def translate_help() -> None:
    """Give the commands and options their help in the chosen language."""
    texts = messages.catalogue(messages.language()).get("help", {})
    for name, command in [("course", cli), *cli.commands.items()]:
        command.help = messages.as_typed(texts.get(name, command.help or ""))
        for option in command.params:
            if isinstance(option, click.Option):
                option.help = texts.get(f"{name}{option.opts[0]}", texts.get(option.opts[0], option.help))
