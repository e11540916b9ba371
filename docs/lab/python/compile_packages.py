"""Run at build: compiles the source in the zips of Python's packages to bytecode, without docstrings."""

import ast
import importlib.util
import re
import zipfile
from _frozen_importlib_external import _code_to_timestamp_pyc as as_pyc

#: What in the standard library needs other processes or a connection of its own.
LEFT_OUT = re.compile(r"(multiprocessing|xmlrpc)/|(mailbox|imaplib|poplib|ftplib|plistlib)\.py")


def compile_zip(source: str, target: str) -> None:
    """Write what is in the zip ``source`` into the zip ``target``, modules as Python would cache them."""
    with (
        zipfile.ZipFile(source) as given,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made,
    ):
        for name in sorted(name for name in given.namelist() if not LEFT_OUT.match(name)):
            content = given.read(name)
            if name.endswith(".py"):
                tree = without_docstrings(importlib.util.decode_source(content))
                name, content = f"{name}c", as_pyc(compile(tree, name, "exec", dont_inherit=True))
            made.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)


def without_docstrings(source: str) -> ast.Module:
    """Return the tree of a module; its assertions stay, and its lines keep their numbers."""
    tree = ast.parse(source)
    blank_docstrings(tree)
    return tree


def blank_docstrings(statement: ast.AST) -> None:
    """Shorten the docstrings in a statement: of its blocks alone, as no expression has one."""
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    if isinstance(statement, documented) and ast.get_docstring(statement, clean=False) is not None:
        statement.body[0].value.value = "-"  # not removed: SQLAlchemy asserts that there is one
    for block in ("body", "orelse", "finalbody", "handlers", "cases"):
        for inner in getattr(statement, block, ()):
            blank_docstrings(inner)
