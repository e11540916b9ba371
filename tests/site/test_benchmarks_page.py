"""The page of the benchmarks shows the results, and marks the peers that do less than our service."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

import pytest

from course.site.expand import expand
from course.site.page import LANGUAGES, Page, PageError

#: `python -m benchmarks.page`; final is not a package here.
benchmarks: Any = import_module("final.benchmarks.page")


def runs(*rates: float) -> list[dict[str, float]]:
    return [{"rate": rate, "cpu": 1e6 / rate, "p50": 1, "p99": 2} for rate in rates]


def one(title: str, *, access: bool | None, refresh: bool | None, **found: Any) -> dict[str, Any]:
    about = {"memory": 50.4, "memory_after": 60.0, "start_up": 0.5, "versions": {"flask": "3.1.3"}}
    verdict = {"access_refused": access, "refresh_refused": refresh}
    verdict["revokes"] = access is True and refresh is not False
    return {"title": title, **verdict, **about, "runs": found}


def planted() -> dict[str, Any]:
    ours, even, thousand = runs(3000, 3300, 2000), runs(40, 40, 40), runs(1000, 1000, 1000)
    flood = [{"quiet_p50": 1, "quiet_p99": 10, "flood_p50": 2, "flood_p99": 50}]
    return {
        "date": "2026-11-27T09:00+00:00",
        "command": "python -m benchmarks",
        "minutes": 12.5,
        "machine": {"processor": "A chip", "processors": 2, "memory": 24, "system": "Linux 6", "load": 4.4},
        "settings": {"rounds": 3, "seconds": 2.0, "accounts": 1000, "argon2": "m=19456,t=2,p=1"},
        "python": "3.11.7",
        "databases": {
            "sqlite": {
                "ours": one("Ours", access=True, refresh=True, me=ours, login=even, flood=flood),
                "a": one("A & B", access=False, refresh=None, me=thousand, login=runs(40, 50, 80)),
                "b": one("B", access=True, refresh=False, me=runs(1000, 1100, 1000), login=even),
                "hello": one("Flask hello", access=None, refresh=None, health=runs(6000, 6600, 4000)),
            }
        },
        "argon2_alone": {"argon2-cffi": [50, 50, 50], "pynacl": [60, 60, 70]},
        "curves": {
            name: [{"x": 1000, "runs": runs(100)}, {"x": 1000000, "runs": runs(80)}]
            for name in ("accounts", "sessions", "clients")
        }
        | {"workers": [{"x": x, "memory": 100, "runs": runs(50)} for x in (1, 4)]},
    }  # fmt: skip


@pytest.fixture
def result() -> dict[str, Any]:
    """A result in place of the published one."""
    return planted()


def shown(result: dict[str, Any], part: str, lang: str = "en") -> str:
    """Return a fragment as it is read: without what keeps brackets on one line."""
    fragment = str(dict(benchmarks.of_result(result, lang))[part])
    return fragment.replace('<span class="whole">', "").replace("</span>", "")


def test_the_table_has_the_median_of_the_ratios(result: dict[str, Any]) -> None:
    """Round by round, with the extremes; and a peer that accepts a revoked token of either kind is marked."""
    table = shown(result, "faster-sqlite").splitlines()

    assert table[2] == "| A & B | 3.00 (2.00–3.30) | 0.80 (0.50–1.00) | **no** |"
    assert table[3] == "| B | 3.00 (2.00–3.00) | 1.00 (1.00–1.00) | **no** |"


def test_the_bare_flask_is_compared_with_every_workload(result: dict[str, Any]) -> None:
    """It has one route, and nothing to revoke."""
    assert shown(result, "faster-sqlite").splitlines()[4] == ("| Flask hello | 0.50 (0.50–0.50) | – | – |")


def test_the_run_tells_its_date_its_machine_and_its_command(result: dict[str, Any]) -> None:
    """So readers do not expect the numbers on their own machines."""
    sentence = shown(result, "run")

    assert "on 2026-11-27 by `python -m benchmarks` in 12.5 minutes: 3 rounds of 2 s" in sentence
    assert "A chip, 2 processors, 24 GiB, Linux 6, Python 3.11.7" in sentence
    assert "not quiet" not in sentence


def test_a_busy_machine_is_admitted(result: dict[str, Any]) -> None:
    """A load above that of the benchmark itself says that other programs were running."""
    result["machine"]["load"] = 7.2

    assert "not quiet: its load was 7.2" in shown(result, "run")


def test_both_languages_show_the_same_numbers(result: dict[str, Any]) -> None:
    """Only the words differ."""
    table = shown(result, "login", "ko")

    assert "| Ours | 0.80 (0.80–0.80) |" in table
    assert table.splitlines()[-1].endswith("| 1.20 (1.20–1.40) |")
    assert "로그인" in table


def test_a_picture_has_a_text_alternative_and_escapes_names(result: dict[str, Any]) -> None:
    """It is drawn from the same numbers: a third of our value is a bar of a third."""
    picture = shown(result, "compare", "ko")

    assert '<svg role="img" aria-labelledby="benchmarks-compare-title benchmarks-compare-desc"' in picture
    assert "A &amp; B" in picture
    assert ">0.33</text>" in picture


def test_a_curve_is_told_by_its_first_point(result: dict[str, Any]) -> None:
    """Here 1,000,000 accounts cost a quarter more."""
    assert shown(result, "curve-accounts").splitlines()[3] == "| 1,000,000 | 12,500 | 1.25 (1.25–1.25) |"


def test_a_fragment_that_is_not_there_stops_the_build() -> None:
    """A page cannot show a number that was not measured."""
    with pytest.raises(PageError, match=r"there is no docs/benchmarks/faster-oracle\.en\.md"):
        expand("<!-- include: benchmarks/faster-oracle -->", Page("benchmarks.md", "en"))


def test_the_page_shows_what_the_results_say() -> None:
    """The fragments are those of the committed results, and the page shows each: none is edited by hand."""
    written = {file.name: file.read_text(encoding="utf-8") for file in benchmarks.FRAGMENTS.iterdir()}
    assert written == benchmarks.all_fragments(), "write them again: cd final && python -m benchmarks.page"

    for lang in LANGUAGES:
        included = re.findall(
            r"<!-- include: benchmarks/(.+) -->", Page("benchmarks.md", lang).file.read_text(encoding="utf-8")
        )
        assert {f"{name}.{lang}.md" for name in included} == {
            name for name in written if name.endswith(f".{lang}.md")
        }


def test_what_is_published_is_a_whole_run_without_faults() -> None:
    """Every peer, several rounds, half an hour of soak."""
    found, soak = benchmarks.read(benchmarks.RESULT), benchmarks.read(benchmarks.SOAK)
    peers = {folder.name for folder in (benchmarks.HERE / "peers").iterdir()}

    assert peers < set(found["databases"]["sqlite"])
    assert "--quick" not in found["command"]
    assert found["databases"]["sqlite"]["ours"]["revokes"] is True
    assert soak["minutes"] >= 30
    assert soak["killed"] > 10
    assert soak["faults"] == []
    assert all(row["left"] == row["right"] for row in soak["sums"])
