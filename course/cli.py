"""The commands, their options and nothing else: each is done by the module that bears its name."""

from __future__ import annotations

from pathlib import Path

import click

PORT = click.IntRange(1, 65535)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """Learn Flask by growing one service, a better way at a time. Begin with: python3 -m course up"""


@cli.command()
@click.option("--site-port", type=PORT, help="Port of the site; by default 8000 or the next that is free.")
@click.option("--port", type=PORT, help="Port of the service; by default 8001 or the next that is free.")
def up(site_port: int | None, port: int | None) -> int:
    """Serve the site and the final service here, with a demo account."""
    from course.up import up

    return up(site_port, port)


@cli.command()
@click.argument("stage")
@click.option("--port", type=PORT, default=5000, show_default=True, help="Port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--reload/--no-reload", default=True, help="Start again when a file changes.")
@click.option("--step", type=click.IntRange(1, 5), help="Chapter 6 only: the state after this step.")
def run(stage: str, port: int, host: str, reload: bool, step: int | None) -> int:
    """Run a stage: start, a chapter's number, or final."""
    from course.run import run

    return run(stage, port, host, reload, step)


@cli.command()
@click.argument("chapter", metavar="CHAPTER|FOLDER")
@click.option("--full", is_flag=True, help="Show the whole output of the tests.")
@click.option("--my-tests", is_flag=True, help="Judge your tests instead: which named faults do they catch?")
def check(chapter: str, full: bool, my_tests: bool) -> int:
    """Judge your own code of a chapter by the course's tests."""
    from course.check import check, what_to_check
    from course.grade import grade

    if my_tests:
        stage, folder = what_to_check(chapter)
        return grade(stage, folder / "tests")
    return check(chapter, full)


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def test(pytest_arguments: tuple[str, ...]) -> int:
    """Test the course itself: style, types, every stage, the site."""
    from course.check_all import check_all

    return check_all(pytest_arguments)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
def carry(file: Path) -> int:
    """For maintainers: take an edit of a chapter's file through the later chapters."""
    from course.carry import carry

    return carry(file)


def run_command_line(arguments: list[str]) -> int:
    """Run one command and return its exit status; a wrong use is one sentence and status 2."""
    try:
        return cli.main(arguments or ["--help"], prog_name="python3 -m course", standalone_mode=False) or 0
    except click.ClickException as error:
        click.echo(f"{error.format_message()} (python3 -m course --help shows what there is)", err=True)
        return error.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
