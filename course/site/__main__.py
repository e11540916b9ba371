"""`python -m course.site`: what a writer of pages needs beside `mkdocs serve`."""

from __future__ import annotations

import sys

import click

from course.site.pairs import record
from course.site.pieces import PageError, all_pages
from course.site.replay import update


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Keep the pages true: record their transcripts, pair their languages."""


@cli.command("update")
@click.argument("pages", nargs=-1)
def update_command(pages: tuple[str, ...]) -> None:
    """Run the transcripts of PAGES (by default all) and record in both languages what differs."""
    for path in pages or all_pages():
        changed = update(path)
        click.echo(f"{path}: {f'recorded at {changed}' if changed else 'as recorded'}")


@cli.command("pair")
@click.argument("pages", nargs=-1)
@click.option("--one-sided", is_flag=True, help="Also where a block changed in one language only.")
def pair_command(pages: tuple[str, ...], one_sided: bool) -> None:
    """Say that both languages of PAGES (by default all) mean the same."""
    record(list(pages or all_pages()), allow_one_sided=one_sided)


if __name__ == "__main__":
    try:
        cli()
    except PageError as error:
        sys.exit(str(error))
