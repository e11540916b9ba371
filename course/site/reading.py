"""How long a lesson takes, to read and to type along: computed from its page at each build."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from course.lessons.stages import find_stage, stage_before
from course.site.directives.changes import find_changes
from course.site.page import say

#: Words of prose, which have spaces around them, that one reads silently in a minute. Measured: 238 of
#: English non-fiction (Brysbaert 2019, doi:10.1016/j.jml.2019.104047), 202 in Korean, of 2.9 syllables each
#: (Song, Kim, Hyung 2016, doi:10.3341/jkos.2016.57.4.642). Both less a twelfth, for prose about code.
WORDS = {"en": 220, "ko": 187}
#: Lines that one reads in a minute.
CODE, TRANSCRIPT = 10, 25
#: Lines that one types in a minute, mistakes and looks at `check` included; measured with a beginner in
#: chapters 1 to 4.
TYPED = 6
#: What a chapter's folder has for the course, and no learner types.
GIVEN = {"spec.md"}

_FENCE = re.compile(r"( *)(`{3,})(.*)")
_FOLDED = re.compile(r"\?\?\? (?!question)")
_OTHER_TAB = re.compile(r'=== "')  # the first one is ===!
_END = re.compile(r"##+ .*\{#instructors\}")
#: A folded file of several lines; a translation, which one reads instead of the file above it.
_FOLD = re.compile(r'<details [^>]*data-folded[^>]*>(?!.*</details>)|<div class="translation"')
_FILE = re.compile(r"<details [^>]* open\b.*?</details>")  # a diff that is not folded
_NOT_PROSE = re.compile(
    r"<details .*?</details>|<figure.*?</figure>|<[^>]*>|\]\([^)]*\)|\{[#:.][^}]*\}|[#*`|\[\]]"
)


@dataclass(frozen=True)
class Amount:
    """What there is to read on a page: words of prose, and lines."""

    prose: int = 0
    code: int = 0
    transcript: int = 0

    def minutes(self, lang: str) -> int:
        """Return how long that takes."""
        return round(self.prose / WORDS[lang] + self.code / CODE + self.transcript / TRANSCRIPT)


def amount_of(markdown: str) -> Amount:
    """Return what an expanded page has to read: one tab of each request, and nothing of what is folded.

    The answers to questions are read too; what is said to instructors is not.
    """
    prose = code = transcript = 0
    for kind, line in _lines(markdown.split("\n")):
        if kind == "code":
            code += 1
        elif kind == "transcript":
            transcript += 1
        else:
            code += sum(diff.count("<ins") for diff in _FILE.findall(line))  # the rest was read before
            text = _NOT_PROSE.sub(" ", line)
            prose += sum(any(map(str.isalnum, word)) for word in text.split())
    return Amount(prose, code, transcript)


def lines_to_type(chapter: str) -> int:
    """Return how many lines with something in them a chapter adds to the learner's folder."""
    stage = find_stage(chapter)
    return sum(
        bool("".join(text for _, text in line).strip())
        for change in find_changes(stage_before(stage), stage)
        if change.path not in GIVEN
        for tag, _, _, start, end in change.operations
        if tag in ("insert", "replace")
        for line in change.new[start:end]
    )


def minutes_to_type(read: int, lines: int) -> int:
    """Return how long reading and typing take together."""
    return read + math.ceil(lines / TYPED)


def line_of(markdown: str, lang: str, chapter: str = "") -> str:
    """Return the line below the title of a page that says how long it takes."""
    read = amount_of(markdown).minutes(lang)
    if not chapter:
        return f'<p class="minutes">{say("minutes-read", lang, read)}</p>'
    lines = lines_to_type(chapter)
    said = say("minutes-lesson", lang, read, minutes_to_type(read, lines), lines)
    return f'<p class="minutes">{said}</p>'


def _lines(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each line that is read, with what it is: prose, code or transcript."""
    fence = kind = ""
    skipped = folded = False  # in a box, or in a tab that is not the first; in a folded file
    for line in lines:
        if _END.fullmatch(line):
            return
        if line.strip() and not line.startswith(" "):
            skipped = bool(_FOLDED.match(line) or _OTHER_TAB.match(line))
        if _FOLD.match(line) or line in ("</details>", "</div>"):
            folded = not line.startswith("</")
        found = _FENCE.fullmatch(line)
        if found and not fence:
            fence = found[2]
            kind = "code" if re.search(r'(title|linenums)="', found[3]) else "transcript"
        elif found and found[2] == fence and not found[3]:
            fence = kind = ""
        elif line.strip() and not skipped and not folded:
            yield kind or "prose", line
