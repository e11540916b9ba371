"""The program behind `python3 -m course score`: scores stages, and writes docs/score.toml."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.markup import escape
from strength.scoring import Score, score_subject, subject_of

from course.errors import Failure
from course.lessons.scores import SCORES, read_scores
from course.lessons.stages import Stage, all_stages, find_stage
from course.paths import STATE


@click.command()
@click.argument("stages", nargs=-1)
@click.option("--write", is_flag=True)
@click.option("--jobs", type=int, default=1)
@click.option("--every", type=int, default=1)
def main(stages: tuple[str, ...], write: bool, jobs: int, every: int) -> None:
    """Score stages, see course/commands/score.py; end with 0 if each is good enough.

    Results are kept in `.course/score/`, so that an interrupted run goes on where it stopped.
    """
    console = Console(soft_wrap=True, highlight=False)
    good = True
    for stage in [find_stage(key) for key in stages] or [stage for stage in all_stages() if stage.number]:

        def tell(done: int, of: int, name: str = stage.name) -> None:
            if sys.stdout.isatty():
                click.echo(f"\r{name}: {done} of {of}", nl=done == of)

        try:
            found = score_subject(
                subject_of(stage, every), STATE / "score" / f"{stage.name}.jsonl", jobs, tell
            )
        except Failure as failure:
            sys.exit(str(failure))
        good = good and found.good
        _show(console, stage, found)
        if write:
            _write(stage, found)
    sys.exit(0 if good else 1)


def _show(console: Console, stage: Stage, found: Score) -> None:
    mark = "[green]good[/]" if found.good else "[red]not good enough[/]"
    console.print(
        f"{stage.name}: {found.caught} of {found.faults} named faults, {found.share:.1%} of "
        f"{found.mutants} mutants ({found.stopped} stopped, {found.equivalent} equivalent): {mark}"
    )
    for name in found.missed:
        console.print(f"  [red]missed[/]    {escape(name)}")
    for key in found.survivors:
        console.print(f"  [yellow]survived[/]  {escape(key)}")
    for key in found.wrongly_listed:
        console.print(f"  [red]killed, although listed as equivalent[/]  {escape(key)}")


def _write(stage: Stage, found: Score) -> None:
    """Put the numbers of one stage into docs/score.toml, and leave the others as they are."""
    scores = read_scores()
    numbers = {
        name: value
        for name, value in asdict(found).items()
        if name not in ("missed", "wrongly_listed", "floor")
    }
    today = {"date": datetime.now(UTC).date().isoformat(), "python": sys.version.split()[0]}
    scores[stage.name] = {**today, **numbers}
    text = "# Made by `python3 -m course score --write`, not by hand.\n"
    for name in [stage.name for stage in all_stages() if stage.name in scores]:
        text += f"\n[{name}]\n"
        for key, value in scores[name].items():
            listed = [json.dumps(one, ensure_ascii=False) for one in value] if isinstance(value, list) else []
            shown = "[\n" + "".join(f"    {one},\n" for one in listed) + "]" if listed else json.dumps(value)
            text += f"{key} = {shown}\n"
    SCORES.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
