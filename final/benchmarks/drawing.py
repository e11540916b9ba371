"""The pictures, as SVG: bars that compare all contenders, lines of how the cost grows.

A picture stands alone, with colours for light and dark, or in a page that has the classes `f-...` itself.
"""

from __future__ import annotations

from html import escape
from math import log10
from statistics import median
from typing import Any

from .contenders import HELLO, OURS
from .report import compared

WIDTH = 540
#: What the pictures say; page.py gives it in another language.
WORDS = {
    "compare title": "Requests a second, beside ours",
    "compare desc": "Bars. Ours is 1; a bar is shorter where fewer requests are answered in the same time.",
    "curves title": "How the cost of a request grows",
    "curves desc": "Lines over accounts, sessions and connections. The first point is 1; flat is good.",
    "me": "own account",
    "refresh": "refresh",
    "login": "log in",
    "accounts": "accounts",
    "sessions": "sessions of one account",
    "clients": "connections",
    "memory title": "Memory of one process through the soak, MiB",
    "minutes": "{:.0f} min",
    "memory desc": "A line over the minutes in which one process was left alone while others were killed.",
}
_STYLE = """<style>
text{font:500 15px system-ui,sans-serif;fill:#1e2529;text-anchor:middle}
.f-left{text-anchor:start}.f-right{text-anchor:end}.f-small{font-size:13px;fill:#566067}.f-strong{font-weight:700}
.f-solid{fill:#0d5c63}.f-accent-fill{fill:#a8480f}.f-rule{stroke:#c9c3b4;fill:none}
.f-line{stroke:#566067;fill:none;stroke-width:1.6}.f-accent-line{stroke:#a8480f}
@media (prefers-color-scheme:dark){text{fill:#e4e3dc}.f-small{fill:#a5adb0}.f-solid{fill:#7fcac6}
.f-accent-fill{fill:#f2a468}.f-rule{stroke:#454d52}.f-line{stroke:#a5adb0}.f-accent-line{stroke:#f2a468}}
</style>"""


def all_pictures(result: dict[str, Any], words: dict[str, str] = WORDS) -> dict[str, str]:
    """Return every picture of a result by its name, each to stand alone."""
    return {"compare": compare(result, words, _STYLE), "curves": curves(result, words, _STYLE)}


def compare(result: dict[str, Any], words: dict[str, str] = WORDS, style: str = "") -> str:
    """Draw what each contender does in a second, as a part of what ours does."""
    contenders = result["databases"]["sqlite"]
    y, parts = 8, list[str]()
    for workload in ("me", "refresh", "login"):
        rows = [(one["title"], key) for key, one in contenders.items() if key not in (OURS, HELLO)]
        bars = [(title, compared(contenders, key, workload)) for title, key in rows]
        shares = [
            (contenders[OURS]["title"], 1.0),
            *((title, 1 / found.median) for title, found in bars if found),
        ]
        parts.append(_text(words[workload], 0, y + 14, "f-left f-strong"))
        longest = max(share for _, share in shares)
        for number, (title, share) in enumerate(shares):
            top = y + 26 + 24 * number
            kind = "f-accent-fill" if number == 0 else "f-solid"
            width = max(share / longest * 230, 1)
            parts.append(_text(title, 250, top + 13, "f-small f-right"))
            parts.append(f'<rect class="{kind}" x="258" y="{top}" width="{width:.1f}" height="17" rx="2"/>')
            parts.append(_text(f"{share:.2f}", 264 + width, top + 13, "f-small f-left"))
        y += 26 + 24 * len(shares) + 18
    return _svg(y, words["compare title"], words["compare desc"], parts, style)


def curves(result: dict[str, Any], words: dict[str, str] = WORDS, style: str = "") -> str:
    """Draw the processor time of `me` over accounts, sessions and connections, as parts of the first."""
    parts, y = list[str](), 8
    for name in ("accounts", "sessions", "clients"):
        points = result["curves"][name]
        costs = [median(run["cpu"] for run in point["runs"]) for point in points]
        values = [(float(point["x"]), cost / costs[0]) for point, cost in zip(points, costs, strict=True)]
        parts.append(_text(words[name], 0, y + 14, "f-left f-strong"))
        parts += _line([(log10(x), value) for x, value in values], y + 24, 0.0)
        for number, (x, value) in enumerate(values):
            at = _across(number, len(values))
            parts.append(_text(f"{x:,.0f}", at, y + 140, "f-small"))
            parts.append(_text(f"{value:.2f}", at, _height(value, 0.0, _top(values), y + 24) - 8, "f-small"))
        y += 166
    return _svg(y, words["curves title"], words["curves desc"], parts, style)


def memory(summary: dict[str, Any], words: dict[str, str] = WORDS, style: str = "") -> str:
    """Draw the memory of a process through a soak; "" where that was too short."""
    samples = summary["memory"].get("samples")
    if not samples:
        return ""
    parts = _line([(time, size) for time, size in samples], 12, 0.0)
    for time, size in (samples[0], samples[-1]):
        at = 40 if time == samples[0][0] else WIDTH - 40
        parts.append(_text(f"{size:.0f}", at, _height(size, 0.0, _top(samples), 12) - 8, "f-small"))
        parts.append(_text(words["minutes"].format(time / 60), at, 128, "f-small"))
    return _svg(136, words["memory title"], words["memory desc"], parts, style)


def _line(points: list[tuple[float, float]], top: float, floor: float) -> list[str]:
    first, last = points[0][0], points[-1][0]
    places = [
        (40 + (x - first) / ((last - first) or 1) * (WIDTH - 80), _height(value, floor, _top(points), top))
        for x, value in points
    ]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    return [
        f'<path class="f-rule" d="M20 {top + 100}H{WIDTH - 20}"/>',
        f'<path class="f-line f-accent-line" d="{path}"/>',
    ]


def _across(number: int, count: int) -> float:
    return 40 + number / max(count - 1, 1) * (WIDTH - 80)


def _top(points: list[tuple[float, float]]) -> float:
    return max(value for _, value in points) * 1.3


def _height(value: float, floor: float, ceiling: float, top: float) -> float:
    return top + 100 - (value - floor) / (ceiling - floor) * 100


def _text(text: str, x: float, y: float, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}">{escape(text)}</text>'


def _svg(height: float, title: str, desc: str, parts: list[str], style: str) -> str:
    head = f"<title>{escape(title)}</title><desc>{escape(desc)}</desc>{style}"
    box = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}">'
    return f"{box}{head}{''.join(parts)}</svg>"
