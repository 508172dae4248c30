"""Small rooms: 400 lines to a module, 40 to a function, 12 public methods to a class."""

import ast
from collections.abc import Iterator

from lib.tree import functions, lines, modules, nodes

MODULE, FUNCTION, METHODS = 400, 40, 12

# Tables of declarations may be longer than a module of code; each is named here with its reason.
DECLARATIONS: dict[str, str] = {}


def _public_methods(node: ast.ClassDef) -> list[str]:
    return [child.name for child in node.body if isinstance(child, ast.FunctionDef) and not child.name.startswith("_")]


def _too_long() -> Iterator[str]:
    for name, _ in modules(tests=True):
        if (length := len(lines(name))) > MODULE and name not in DECLARATIONS:
            yield f"{name}: {length} lines"


def test_no_module_is_longer_than_400_lines() -> None:
    assert not list(_too_long())


def test_no_function_is_longer_than_40_lines() -> None:
    sizes = (
        (f"{name}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1)
        for name, tree in modules(tests=True)
        for node in functions(tree)
    )
    assert not [f"{place}: {size} lines" for place, size in sizes if size > FUNCTION]


def test_no_class_has_more_than_12_public_methods() -> None:
    classes = (
        (f"{name}:{node.lineno} {node.name}", len(_public_methods(node)))
        for name, tree in modules()
        for node in nodes(tree)
        if isinstance(node, ast.ClassDef)
    )
    assert not [f"{place}: {count} methods" for place, count in classes if count > METHODS]


def test_an_exception_is_still_needed() -> None:
    assert not [name for name in DECLARATIONS if len(lines(name)) <= MODULE]
