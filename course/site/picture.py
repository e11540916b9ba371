"""The picture in the README: the real output of `check` on a chapter with one fault in it."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from course import messages
from course.commands.display import Listing, show_next
from course.judging.runner import judge
from course.lessons.faults import all_faults
from course.lessons.own_files import copy_own_files
from course.setup import running
from course.site.page import DOCS

PICTURE = DOCS / "assets/readme/check.svg"
FAULT = "last_page_has_a_next"
#: Rich's, without the fonts that it would have a browser fetch from elsewhere.
FORMAT = re.sub(r" *@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.S)


def draw_check() -> str:
    """Return the picture, an SVG: the output of `check` on chapter 1 with FAULT in it."""
    (fault,) = [fault for fault in all_faults() if fault.name == FAULT]
    stage = fault.stage
    messages.choose("en")
    console = Console(record=True, file=StringIO(), width=112, highlight=False)
    with TemporaryDirectory() as scratch, patch.object(running, "NOTE", Path(scratch, "site.port")):
        folder = Path(scratch, stage.name)
        copy_own_files(stage.path, folder, but=("steps",))
        fault.plant(folder)
        listing = Listing(console, stage)
        verdict = judge(folder, stage, on_result=listing.add)
        listing.finish(verdict)
        show_next(console, verdict, stage, folder, str(stage.number))
    return console.export_svg(title=f"python3 -m course check {stage.number}", code_format=FORMAT)
