"""Somebody who uses the lab in a page of the site, and a server that sends along the site's policy."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

from kit.browser import complaints

from course.commands.site_server import _Handler, _Server
from course.lessons.stages import find_stage
from course.site.policy import FILE

PATIENCE = 100_000  # milliseconds: other tests may keep the machine busy
LITTLE_PATIENCE = 5_000  # once the lab has been waited for in vain: the next tests need not wait as long


class Reader:
    """Somebody in front of a page of the site."""

    patience = PATIENCE

    def __init__(self, page: Any, address: str) -> None:
        self.page, self.address = page, address
        self.asked: list[str] = []
        self.complaints = complaints(page)
        page.set_default_timeout(Reader.patience)
        page.on("request", lambda request: self.asked.append(request.url))

    def visit(self, stage: str, lang: str = "en", fragment: str = "") -> None:
        number = max(1, find_stage(stage).number)
        self.page.goto("about:blank")
        self.page.goto(f"{self.address}/{'ko/' if lang == 'ko' else ''}chapters/{number:02}.html{fragment}")
        self.opener = self.page.locator(f'.lab-opener[data-stage="{stage}"]')

    def open(self, *, ready: bool = True) -> None:
        self.opener.locator("button").click()
        self.lab = self.page.locator("dialog.lab[open]")
        self.lab.wait_for()
        if ready:
            self.wait()

    def wait(self) -> None:
        """Until the engine is at rest."""
        try:
            self.page.locator('dialog.lab[open][data-engine="ready"]').wait_for()
        except Exception:
            Reader.patience = LITTLE_PATIENCE
            raise

    def write(self, path: str, text: str) -> None:
        """Replace a file by typing."""
        self.lab.locator(f'[data-path="{path}"]').click()
        self.lab.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)

    def text(self) -> str:
        """What stands in the editor, as far as it is on the screen."""
        return "\n".join(self.lab.locator(".cm-line").all_inner_texts())

    def send(self, method: str, path: str, body: str = "") -> str:
        """Send a request, and return the status line of the answer, or what is told instead."""
        self.lab.locator('[data-tab="request"]').click()
        self.lab.locator(".lab-request select").first.select_option(method)
        self.lab.locator(".lab-request .lab-line input").fill(path)
        self.lab.locator(".lab-request textarea").last.fill(body)
        return self.press_send()

    def press_send(self) -> str:
        self.lab.locator(".lab-request .lab-primary").click()
        told = self.lab.locator(".lab-answer").locator(".lab-status strong, .lab-error").first
        told.wait_for()
        return str(told.inner_text())

    def press_check(self) -> None:
        self.lab.locator('[data-tab="check"]').click()
        self.lab.locator(".lab-panel:visible .lab-primary").click()

    def check(self) -> dict[str, str]:
        """Let the files be judged, and return the state of each behaviour by its test."""
        self.press_check()
        self.lab.locator(".lab-next .lab-sum, .lab-next .lab-error").first.wait_for()
        return self.results()

    def results(self) -> dict[str, str]:
        """The state of each behaviour that is certain, by its test."""
        states = "rows => Object.fromEntries(rows.map((row) => [row.dataset.test, row.dataset.state]))"
        return dict(self.lab.locator("[data-test]").evaluate_all(states))


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the site with the policy that it asks for, as docs/en/hosting.md says."""
    policy = (folder / FILE).read_text(encoding="ascii").strip()

    class Handler(_Handler):
        send_head = SimpleHTTPRequestHandler.send_head  # whoever hosts the site does not reload its pages

        def end_headers(self) -> None:
            self.send_header("Content-Security-Policy", policy)
            super().end_headers()

    with _Server(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
