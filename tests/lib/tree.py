"""What lies in the repository, for tests that hold the house to its rules."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "isthmus"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def files() -> tuple[Path, ...]:
    """Every file that is tracked by git, or would be if it were added now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    paths = (ROOT / name for name in sorted(set(listed.split("\0"))) if name)
    return tuple(path for path in paths if path.is_file())


@cache
def modules(*, tests: bool = False) -> tuple[tuple[str, ast.Module], ...]:
    """Name (relative to the root) and syntax tree of each module of the package; tests and benchmarks if asked."""
    rooms = ("src/", "tests/", "benchmarks/") if tests else ("src/",)
    named = ((path.relative_to(ROOT).as_posix(), path) for path in files() if path.suffix == ".py")
    return tuple((name, _parsed(path, name)) for name, path in named if name.startswith(rooms))


@cache
def _parsed(path: Path, name: str) -> ast.Module:
    return ast.parse(path.read_bytes(), name)


def lines(name: str) -> list[str]:
    """The lines of a file named relative to the root."""
    return (ROOT / name).read_text(encoding="utf-8").splitlines()


def rooms() -> set[str]:
    """The names of the packages directly below `isthmus`."""
    return {path.parent.name for path in SOURCE.glob("*/__init__.py")}


@cache
def nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """All nodes below a node; walking takes as long as parsing, and many tests do."""
    return tuple(ast.walk(tree))


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function and method below a node, nested ones too."""
    return (node for node in nodes(tree) if isinstance(node, Function))
