"""`code`: a symbol of a real file, or a key of a YAML file, found by its name, with true line numbers."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import yaml  # type: ignore[import-untyped]  # mkdocs brings it, without its types
from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound

from course.lessons.stages import UnknownStage, all_stages, find_stage
from course.paths import ROOT
from course.site.page import Page, Piece


def code(page: Page, piece: Piece) -> str:
    """Return a fenced listing for `path#symbol hl="text"`."""
    words, options = piece.options()
    if len(words) != 1 or any(name != "hl" for name, _ in options):
        raise page.error(piece.line, 'code takes a path, perhaps #symbol, and hl="...": write it that way')
    path, _, symbol = words[0].partition("#")
    file = ROOT / path
    if not file.is_file():
        raise page.error(piece.line, f"there is no file {path}: name the one that holds the code now")
    lines = file.read_text(encoding="utf-8").rstrip("\n").split("\n")
    first, last = 1, len(lines)
    if symbol:
        if file.suffix not in FINDERS:
            raise page.error(piece.line, f"symbols are found in Python and YAML: show {path} whole")
        try:
            first, last = FINDERS[file.suffix]("\n".join(lines), symbol)
        except LookupError as error:
            raise page.error(piece.line, f"{path} has no {error.args[0]}: name what replaced it") from None
    shown = _dedent(lines[first - 1 : last])
    marked: set[int] = set()
    for _, text in options:
        hits = {number for number, line in enumerate(shown, 1) if text in line}
        if not hits:
            raise page.error(piece.line, f"no line of {words[0]} has {text!r}: highlight one that is there")
        marked |= hits
    title = name_of(file, page.stage) + (f" · {symbol}" if symbol else "")
    return listing(shown, lexer_of(file.name), title, first, marked)


def listing(lines: list[str], lexer: str, title: str, first: int = 1, marked: set[int] | None = None) -> str:
    """Return ``lines`` as a fence of Material: with a title, numbers from ``first``, some lines marked."""
    fence = "```"
    while any(fence in line for line in lines):
        fence += "`"
    marks = f' hl_lines="{" ".join(map(str, sorted(marked)))}"' if marked else ""
    titled = f' title="{title}"' if title else ""
    head = f'{fence}{lexer}{titled} linenums="{first}"{marks}'
    return "\n".join([head, *lines, fence])


def find_symbol(source: str, dotted: str) -> tuple[int, int]:
    """Return the first and last line of a function, class, method or assignment, decorators included.

    Comments directly above belong to it.

    Raises:
        LookupError: with the name that was not found.
    """
    body: list[ast.stmt] = ast.parse(source).body
    found: ast.stmt | None = None
    for name in dotted.split("."):
        found = next((node for node in body if name in _names(node)), None)
        if found is None:
            raise LookupError(dotted)
        body = getattr(found, "body", [])
    if found is None or found.end_lineno is None:
        raise LookupError(dotted)
    decorators = getattr(found, "decorator_list", [])
    first = min([found.lineno, *(decorator.lineno for decorator in decorators)])
    return _with_comments(source.split("\n"), first), found.end_lineno


def find_key(source: str, dotted: str) -> tuple[int, int]:
    """Return the first and last line of a key of YAML, `jobs.tests` for example, with all below it.

    Comments directly above belong to it.

    Raises:
        LookupError: with the name that was not found.
    """
    node = yaml.compose(source, yaml.CSafeLoader)
    for name in dotted.split("."):
        entries = node.value if isinstance(node, yaml.MappingNode) else []
        found = [(key, value) for key, value in entries if key.value == name]
        if not found:
            raise LookupError(dotted)
        key, node = found[0]
    lines = source.split("\n")
    end = node.end_mark  # of a block, before the next key
    last = end.line + bool("".join(lines[end.line : end.line + 1])[: end.column].strip())
    while _is_blank(lines[last - 1]):  # or a comment on what follows
        last -= 1
    return _with_comments(lines, key.start_mark.line + 1), last


FINDERS = {".py": find_symbol, ".yml": find_key}


def _is_blank(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _with_comments(lines: list[str], first: int) -> int:
    """Return the number of the first line of the comments directly above line ``first``, or itself."""
    while first > 1 and lines[first - 2].lstrip().startswith("#"):
        first -= 1
    return first


@cache  # pygments compares a name with the patterns of all its lexers
def lexer_of(name: str) -> str:
    """Return the name of the lexer that colours a file; files of systemd and nginx are coloured as `ini`."""
    if name.endswith((".service", ".conf")):
        return "ini"
    try:
        return str(get_lexer_for_filename(name).aliases[0])
    except ClassNotFound:
        return "text"


def name_of(file: Path, stage: str) -> str:
    """Return how a page calls ``file``: as seen from its stage's folder, which is named if it is another."""
    for candidate in all_stages():
        if candidate.path in file.parents:
            inside = file.relative_to(candidate.path).as_posix()
            try:
                own = bool(stage) and find_stage(stage.split()[0]) == candidate
            except UnknownStage:
                own = False
            return inside if own else f"{candidate.name}/{inside}"
    return file.relative_to(ROOT).as_posix()


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _dedent(lines: list[str]) -> list[str]:
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return [line[margin:] for line in lines]
