"""What modules remember: notices when a test has changed state that outlives its application.

Code of a factory is loaded once for many tests, because importing it for each would take as long as the
tests. That is right only as long as no module remembers anything. Wrong code does, and then what a test
finds would depend on the tests before it; so the stage is loaded again when its modules have changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import _lru_cache_wrapper
from itertools import count
from operator import is_
from types import FunctionType, MethodType, ModuleType
from typing import Any

PLAIN = (int, float, complex, str, bytes, bool, type(None))
SKIPPED = {"__builtins__", "__cached__", "__doc__", "__annotations__", "__spec__", "__loader__"}
DEPTH = 8  # of containers in closures in classes: what wrong code remembers is near the surface

Look = Callable[[Any], list[Any]]  # returns the parts of an object that may change


class Remembered:
    """What modules remember at one moment, to be compared with what they remember later.

    It covers what their own names refer to: containers, counters, own classes and their instances, and what
    functions keep in defaults, in closures and in attributes. What libraries keep is left out.
    """

    def __init__(self, modules: Iterable[ModuleType]) -> None:
        self._modules = {module.__name__: module for module in modules}
        self._parts: dict[int, tuple[Look, Any, list[Any]]] = {}  # by id: how it was looked at, it, its parts
        for module in self._modules.values():
            self._keep(vars(module), DEPTH)

    def differs_from(self, modules: Iterable[ModuleType]) -> bool:
        """Whether ``modules`` are others, or something in them has changed."""
        if {module.__name__: module for module in modules} != self._modules:
            return True
        return any(not _are_same(look(value), parts) for look, value, parts in self._parts.values())

    def _keep(self, value: Any, depth: int) -> None:
        if depth == 0 or id(value) in self._parts or (look := self._look_at(value)) is None:
            return
        parts = look(value)
        self._parts[id(value)] = look, value, parts
        for part in parts:
            self._keep(part, depth - 1)

    def _look_at(self, value: Any) -> Look | None:
        """Return how to look at ``value``; None if it cannot change, or is a library's."""
        kind = type(value)  # not isinstance, which a proxy answers for what it stands for
        for kinds, look in LOOKS.items():
            if issubclass(kind, kinds):
                return look
        of_own = value if issubclass(kind, type) else kind
        return _attributes if of_own.__module__ in self._modules and hasattr(value, "__dict__") else None


def _are_same(parts: list[Any], before: list[Any]) -> bool:
    if len(parts) != len(before):
        return False
    return all(map(is_, parts, before)) or all(
        part is one or (type(part) is type(one) and type(part) in PLAIN and part == one)
        for part, one in zip(parts, before, strict=True)
    )


def _entries(value: Any) -> list[Any]:
    return [part for name, entry in value.items() if name not in SKIPPED for part in (name, entry)]


def _attributes(value: Any) -> list[Any]:
    return _entries(vars(value))


def _kept_by_function(value: Any) -> list[Any]:
    cells = [cell.cell_contents for cell in value.__closure__ or () if _is_filled(cell)]
    return [*cells, *(part for part in (value.__defaults__, value.__kwdefaults__, vars(value)) if part)]


def _is_filled(cell: Any) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:  # of a name that its function has not assigned yet
        return False
    return True


LOOKS: dict[Any, Look] = {
    dict: _entries,
    (list, tuple, deque): list,
    (set, frozenset): lambda value: [len(value)],
    count: lambda value: [repr(value)],
    _lru_cache_wrapper: lambda value: [value.cache_info().currsize],
    MethodType: lambda value: [value.__func__, value.__self__],
    FunctionType: _kept_by_function,
    (staticmethod, classmethod): lambda value: [value.__func__],
}
