"""Which blueprints a change concerns: the one it is made in, and those that import what changed.

python affected.py              every blueprint
python affected.py origin/main  those that this branch concerns
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent
BLUEPRINTS = ("auth", "health", "v1", "v2")  # app/NAME.py, and its tests in tests/test_NAME.py
NOBODYS = (".md", ".gitignore")  # what no test could notice


def affected(changed: Iterable[str]) -> list[str]:
    """Return the blueprints whose tests have to run when the files ``changed`` have.

    A file that belongs to no blueprint, the factory or the configuration or this one, concerns them all.
    """
    files = {name: files_of(name) for name in BLUEPRINTS}
    found: set[str] = set()
    for file in changed:
        if not file.endswith(NOBODYS):
            found.update([name for name in BLUEPRINTS if file in files[name]] or BLUEPRINTS)
    return sorted(found)


def files_of(blueprint: str) -> set[str]:
    """Return the files of a blueprint: its tests, its module, and every module that this one imports."""
    found: set[str] = set()
    waiting = [f"app/{blueprint}.py"]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += imports(file)
    return found | {f"tests/test_{blueprint}.py"}


def imports(file: str) -> list[str]:
    """Return the files of the application that ``file`` imports, by `from . import v1` and the like.

    The factory is not among them: it imports everybody, and everybody's tests begin with it.
    """
    found = []
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            package = (ROOT / file).parents[node.level - 1]
            module = package.joinpath(*(node.module or "").split("."))
            for path in [module, *(module / alias.name for alias in node.names)]:
                found += [path.with_suffix(".py"), path / "__init__.py"]
    paths = [path.relative_to(ROOT).as_posix() for path in found if path.is_file()]
    return [path for path in paths if path != "app/__init__.py"]


def changed_since(base: str) -> list[str]:
    """Return the files that this branch has changed since it left ``base``."""
    command = ["git", "diff", "--name-only", "--no-renames", "--relative", f"{base}...HEAD"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()


if __name__ == "__main__":
    base = "".join(sys.argv[1:])
    print(json.dumps(affected(changed_since(base)) if base else BLUEPRINTS))
