"""What modules remember: notices when a test has changed state that outlives its application.

Code of a factory is loaded once for many tests, because importing it for each would take as long as the
tests. That is right only as long as no module remembers anything. Wrong code does, and then what a test
finds would depend on the tests before it; so the stage is loaded again when its modules have changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Hashable, Iterable
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
    own = {module.__name__: module for module in modules}
    return tuple((name, _Reader(own).read(vars(own[name]))) for name in sorted(own))


class _Reader:
    def __init__(self, own: Container[str]) -> None:
        self._own = own
        self._seen: dict[int, Any] = {}  # with the objects, so that none gets the id of one that is gone

    def read(self, value: Any, depth: int = DEPTH) -> Hashable:
        kind = type(value)  # not isinstance, which a proxy answers for what it stands for
        if issubclass(kind, PLAIN):
            return value  # type: ignore[no-any-return]
        if kind is count:
            return repr(value)
        if depth == 0 or id(value) in self._seen or issubclass(kind, ModuleType):
            return kind.__name__
        self._seen[id(value)] = value
        return (kind.__name__, *(self.read(part, depth - 1) for part in self._parts(value)))

    def _parts(self, value: Any) -> Iterable[Any]:
        """Return the parts of ``value`` that may change."""
        kind = type(value)
        if issubclass(kind, dict):
            names = [name for name in value if name not in SKIPPED]
            return [part for name in names for part in (name, value[name])]
        if issubclass(kind, list | tuple | deque):
            return value
        if issubclass(kind, set | frozenset):
            return [len(value)]
        if issubclass(kind, _lru_cache_wrapper):
            return [value.cache_info().currsize]
        if issubclass(kind, MethodType):
            return [value.__func__, value.__self__]
        if issubclass(kind, FunctionType):
            cells = [cell for cell in value.__closure__ or () if _is_filled(cell)]
            kept = [part for part in (value.__defaults__, value.__kwdefaults__, vars(value)) if part]
            return [*(cell.cell_contents for cell in cells), *kept]
        if issubclass(kind, staticmethod | classmethod):
            return [value.__func__]
        of_own = value if issubclass(kind, type) else kind
        if of_own.__module__ in self._own and hasattr(value, "__dict__"):
            return [dict(vars(value))]
        return ()


def _is_filled(cell: Any) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:  # of a name that its function has not assigned yet
        return False
    return True
