"""`http` and `console` fences: read from a page, and shown in it. replay.py runs them."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field, replace

from course.lessons.stages import FINAL_NUMBER, find_stage
from course.paths import ROOT
from course.site.page import Page, Piece
from course.site.transcripts.needs import NEEDS

PROGRAMS = ("flask", "python", "pytest", "nox")
#: What a reader runs and the suite does not: a server, or something that asks one elsewhere.
NOT_COMPARED = (
    ["flask", "run"],
    ["flask", "--app"],
    ["python", "run.py"],
    ["python", "smoke.py"],
    ["git", "clone"],
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")

_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]*):\s*(.*)")
_VARIABLE = re.compile(r"\{\{(\w+)\}\}")
_ASSIGNMENT = re.compile(r"([A-Z_][A-Z0-9_]*)=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Exchange:
    """A request and the answer that was recorded, if one was."""

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


@dataclass(frozen=True)
class Command:
    """A line somebody types, what it printed when it was recorded, and the exit status it should have."""

    line: str
    offset: int  # of its line in the fence, from 0
    output: list[str] = field(default_factory=list)
    status: int = 0

    def words(self) -> tuple[dict[str, str], list[str]]:
        """Return the variables set for this command alone, and its words."""
        words = shlex.split(self.line)
        variables = {}
        while words and (assignment := _ASSIGNMENT.fullmatch(words[0])):
            variables[assignment[1]] = assignment[2]
            words = words[1:]
        return variables, words


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
        raise page.error(piece.line, f"an http fence can be fresh, not {piece.argument!r}: mend that word")
    headers, at = {}, 1
    while at < len(request) and (header := _HEADER.fullmatch(request[at])):
        headers[header[1]] = header[2]
        at += 1
    return Exchange(
        method, path, headers, "\n".join(request[at:]).strip(), recorded, fresh=bool(piece.argument)
    )


def read_console(page: Page, piece: Piece) -> list[Command]:
    """Return the commands of a `console` fence.

    Raises:
        PageError: there is none, or one that must not be run, or nobody knows what it needs.
    """
    commands: list[Command] = []
    for need in needs_of(piece):
        if need not in NEEDS:
            raise page.error(piece.line, f"nobody knows the need {need!r}: name one of {', '.join(NEEDS)}")
    for offset, line in enumerate(piece.body):
        if line.startswith("$ "):
            commands.append(Command(line[2:], offset))
            continue
        if not commands:
            raise page.error(
                piece.line + 1 + offset, "a console fence begins with a command: write $ before it"
            )
        status = re.fullmatch(r"\[exit (\d+)\]", line)
        if status:
            commands[-1] = replace(commands[-1], status=int(status[1]))
        else:
            commands[-1].output.append(line)
    if not commands:
        raise page.error(piece.line, "this console fence has no command: write one after $")
    for command in commands:
        _check_command(page, piece, command)
    return commands


def render_http(page: Page, piece: Piece) -> str:
    """Return the request in three forms, as linked tabs, and the answer below."""
    exchange = read_http(page, piece)
    if not exchange.recorded:
        raise page.error(piece.line, "no answer is recorded: run python3 -m course.site update")
    final = page.stage and find_stage(page.stage.split()[0]).number == FINAL_NUMBER
    url = f"http://127.0.0.1:{8001 if final else 5000}{exchange.path}"
    new = sorted(fields_used(piece) - page.used)
    hint = {"en": "copy it from the answer above", "ko": "위 응답에서 복사하세요"}[page.lang]
    forms = {
        "curl": ("bash", [*(f"{name}='...'  # {hint}" for name in new), *as_curl(exchange, url)]),
        "PowerShell": (
            "powershell",
            [*(f"${name} = '...'  # {hint}" for name in new), *as_powershell(exchange, url)],
        ),
        "HTTP": ("http", as_http(exchange)),
    }
    answer = ["```{ .http .answer }", *exchange.recorded, "```"]
    return "\n".join([*_tabs(forms), *answer])


def render_console(page: Page, piece: Piece) -> str:
    """Return the commands, in a tab for each shell where those differ, and what they print."""
    commands = read_console(page, piece)
    shells: dict[str, list[str]] = {"bash": [], "PowerShell": []}
    for command in commands:
        output = [*command.output]
        shells["bash"] += [f"$ {command.line}", *output]
        shells["PowerShell"] += [f"$ {powershell_line(command)}", *output]
    if shells["bash"] == shells["PowerShell"]:
        return "\n".join(["```{ .console }", *shells["bash"], "```"])
    return "\n".join(_tabs({name: ("{ .console }", lines) for name, lines in shells.items()}))


def as_curl(exchange: Exchange, url: str) -> list[str]:
    """Return the request for curl in bash; fields of earlier answers are shell variables."""
    method = "" if exchange.method == ("POST" if exchange.body else "GET") else f"-X {exchange.method} "
    if exchange.method == "HEAD":
        method = "-I "
    parts = [f"curl -i {method}{_bash(url)}"]
    parts += [f"  -H {_bash(f'{name}: {value}')}" for name, value in exchange.sent_headers.items()]
    if exchange.body:
        parts.append(f"  -d {_bash(exchange.body)}")
    return " \\\n".join(parts).split("\n")


def as_powershell(exchange: Exchange, url: str) -> list[str]:
    """Return the request for PowerShell 5 and 7.

    A body goes through Invoke-RestMethod: no quotation marks for JSON mean the same to `curl.exe` in both.
    """
    headers = dict(exchange.sent_headers)
    if not exchange.body:
        method = "" if exchange.method == "GET" else f"-X {exchange.method} "
        parts = [f"curl.exe -i {'-I ' if exchange.method == 'HEAD' else method}{_power(url)}"]
        parts += [f"  -H {_power(f'{name}: {value}')}" for name, value in headers.items()]
        return " `\n".join(parts).split("\n")
    content_type = next(value for name, value in headers.items() if name.lower() == "content-type")
    others = [(name, value) for name, value in headers.items() if name.lower() != "content-type"]
    if "charset" not in content_type:
        content_type += "; charset=utf-8"  # PowerShell 5 would send Latin-1
    parts = [f"Invoke-RestMethod -Method {exchange.method.title()} {_power(url)}"]
    if others:
        inside = "; ".join(f"{_power(name)} = {_power(value)}" for name, value in others)
        parts.append(f"  -Headers @{{ {inside} }}")
    parts += [f"  -ContentType {_power(content_type)}", f"  -Body {_power(exchange.body)}"]
    return " `\n".join(parts).split("\n")


def as_http(exchange: Exchange) -> list[str]:
    """Return the request as it goes over the wire, less what every client adds."""
    lines = [f"{exchange.method} {exchange.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in exchange.sent_headers.items()]
    lines += ["", exchange.body] if exchange.body else []
    return _VARIABLE.sub(r"<\1>", "\n".join(lines)).split("\n")


def powershell_line(command: Command) -> str:
    """Return a command as PowerShell takes it."""
    variables, words = command.words()
    if not variables and words[0] != "python3":
        return command.line
    rest = command.line
    for name in variables:
        rest = rest[rest.index(name) :].split(" ", 1)[1] if " " in rest else rest
    if words[0] == "python3":
        rest = rest.replace("python3", "py", 1)
    return "".join(f"$env:{name} = {_power(value)}; " for name, value in variables.items()) + rest.strip()


def _check_command(page: Page, piece: Piece, command: Command) -> None:
    line = piece.line + 1 + command.offset
    _, words = command.words()
    program = words[0] if words else ""
    if piece.argument.split(" ")[0] != "course":
        if program not in PROGRAMS:
            raise page.error(line, f"{program} is not run here, only {', '.join(PROGRAMS)}: use one of them")
        return
    if command.output:
        raise page.error(line + 1, "`console course` is not run: leave its output out")
    if words[:3] == ["python3", "-m", "course"]:
        from course.cli import cli

        if len(words) > 3 and not words[3].startswith("-") and words[3] not in cli.commands:
            raise page.error(line, f"the course has no {words[3]}: name one of {', '.join(cli.commands)}")
    elif program == "cd" or words[:2] == ["cp", "-r"]:  # PowerShell takes both of them too
        for folder in (name for name in words[1:] if "/" in name):
            # A clone is called what the repository is called; what is the learner's, as a chapter is.
            if not (ROOT / folder.replace("workspace/", "chapters/", 1)).is_dir():
                raise page.error(line, f"there is no folder {folder}: name one that is there")
    elif words == ["mkdir", "workspace"]:
        return
    elif words[:2] == ["python", "-m"] and words[2].startswith("benchmarks"):  # from final/, for minutes
        place = ROOT / "final" / words[2].replace(".", "/")
        if not (place.is_dir() or place.with_suffix(".py").is_file()):
            raise page.error(line, f"there is no {words[2]} in final: name one that is there")
    elif words[:2] not in NOT_COMPARED:
        raise page.error(line, f"`{command.line}` can be run and compared: drop the word course")


def _tabs(forms: dict[str, tuple[str, list[str]]]) -> list[str]:
    lines = []
    for number, (name, (language, content)) in enumerate(forms.items()):
        inside = [f"```{language}", *content, "```"]
        lines += [
            f'{"===" if number else "===!"} "{name}"',
            "",
            *(f"    {line}" if line else "" for line in inside),
            "",
        ]
    return lines


def _bash(text: str) -> str:
    if _VARIABLE.search(text):
        escaped = re.sub(r'([\\"$`])', r"\\\1", _VARIABLE.sub("\0\\1\0", text))
        return '"' + re.sub("\0(\\w+)\0", r"$\1", escaped) + '"'
    return shlex.quote(text)


def _power(text: str) -> str:
    if _VARIABLE.search(text):
        escaped = re.sub(r'([`"$])', r"`\1", _VARIABLE.sub("\0\\1\0", text))
        return '"' + re.sub("\0(\\w+)\0", r"$\1", escaped) + '"'
    return "'" + text.replace("'", "''") + "'"


def fields_used(piece: Piece) -> frozenset[str]:
    """Return the fields of earlier answers that a request uses."""
    body = piece.body
    return frozenset(_VARIABLE.findall("\n".join(body[: body.index("---")] if "---" in body else body)))


def needs_of(piece: Piece) -> list[str]:
    """Return what a fence says it needs besides the course: the words of `needs="..."`."""
    return [need for name, value in piece.options()[1] if name == "needs" for need in value.split()]


def fields_of(body: str) -> dict[str, str]:
    """Return the fields of an answer that later requests may use."""
    try:
        data = json.loads(body)
    except ValueError:
        return {}
    return {name: str(value) for name, value in data.items()} if isinstance(data, dict) else {}


def fill(text: str, known: dict[str, str]) -> str:
    """Put the fields of earlier answers into ``text``.

    Raises:
        LookupError: no answer had such a field.
    """
    return _VARIABLE.sub(lambda found: known[found[1]], text)
