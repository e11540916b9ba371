"""Measures the lab in the system's Chromium: python tests/site/lab_figures.py SITE [STAGE ...]

For each stage: what opening it downloads, the seconds from the click to the first response and those of a
check, in brackets what the page's process has computed in that time, and the most memory that process had.
Several SITEs, separated by commas, are measured in turn: only such numbers may be compared.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import click  # noqa: E402
from kit.browser import chromium  # noqa: E402
from kit.built_site import served  # noqa: E402
from kit.lab_reader import Reader  # noqa: E402

from course.lessons.stages import FINAL_NUMBER, all_stages  # noqa: E402

READING = 10  # seconds between the first response and the check, in which the other workers start


class Watch:
    """The seconds that passed, and those that the page's process has computed."""

    def __init__(self, browser: Any) -> None:
        self._devtools = browser.new_browser_cdp_session()
        self.start()

    def start(self) -> None:
        self._began, self._computed = time.monotonic(), self._process()["cpuTime"]

    def __str__(self) -> str:
        computed = self._process()["cpuTime"] - self._computed
        return f"{time.monotonic() - self._began:6.1f} ({computed:4.1f})"

    def memory(self) -> str:
        """The most memory that the page's process had, in MB; only Linux says."""
        status = Path(f"/proc/{self._process()['id']}/status")
        lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
        return next((f"{int(line.split()[1]) / 1000:.0f}" for line in lines if "VmHWM" in line), "?")

    def _process(self) -> dict[str, Any]:
        processes = self._devtools.send("SystemInfo.getProcessInfo")["processInfo"]
        return dict(max((one for one in processes if one["type"] == "renderer"), key=lambda one: one["id"]))


def measure(site: Path, stage: str) -> str:
    """Open the lab of a stage, send the first request as soon as possible, and check it."""
    with served(site) as address, chromium() as browser:
        reader = Reader(browser.new_context().new_page(), address)
        sizes: list[int] = []
        reader.page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))
        reader.visit(stage)
        sizes.clear()
        watch = Watch(browser)
        reader.open()
        reader.press_send()
        answer = str(watch)
        time.sleep(READING)
        watch.start()
        results = reader.check()
        check = str(watch)
        assert set(results.values()) == {"passed"}, reader.lab.locator(".lab-next").inner_text()
        return f"{sum(sizes) / 1e6:5.1f}  {answer}  {check} {watch.memory():>6}"


if __name__ == "__main__":
    sites = [Path(name) for name in sys.argv[1].split(",")]
    stages = sys.argv[2:] or [stage.name for stage in all_stages() if stage.number < FINAL_NUMBER]
    click.echo(f"{'':30}    MB  first answer s        check s     MB")
    for stage in stages:
        for site in sites:
            click.echo(f"{stage:30} {measure(site, stage)}  {site if len(sites) > 1 else ''}")
