"""Parity of the languages: both have the same blocks, and no block changes without its translation.

docs/translations.lock holds a line for each pair of blocks: the page, the hash of the English block, that
of the Korean one, and the first English words for readers of a diff.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from course.site.page import DOCS, Page, PageError, all_pages, read_page

LOCK = DOCS / "translations.lock"

_HEADING = re.compile(r"(#+) .*?(\{[^}]*\})?\s*")
_BOX = re.compile(r"(!!!|\?\?\?\+?|===)\s*([\w -]*)")
_ITEM = re.compile(r"([-*+]|\d+\.) ")
_LINK = re.compile(r"\]\(([^)\s]+)[^)]*\)|^\[[^\]]+\]: (\S+)|(?:href|src)=\"([^\"]+)\"", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """What a translator sees as one thing: a paragraph, a heading, a list, a table, a fence."""

    line: int
    kind: str  # equal in both languages, and enough to see what differs
    text: str

    @property
    def translated(self) -> bool:
        """Whether each language has its own words for it."""
        return not self.kind.startswith(("fence", "directive", "html"))

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    @property
    def words(self) -> str:
        """Its first words."""
        return " ".join(re.sub(r"[#*`{}<>|_]", " ", self.text).split()[:6])

    @property
    def links(self) -> list[str]:
        """Where it links to; a translation may have its links in another order."""
        return sorted(next(filter(None, found)) for found in _LINK.findall(self.text))


def read_blocks(path: str, lang: str) -> tuple[Page, list[Block]]:
    """Return a page and its blocks."""
    page, pieces = read_page(path, lang)
    blocks: list[Block] = []
    for piece in pieces:
        if piece.kind == "text":
            blocks += _text_blocks(piece.lines, piece.line)
        else:
            text = "\n".join(piece.lines)
            blocks.append(Block(piece.line, f"{piece.kind} {piece.name} {piece.argument}".strip(), text))
    return page, blocks


def compare(path: str) -> list[tuple[Block, Block]]:
    """Return the pairs of translated blocks of a page.

    Raises:
        PageError: the languages differ in more than words; the sentence names the first such place.
    """
    (english, ours), (korean, theirs) = read_blocks(path, "en"), read_blocks(path, "ko")
    pairs = []
    for en, ko in zip_longest(ours, theirs):
        if en is None:
            raise korean.error(ko.line, f"{ko.kind!r} is not in English: take it out, or add it there")
        if ko is None:
            raise korean.error(
                theirs[-1].line if theirs else 1,
                f"the end is missing: translate {en.kind!r} at docs/en/{path}:{en.line}",
            )
        if en.kind != ko.kind:
            raise korean.error(
                ko.line,
                f"{ko.kind!r} is here where docs/en/{path}:{en.line} has {en.kind!r}: make them the same",
            )
        if re.match(r"heading [2-6](?! \{#)", en.kind):
            raise english.error(en.line, f"the heading {en.words!r} has no id: add {{#id}} in both languages")
        if not en.translated and en.text != ko.text:
            raise korean.error(
                ko.line, f"this {en.kind!r} differs from docs/en/{path}:{en.line}: copy it again"
            )
        if en.links != ko.links:
            odd = sorted(set(en.links) ^ set(ko.links)) or en.links
            raise korean.error(ko.line, f"{odd[0]} is linked in one language only: link to the same in both")
        if en.translated:
            pairs.append((en, ko))
    return pairs


def one_sided(path: str) -> list[str]:
    """Return a sentence for each block that changed without its translation since `pair` recorded it."""
    recorded = read_lock().get(path, set())
    english, korean = {en for en, _ in recorded}, {ko for _, ko in recorded}
    sentences = []
    for en, ko in compare(path):
        if (en.hash, ko.hash) in recorded:
            continue
        if en.hash in english:
            side, line, block = "ko", ko.line, ko
        elif ko.hash in korean:
            side, line, block = "en", en.line, en
        else:
            continue
        other = "English" if side == "ko" else "Korean"
        sentences.append(
            f'docs/{side}/{path}:{line}: "{block.words} ..." changed and its {other} did not: '
            f"bring that along, then run python3 -m course.site pair {path}"
        )
    return sentences


def unrecorded(path: str) -> list[str]:
    """Return a sentence for each pair of blocks that `pair` has not recorded."""
    recorded = read_lock().get(path, set())
    return [
        f'docs/en/{path}:{en.line}: "{en.words} ..." is new: read both languages, then run '
        f"python3 -m course.site pair {path}"
        for en, ko in compare(path)
        if (en.hash, ko.hash) not in recorded
    ]


def record(paths: list[str], *, allow_one_sided: bool = False) -> None:
    """Write the pairs of ``paths`` to the lock.

    Raises:
        PageError: a block changed on one side only, and that was not allowed; nothing is written.
    """
    lock = _read_lines()
    for path in paths:
        if not allow_one_sided and (sentences := one_sided(path)):
            raise PageError(
                "\n".join(sentences) + "\n(--one-sided records it all the same: a typing error, say)"
            )
        lock[path] = [f"{path}  {en.hash}  {ko.hash}  {en.words}" for en, ko in compare(path)]
    pages = set(all_pages())
    lines = [line for path in sorted(lock) if path in pages for line in lock[path]]
    LOCK.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def read_lock() -> dict[str, set[tuple[str, str]]]:
    """Return the recorded pairs of hashes of each page."""
    return {
        path: {(line.split("  ")[1], line.split("  ")[2]) for line in lines}
        for path, lines in _read_lines().items()
    }


def forbidden_words(path: str) -> list[str]:
    """Return a sentence for each word on a Korean page for which the glossary has another."""
    terms = tomllib.loads((DOCS / "glossary.toml").read_text(encoding="utf-8"))["terms"]
    page, blocks = read_blocks(path, "ko")
    return [
        str(page.error(block.line, f"the glossary says {term['ko']}, not {variant}: use its word"))
        for block in blocks
        if block.translated
        for term in terms
        for variant in term.get("not", [])
        if variant in re.sub(r"`[^`]*`", "", block.text)
    ]


def _read_lines() -> dict[str, list[str]]:
    lines: dict[str, list[str]] = {}
    for line in LOCK.read_text(encoding="utf-8").splitlines() if LOCK.is_file() else ():
        lines.setdefault(line.split("  ")[0], []).append(line)
    return lines


def _text_blocks(lines: tuple[str, ...], first: int) -> Iterator[Block]:
    """Yield the blocks of plain Markdown: blank lines separate them, and a heading is a block of its own."""
    block: list[str] = []
    for number, line in enumerate([*lines, ""], first):
        if line.strip():
            block.append(line)
        if block and (not line.strip() or re.match(r"#+ ", line)):
            yield _block(block, number - len(block) + bool(line.strip()))
            block = []


def _block(lines: list[str], line: int) -> Block:
    text = "\n".join(lines)
    head = lines[0].lstrip()
    depth = (len(lines[0]) - len(head)) // 4
    kind = "paragraph"
    if heading := _HEADING.fullmatch(head):
        kind = f"heading {len(heading[1])} {heading[2] or ''}".strip()
    elif box := _BOX.match(head):
        kind = f"box {box[1]} {box[2].strip()}".strip()
    elif _ITEM.match(head):
        margin = len(lines[0]) - len(head)
        kind = f"list of {sum(1 for row in lines if _ITEM.match(row[margin:]))}"
    elif head.startswith("|"):
        kind = f"table of {len(lines)} rows, {lines[0].count('|') - 1} columns"
    elif head.startswith("<"):
        kind = "markup " + " ".join(re.findall(r"</?\w+", text))
    elif set(text.strip()) <= {"-"}:
        kind = "html rule"
    return Block(line, f"{kind}{f', {depth} deep' if depth else ''}", text)
