"""How the search cuts Korean into words: mkdocs.yml has the rule, the glossary the words of two parts."""

from __future__ import annotations

import re
import tomllib
from itertools import pairwise

from course.site.page import DOCS


def separator(rule: str) -> str:
    """Return ``rule``, the separator of mkdocs.yml, with the places where a term of two words may be cut.

    Korean writes many of them as one word too: 비밀키 then finds what 비밀 키 finds.
    """
    terms = tomllib.loads((DOCS / "glossary.toml").read_text(encoding="utf-8"))["terms"]
    pairs = {pair for term in terms for pair in pairwise(re.findall(r"[가-힣]+", term["ko"]))}
    cuts = [f"(?<={first})(?={second})" for first, second in sorted(pairs)]
    return "|".join([rule, *(cut for cut in cuts if cut not in rule)])  # mkdocs may ask again
