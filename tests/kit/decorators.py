"""The view decorators of a stage, wherever its learner has put them."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from itertools import chain
from types import ModuleType
from typing import Any

from kit.clients import Lacks
from kit.loading import LoadedStage


class Decorators:
    """The view decorators of a stage: an attribute for each."""

    def __init__(self, loaded: LoadedStage) -> None:
        self._modules = loaded.own_modules("app.decorators")

    def __getattr__(self, name: str) -> Any:
        for module in chain(self._modules, self._not_imported()):
            if name in vars(module):
                return vars(module)[name]
        raise Lacks("decorator", name)

    def _not_imported(self) -> Iterator[ModuleType]:
        """Import the modules of `app.decorators` that no view uses so far, and yield each."""
        package = "app.decorators"
        for module in pkgutil.iter_modules(getattr(sys.modules.get(package), "__path__", ())):
            if f"{package}.{module.name}" not in sys.modules:
                yield importlib.import_module(f"{package}.{module.name}")
