"""The fragments of the site's page, docs/benchmarks/*.md: sentences, tables and pictures in both languages.

`--publish` writes them when it has measured, `python -m benchmarks.page` from what was measured before.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from . import drawing, report

HERE = Path(__file__).parent
RESULT, SOAK = HERE / "result.json", HERE / "soak.json"
FRAGMENTS = HERE.parents[1] / "docs" / "benchmarks"

TEXTS = tomllib.loads((HERE / "page.toml").read_text(encoding="utf-8"))
#: A narrow column breaks before the brackets, not in them.
TIMES = '{:.2f} <span class="whole">({:.2f}–{:.2f})</span>'


def publish() -> None:
    """Write every fragment of the published results, and remove those of former ones."""
    FRAGMENTS.mkdir(exist_ok=True)
    written = all_fragments()
    for file in FRAGMENTS.glob("*.md"):
        if file.name not in written:
            file.unlink()
    for name, text in written.items():
        (FRAGMENTS / name).write_text(text, encoding="utf-8", newline="\n")


def all_fragments() -> dict[str, str]:
    """Return the text of each fragment of the published results by the name of its file."""
    return {
        f"{name}.{lang}.md": f"{text}\n"
        for lang in ("en", "ko")
        for name, text in (*of_result(read(RESULT), lang), *of_soak(read(SOAK), lang))
    }


def read(file: Path) -> dict[str, Any]:
    """Return what a run has written."""
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def of_result(measured: dict[str, Any], lang: str) -> Iterator[tuple[str, str]]:
    """Yield the fragments of a measurement, each with its name."""
    words, result = _words(lang), deepcopy(measured)
    for contenders in result["databases"].values():
        for one in contenders.values():
            one["title"] = words.get(one["title"], one["title"])
    yield "run", _run(result, lang)
    for database in result["databases"]:
        yield f"faster-{database}", report.table(report.faster(result, database, words))
        yield f"rates-{database}", report.table(report.rates(result, database, words))
    yield "login", report.table(report.login_limit(result, words))
    yield "flood", report.table(report.flood(result, words))
    yield "weight", report.table(report.weight(result, words))
    for curve in result["curves"]:
        yield f"curve-{curve}", report.table(report.curve(result, curve, words))
    yield "compare", _figure("compare", drawing.compare(result, words))
    yield "curves", _figure("curves", drawing.curves(result, words))


def of_soak(summary: dict[str, Any], lang: str) -> Iterator[tuple[str, str]]:
    """Yield the fragments of a soak, each with its name."""
    values = {
        **summary,
        **summary["found"],
        "date": summary["date"][:10],
        "requests": sum(summary["statuses"].values()),
        "lost": summary["lost_answers"],
    }
    faults = "\n".join(f"- {fault}" for fault in summary["faults"])
    yield "soak", f"{_sentence('soak', lang, values)}\n\n{faults or _sentence('none', lang)}"
    rows = [f"| {_sentence('equal', lang)} | | |", "|---|---:|---:|"]
    for one in summary["sums"]:
        name = one["sum"] if lang == "en" else TEXTS["sums"][one["sum"]]
        rows.append(f"| {name} | {one['left']:,} | {one['right']:,} |")
    yield "sums", "\n".join(rows)
    picture = _figure("memory", drawing.memory(summary, _words(lang)))
    yield "memory", f"{_sentence('memory', lang, summary['memory'])}\n\n{picture}"


def _run(result: dict[str, Any], lang: str) -> str:
    values = {**result, **result["machine"], **result["settings"], "date": result["date"][:10]}
    own = result["curves"]["workers"][-1]["x"]  # its last curve has so many processes at work
    busy = result["machine"]["load"] > own + 1
    return " ".join(_sentence(name, lang, values) for name in ("run", *["busy"] * busy))


def _words(lang: str) -> dict[str, str]:
    return report.WORDS | drawing.WORDS | {"times": TIMES} | (TEXTS["korean"] if lang == "ko" else {})


def _sentence(name: str, lang: str, values: dict[str, Any] | None = None) -> str:
    return str(TEXTS["sentences"][name][lang]).format(**(values or {}))


def _figure(name: str, svg: str) -> str:
    ids = f"benchmarks-{name}"
    svg = svg.replace("<svg ", f'<svg role="img" aria-labelledby="{ids}-title {ids}-desc" ', 1)
    svg = svg.replace("<title>", f'<title id="{ids}-title">', 1)
    svg = svg.replace("<desc>", f'<desc id="{ids}-desc">', 1)
    return f'<figure class="figure">{svg}</figure>'


if __name__ == "__main__":
    publish()
