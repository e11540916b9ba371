"""What modules remember: notices when a test has changed state that outlives its application.

Code of a factory is loaded once for many tests, because importing it for each would take as long as the
tests. That is right only as long as no module remembers anything. Wrong code does, and then what a test
finds would depend on the tests before it; so the stage is loaded again when its modules have changed.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from functools import _lru_cache_wrapper
from itertools import count
from types import FunctionType, MethodType, ModuleType
from typing import Any

PLAIN = (int, float, complex, str, bytes, bool, type(None))
SKIPPED = {"__builtins__", "__cached__", "__doc__", "__annotations__", "__spec__", "__loader__"}
DEPTH = 8  # of containers in closures in classes: what wrong code remembers is near the surface


def state_of(modules: Iterable[ModuleType]) -> Hashable:
    """Return a value that differs after something in ``modules`` has changed.

    It covers what their own names refer to: containers, counters, own classes and their instances, and what
    functions keep in defaults, in closures and in attributes. What libraries keep is left out.
    """
    own = {module.__name__ for module in modules}
    return tuple((name, _Reader(own).read(vars(sys.modules[name]))) for name in sorted(own))


class _Reader:
    def __init__(self, own: set[str]) -> None:
        self._own = own
        self._seen: dict[int, Any] = {}  # with the objects, so that none gets the id of one that is gone

    def read(self, value: Any, depth: int = DEPTH) -> Hashable:
        if isinstance(value, PLAIN):
            return value if len(str(value)) < 1000 else hash(value)
        if isinstance(value, count):
            return repr(value)
        if depth == 0 or id(value) in self._seen or isinstance(value, ModuleType):
            return type(value).__name__
        self._seen[id(value)] = value
        parts = self._parts(value)
        return (type(value).__name__, *(self.read(part, depth - 1) for part in parts()))

    def _parts(self, value: Any) -> Callable[[], Iterable[Any]]:
        """Return what yields the parts of ``value`` that may change."""
        if isinstance(value, dict):
            names = [name for name in value if name not in SKIPPED]
            return lambda: [part for name in names for part in (name, value[name])]
        if isinstance(value, list | tuple | deque):
            return lambda: value
        if isinstance(value, set | frozenset):
            return lambda: [len(value)]
        if isinstance(value, _lru_cache_wrapper):
            return lambda: [value.cache_info().currsize]
        if isinstance(value, MethodType):
            return lambda: [value.__func__, value.__self__]
        if isinstance(value, FunctionType):
            cells = [cell for cell in value.__closure__ or () if _is_filled(cell)]
            kept = [part for part in (value.__defaults__, value.__kwdefaults__, vars(value)) if part]
            return lambda: [*(cell.cell_contents for cell in cells), *kept]
        if isinstance(value, staticmethod | classmethod):
            return lambda: [value.__func__]
        of_own = value if isinstance(value, type) else type(value)
        if of_own.__module__ in self._own and hasattr(value, "__dict__"):
            return lambda: [dict(vars(value))]
        return lambda: ()


def _is_filled(cell: Any) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:  # of a name that its function has not assigned yet
        return False
    return True
