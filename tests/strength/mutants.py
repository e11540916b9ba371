"""Mutants: every small change to a file that a good suite should notice. Each is the file with one change.

The operators are our own, over `ast`, because neither tool maintained today reaches what a Flask
application is made of. mutmut 3.8 leaves decorated functions and everything outside functions alone, and
here the decorators and the class bodies are the subject. cosmic-ray 8.7 has no operator for text, keyword
arguments, statements or what is returned: a header, an option and a hook that is never registered.

Left alone on purpose: imports, annotations, docstrings and `__all__`, which change nothing that runs; and
prose, that is, text with a space in it, as an argument too: tests that fixed its wording would hinder better
wording.
"""

from __future__ import annotations

import ast
import copy
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

#: What an operator turns into. A comparison changes at its boundary, and is reversed.
SWAPS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}


@dataclass(frozen=True)
class Mutant:
    """A file with one change.

    ``place`` is the function or class around it, empty at the top; ``nth`` tells it from the others that have
    the same change in the same place. Together with ``file``, ``old`` and ``new`` these name it, and go on to
    do so when lines move. ``lines`` are those of the file in its `normal` form, and ``around`` those of the
    place; ``code`` writes the mutant.
    """

    file: str
    place: str
    old: str
    new: str
    nth: int
    lines: range
    around: range
    code: Callable[[], str]

    @property
    def key(self) -> str:
        """Its name in one line."""
        nth = f" #{self.nth}" if self.nth > 1 else ""
        return f"{self.file} {self.place or 'top'}: {self.old}  ->  {self.new or 'nothing'}{nth}"


def normal(source: str) -> str:
    """Return ``source`` as `ast` writes it: the form that every mutant of it is written in."""
    return ast.unparse(ast.parse(source)) + "\n"


def mutants_of(file: str, source: str) -> list[Mutant]:
    """Return every mutant of ``source``, in its order; ``file`` is the name they get."""
    tree = ast.parse(normal(source))
    seen: Counter[tuple[str, str, str]] = Counter()
    mutants = []
    for path in _walk(tree, (tree,)):
        node = path[-1]
        above = [one for one in path[:-1] if isinstance(one, Named)]
        place = ".".join(one.name for one in above)
        around = _lines_of(above[-1]) if above else range(1, sys.maxsize)
        for changed in _changes(node, path[-2] if len(path) > 1 else node):
            old, new = _shown(node, changed)
            seen[place, old, new] += 1
            code = partial(_written, tree, node, changed)
            mutants.append(
                Mutant(file, place, old, new, seen[place, old, new], _lines_of(node), around, code)
            )
    return mutants


Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _lines_of(node: ast.AST) -> range:
    return range(getattr(node, "lineno", 1), (getattr(node, "end_lineno", None) or 1) + 1)


def _written(tree: ast.Module, node: ast.AST, changed: ast.AST) -> str:
    """Return the code of ``tree`` with ``changed`` in the place of ``node``."""
    swapped = _Swap(node, changed).visit(copy.deepcopy(tree, {id(node): node}))
    return ast.unparse(ast.fix_missing_locations(swapped)) + "\n"


class _Swap(ast.NodeTransformer):
    """Puts ``new`` where ``old`` is; the tree it visits is a copy that shares that one node."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


def _walk(node: ast.AST, path: tuple[ast.AST, ...]) -> Iterator[tuple[ast.AST, ...]]:
    """Yield the path from the module to each node worth changing."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _left_alone(child):
                yield (*path, child)
                yield from _walk(child, (*path, child))


def _left_alone(node: ast.AST) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.expr_context():
            return True
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]) | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
    return False


def _changes(node: ast.AST, parent: ast.AST) -> Iterator[ast.AST]:
    """Yield what ``node`` may turn into."""
    match node:
        case ast.Constant(value=value):
            yield from (ast.Constant(other) for other in _other_constants(value))
        case ast.Compare(ops=ops):
            for index, operator in enumerate(ops):
                for other in SWAPS[type(operator)]:
                    yield _with(node, ops=[*ops[:index], other(), *ops[index + 1 :]])
        case ast.BoolOp(op=operator, values=values):
            yield _with(node, op=SWAPS[type(operator)][0]())
            for index in range(len(values)):
                rest = [*values[:index], *values[index + 1 :]]
                yield rest[0] if len(rest) == 1 else _with(node, values=rest)
        case ast.BinOp(op=operator) | ast.AugAssign(op=operator):
            yield from (_with(node, op=other()) for other in SWAPS.get(type(operator), ()))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.Call(keywords=keywords):
            for index, keyword in enumerate(keywords):
                if not _is_prose(keyword.value):
                    yield _with(node, keywords=[*keywords[:index], *keywords[index + 1 :]])
        case ast.ExceptHandler(type=ast.Tuple(elts=types)):
            for index in range(len(types)):
                yield _with(node, type=ast.Tuple([*types[:index], *types[index + 1 :]], ast.Load()))
        case ast.ExceptHandler(type=ast.expr()):
            yield _with(node, type=ast.Tuple([], ast.Load()))
    if isinstance(node, Named):
        for index in range(len(node.decorator_list)):
            rest_of_them = [*node.decorator_list[:index], *node.decorator_list[index + 1 :]]
            yield _with(node, decorator_list=rest_of_them)
    if isinstance(node, ast.stmt):
        yield from _other_statements(node, parent)
    if isinstance(node, ast.If | ast.While | ast.IfExp) and _is_plain(node.test):
        yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))
    if isinstance(node, ast.comprehension):
        for index, test in enumerate(node.ifs):
            if _is_plain(test):
                negated = ast.UnaryOp(ast.Not(), test)
                yield _with(node, ifs=[*node.ifs[:index], negated, *node.ifs[index + 1 :]])


def _other_constants(value: object) -> Iterator[bool | int | float | str | bytes]:
    match value:
        case bool():
            yield not value
        case int() | float():
            yield value + 1
        case str() if not _is_prose(ast.Constant(value)):
            yield f"XX{value}XX"
        case bytes():
            yield b"XX" + value + b"XX"


def _is_prose(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Constant) and isinstance(node.value, str) and any(map(str.isspace, node.value))
    )


def _other_statements(node: ast.stmt, parent: ast.AST) -> Iterator[ast.AST]:
    """Yield a statement without its effect: left out, returning nothing, its body never or always run."""
    match node:
        case ast.Return(value=ast.Constant(value=None)):
            pass
        case ast.Return(value=ast.expr()):
            yield ast.Return(ast.Constant(None))
        case ast.Expr() | ast.Raise() | ast.Delete() | ast.Break() | ast.Continue() | ast.AugAssign():
            yield ast.Pass()
        case ast.Return(value=None):
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]) | ast.AnnAssign(target=ast.Attribute()):
            yield ast.Pass()
        case ast.Assign() | ast.AnnAssign(value=ast.expr()) if isinstance(parent, ast.ClassDef):
            yield ast.Pass()
        case ast.For():
            yield _with(node, iter=ast.Tuple([], ast.Load()))
        case ast.With(items=items) if all(item.optional_vars is None for item in items):
            yield ast.If(ast.Constant(True), node.body, [])


def _is_plain(test: ast.expr) -> bool:
    """Whether no other operator reverses this condition."""
    return not isinstance(test, ast.Compare | ast.BoolOp | ast.UnaryOp)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    """Return a copy of ``node`` with other ``fields``."""
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _shown(node: ast.AST, changed: ast.AST) -> tuple[str, str]:
    """Return a change as readers see it: one line of code before, and one after."""
    if isinstance(node, Named):
        if not isinstance(changed, Named):
            raise TypeError(f"{node.name} cannot turn into something else as a whole")
        gone = next(one for one in node.decorator_list if one not in changed.decorator_list)
        return f"@{ast.unparse(gone)}", ""
    old, new = (
        ast.unparse(ast.fix_missing_locations(one)).strip().splitlines()[0] for one in (node, changed)
    )
    return old, new
