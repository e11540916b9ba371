"""`http` fences: a request and its response, read from a page and shown in it. replay.py sends them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from course.lessons.stages import FINAL_NUMBER, find_stage
from course.site.page import Page, Piece, say
from course.site.transcripts.shells import VARIABLE, bash, powershell, tabs

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")

_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]*):\s*(.*)")


@dataclass(frozen=True)
class Exchange:
    """A request and the response that was recorded, if one was."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    recorded: list[str]
    fresh: bool = False

    @property
    def sent_headers(self) -> dict[str, str]:
        """The headers, with the content type that a body of JSON says about itself."""
        if self.body and not any(name.lower() == "content-type" for name in self.headers):
            return {**self.headers, "Content-Type": "application/json"}
        return self.headers

    @property
    def recorded_headers(self) -> list[str]:
        """The names of the headers that the author chose to show."""
        end = self.recorded.index("") if "" in self.recorded else len(self.recorded)
        return [line.partition(":")[0] for line in self.recorded[1:end]]


def read_http(page: Page, piece: Piece) -> Exchange:
    """Return what an `http` fence says.

    Raises:
        PageError: it is not a request.
    """
    body = piece.body
    divider = body.index("---") if "---" in body else len(body)
    request, recorded = body[:divider], body[divider + 1 :]
    method, _, path = (request[0] if request else "").partition(" ")
    if method not in METHODS or not path.startswith("/"):
        raise page.error(piece.line, "an http fence begins with a method and a path: write GET /v2/accounts")
    if piece.argument not in ("", "fresh"):
        raise page.error(piece.line, f"an http fence can be fresh, not {piece.argument!r}: correct that word")
    headers, at = {}, 1
    while at < len(request) and (header := _HEADER.fullmatch(request[at])):
        headers[header[1]] = header[2]
        at += 1
    return Exchange(
        method, path, headers, "\n".join(request[at:]).strip(), recorded, fresh=bool(piece.argument)
    )


def render_http(page: Page, piece: Piece) -> str:
    """Return the request in three forms, as linked tabs, and the response below."""
    exchange = read_http(page, piece)
    if not exchange.recorded:
        raise page.error(piece.line, "no answer is recorded: run python3 -m course.site update")
    final = page.stage and find_stage(page.stage.split()[0]).number == FINAL_NUMBER
    url = f"http://127.0.0.1:{8001 if final else 5000}{exchange.path}"
    new = sorted(fields_used(piece) - page.used)
    hint = say("copy-field", page.lang)
    forms = {
        "curl": ("bash", [*(f"{name}='...'  # {hint}" for name in new), *as_curl(exchange, url)]),
        "PowerShell": (
            "powershell",
            [*(f"${name} = '...'  # {hint}" for name in new), *as_powershell(exchange, url)],
        ),
        "HTTP": ("http", as_http(exchange)),
    }
    answer = ["```{ .http .answer }", *exchange.recorded, "```"]
    return "\n".join([*tabs(forms), *answer])


def as_curl(exchange: Exchange, url: str) -> list[str]:
    """Return the request for curl in bash; fields of earlier responses are shell variables."""
    method = "" if exchange.method == ("POST" if exchange.body else "GET") else f"-X {exchange.method} "
    if exchange.method == "HEAD":
        method = "-I "
    parts = [f"curl -i {method}{bash(url)}"]
    parts += [f"  -H {bash(f'{name}: {value}')}" for name, value in exchange.sent_headers.items()]
    if exchange.body:
        parts.append(f"  -d {bash(exchange.body)}")
    return " \\\n".join(parts).split("\n")


def as_powershell(exchange: Exchange, url: str) -> list[str]:
    """Return the request for PowerShell 5 and 7.

    A body goes through Invoke-RestMethod: quoted JSON reaches `curl.exe` differently in the two versions.
    """
    headers = dict(exchange.sent_headers)
    if not exchange.body:
        method = "" if exchange.method == "GET" else f"-X {exchange.method} "
        parts = [f"curl.exe -i {'-I ' if exchange.method == 'HEAD' else method}{powershell(url)}"]
        parts += [f"  -H {powershell(f'{name}: {value}')}" for name, value in headers.items()]
        return " `\n".join(parts).split("\n")
    content_type = next(value for name, value in headers.items() if name.lower() == "content-type")
    others = [(name, value) for name, value in headers.items() if name.lower() != "content-type"]
    if "charset" not in content_type:
        content_type += "; charset=utf-8"  # PowerShell 5 would send Latin-1
    parts = [f"Invoke-RestMethod -Method {exchange.method.title()} {powershell(url)}"]
    if others:
        inside = "; ".join(f"{powershell(name)} = {powershell(value)}" for name, value in others)
        parts.append(f"  -Headers @{{ {inside} }}")
    parts += [f"  -ContentType {powershell(content_type)}", f"  -Body {powershell(exchange.body)}"]
    return " `\n".join(parts).split("\n")


def as_http(exchange: Exchange) -> list[str]:
    """Return the request as it goes over the wire, without what every client adds."""
    lines = [f"{exchange.method} {exchange.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in exchange.sent_headers.items()]
    lines += ["", exchange.body] if exchange.body else []
    return VARIABLE.sub(r"<\1>", "\n".join(lines)).split("\n")


def fields_used(piece: Piece) -> frozenset[str]:
    """Return the fields of earlier responses that a request uses."""
    body = piece.body
    return frozenset(VARIABLE.findall("\n".join(body[: body.index("---")] if "---" in body else body)))


def fields_of(body: str) -> dict[str, str]:
    """Return the fields of a response that later requests may use."""
    try:
        data = json.loads(body)
    except ValueError:
        return {}
    return {name: str(value) for name, value in data.items()} if isinstance(data, dict) else {}


def fill(text: str, known: dict[str, str]) -> str:
    """Put the fields of earlier responses into ``text``.

    Raises:
        LookupError: no response had such a field.
    """
    return VARIABLE.sub(lambda found: known[found[1]], text)
