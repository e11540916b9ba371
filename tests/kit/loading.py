"""Loads the code of a stage as `flask run` in its folder would: every module under its own name."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sqlite3
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from kit.guard import NotMadeByTheTest
from kit.state import Remembered

from course.lessons.own_files import copy_own_files
from course.lessons.stages import FINAL_NUMBER

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})

#: Hashing is slow in a browser, and this is the weakest that OpenSSL accepts from werkzeug: it allows
#: 132 * n * r bytes, of which OpenSSL needs 128 * r * (n + 3).
CHEAP_HASH = "scrypt:128:1:1"

_serial = count(1)


class HastyConnection(sqlite3.Connection):
    """A connection that does not wait for the disk, because tests need not survive a power cut."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.executescript("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY")


def hurry(engines: Iterable[Engine]) -> None:
    """Let engines that set up their connections themselves not wait for the disk either."""
    from sqlalchemy import event  # here, because the first chapters do without

    for engine in engines:
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", lambda made, _: made.execute("PRAGMA synchronous = OFF"))


_entered: list[LoadedStage] = []  # the stages that are active; the last one is what `import app` finds


class LoadedStage:
    """The code of a stage, in a private copy of its folder.

    Its modules are called `app` and `config` as in every other stage, so they are in `sys.modules` only while
    the stage is `active`. A module that it imports inside a function is found as well, and so is a file that
    it opens by a relative path: the current directory is the copy, as for `flask run`.
    """

    def __init__(self, name: str, number: int, source: Path, scratch: Path) -> None:
        self.name = name
        self.number = number
        self.folder = scratch / f"{name}-{next(_serial)}"
        copy_own_files(source, self.folder)
        self._files = count(1)
        self._engines: dict[tuple[str, str | None], Engine] = {}  # later ones use their compiled SQL
        self._modules: dict[str, ModuleType] = {}  # what it has imported, while it is not active

    # -- its modules -----------------------------------------------------------------------------------

    @contextmanager
    def active(self) -> Iterator[None]:
        """Make this stage the one that `import app` finds."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def enter(self) -> None:
        """Make its folder the first on `sys.path` and the current directory, and its modules importable.

        Another stage that is active has to wait until this one leaves.
        """
        if _entered[-1:] != [self]:
            if _entered:
                _entered[-1]._suspend()
            self._resume()
        _entered.append(self)

    def leave(self) -> None:
        """Undo the last `enter`."""
        last = len(_entered) - 1 - _entered[::-1].index(self)
        del _entered[last]
        if last == len(_entered) and _entered[-1:] != [self]:
            self._suspend()
            if _entered:
                _entered[-1]._resume()

    def _resume(self) -> None:
        self._names = {path.stem for path in self.folder.iterdir() if path.is_dir() or path.suffix == ".py"}
        self._outside = (str(Path.cwd()), list(sys.path), self._take(_is_not_installed))
        sys.path.insert(0, str(self.folder))
        os.chdir(self.folder)
        sys.modules.update(self._modules)

    def _suspend(self) -> None:
        directory, sys.path[:], hidden = self._outside
        os.chdir(directory)
        self._modules = self._take(self._is_own)
        sys.modules.update(hidden)

    def _take(self, wanted: Any) -> dict[str, ModuleType]:
        """Remove from `sys.modules`, and return, the wanted modules that have a name of this folder."""
        # All are looked at before one is gone.
        taken = [name for name in self._named() if wanted(sys.modules[name])]
        return {name: sys.modules.pop(name) for name in taken}

    def _named(self) -> list[str]:
        """Return the imported modules that have a name of this folder, its own and others."""
        return [name for name in list(sys.modules) if name.partition(".")[0] in self._names]

    def _is_own(self, module: ModuleType) -> bool:
        return any(file.startswith(f"{self.folder}{os.sep}") for file in _files_of(module))

    def own_modules(self, first: str) -> list[ModuleType]:
        """Return the modules of this stage that are imported, beginning with the one called ``first``."""
        _ = self.package
        own = {name: module for name, module in list(sys.modules.items()) if self._is_own(module)}
        if first not in own and importlib.util.find_spec(first):
            own[first] = importlib.import_module(first)
        return [own[name] for name in sorted(own, key=lambda name: name != first)]

    @cached_property
    def package(self) -> ModuleType:
        """`app`, imported once, and again where its modules remember what a test has done."""
        package = self._import("app")
        with suppress(Exception):  # what is wrong with it is the matter of the test that asks for it
            _ = self.config  # a module that came later would look like something that a test has changed
        self._at_first = Remembered(self._own())
        return package

    def refresh(self) -> None:
        """Import the code again if its modules are no longer as they were, so that no test sees another."""
        if "package" in vars(self) and self._at_first.differs_from(self._own()):
            self.load_package()

    def _own(self) -> list[ModuleType]:
        """Return the modules that it has imported."""
        if self in _entered:
            with self.active():
                return [sys.modules[name] for name in self._named() if self._is_own(sys.modules[name])]
        return list(self._modules.values())

    @cached_property
    def config(self) -> ModuleType:
        """`config`, imported once."""
        return self._import("config")

    def load_package(self) -> ModuleType:
        """Import `app` and all that it needs again, as a new process would."""
        with self.active():
            self._take(self._is_own)
            importlib.invalidate_caches()
        for name in ("package", "config"):
            vars(self).pop(name, None)
        self._engines.clear()
        return self.package

    def _import(self, name: str) -> ModuleType:
        with self.active():
            return importlib.import_module(name)

    # -- its applications ------------------------------------------------------------------------------

    def settings(self, base: str = "TestingConfig", **overrides: Any) -> type:
        """Return a configuration class: ``base`` with its own database and ``overrides``."""
        database = self.folder / f"database-{next(self._files)}.sqlite"
        quiet: dict[str, Any] = {
            "TESTING": False,  # clients of the tests see what clients in production see
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{database.as_posix()}",
        }
        if self.number < FINAL_NUMBER:
            quiet["SQLALCHEMY_ENGINE_OPTIONS"] = {"connect_args": {"factory": HastyConnection}}
            own = str(getattr(getattr(self.config, base), "PASSWORD_HASH_METHOD", ""))
            if base == "TestingConfig" and own.startswith("scrypt"):
                quiet["PASSWORD_HASH_METHOD"] = CHEAP_HASH
        return type("StageConfig", (getattr(self.config, base),), quiet | overrides)

    def share_compiled(self, engines: Mapping[str | None, Engine]) -> None:
        """Let all engines use the SQL that the first of their kind has compiled: all send the same."""
        for name, engine in engines.items():
            kind = (engine.dialect.name, name)
            if kind not in self._engines and self.number == FINAL_NUMBER:
                try:
                    engine.connect().close()  # by which its dialect learns what its server can do
                except NotMadeByTheTest:
                    continue  # only the URL is what the test is about
                engine.dispose()
            first = self._engines.setdefault(kind, engine)
            engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache


def _files_of(module: ModuleType) -> list[str]:
    """Return the file of a module, or the folders of a package that has no `__init__.py`."""
    file = getattr(module, "__file__", None)
    return [file] if file else list(getattr(module, "__path__", []))


def _is_not_installed(module: ModuleType) -> bool:
    """Whether a module is neither Python's nor a package's; its name may be a learner's, `kit` say."""
    files = _files_of(module)
    return bool(files) and not any(file.startswith(INSTALLED) or "site-packages" in file for file in files)
