"""The commands of `python3 -m course.site`, for authors of pages."""

from __future__ import annotations

import click

from course.site.lab.bundle import NoLab, build_bundle
from course.site.page import PageError, all_pages
from course.site.pairs import record
from course.site.picture import PICTURE, draw_check
from course.site.requests import write_requests
from course.site.sharing import draw_cards
from course.site.transcripts.replay import update


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Keep the pages true: record their transcripts, pair their languages."""


@cli.command("update")
@click.argument("pages", nargs=-1)
def update_command(pages: tuple[str, ...]) -> None:
    """Run the transcripts of PAGES (by default all) and record in both languages what differs.

    The requests of a chapter also go into a file for an editor, docs/requests/NN.http.
    """
    for path in chosen(pages):
        changed, left = update(path)
        write_requests(path)
        click.echo(f"{path}: {f'recorded at {changed}' if changed else 'as recorded'}")
        for sentence in left:
            click.echo(f"{path}:{sentence}")


@cli.command("pair")
@click.argument("pages", nargs=-1)
@click.option("--one-sided", is_flag=True, help="Also where a block changed in one language only.")
def pair_command(pages: tuple[str, ...], one_sided: bool) -> None:
    """Say that both languages of PAGES (by default all) mean the same."""
    record(chosen(pages), allow_one_sided=one_sided)


@cli.command("lab")
def lab_command() -> None:
    """Build the lab's bundle, if it is not there yet; the next build of the site includes it."""
    try:
        build_bundle()
    except NoLab as error:
        raise click.ClickException(f"The site is built without the lab: {error}.") from None


@cli.command("cards")
def cards_command() -> None:
    """Draw the missing preview pictures of pages, for messages; the next build includes them."""
    click.echo(f"drawn: {draw_cards()}")


@cli.command("picture")
def picture_command() -> None:
    """Draw the picture of `check` that the READMEs show."""
    PICTURE.write_text(draw_check(), encoding="utf-8", newline="\n")


def chosen(pages: tuple[str, ...]) -> list[str]:
    """Return the pages that were named, by default all."""
    known = all_pages()
    for path in pages:
        if path not in known:
            raise click.ClickException(f"there is no page {path}: name one of {', '.join(known)}")
    return list(pages or known)


def run_command_line() -> int:
    """Run one command and return its exit status; for a wrong page, print its sentence and return 1."""
    try:
        cli(prog_name="python3 -m course.site")
    except PageError as error:
        click.echo(error, err=True)
    return 1
