"""Applications that start faster, for the tests: each makes one of its own, and a browser computes slowly."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any


@cache  # a second call would wrap what the first has made
def build_urls_later() -> None:
    """Let Werkzeug compile the functions that build a rule's URLs at their first call.

    Each rule has two, most are never called, and compiling them is half the time of a factory.
    """
    from werkzeug.routing import Rule

    compile_now = Rule._compile_builder

    def compile_later(self: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled: list[Callable[..., tuple[str, str]]] = []

        def build(rule: Rule, **values: Any) -> tuple[str, str]:
            if not compiled:
                compiled.append(compile_now(self, append_unknown))
            return compiled[0](rule, **values)

        return build

    Rule._compile_builder = compile_later  # type: ignore[method-assign]
