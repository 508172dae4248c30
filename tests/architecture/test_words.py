"""Names have a subject, what is public says what it is, and no shortcut is taken without a reason."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from lib.tree import Function, functions, lines, modules, rooms

VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
NAMED_ALL_THE_SAME = ("src/isthmus/apps/manager/", "tests/unit/apps/manager/")

# Installed only where somebody asked for the extra, so imported only where they are used.
OPTIONAL = {"adbc_driver_manager", "opendp", "psycopg", "pymysql", "pyspark"}

SILENCED = re.compile(r"#\s*(?:type: ignore|noqa)(?P<codes>\[[\w, -]+\]|: ?[A-Z]+\d+(?:, ?[A-Z]+\d+)*)?(?P<reason>.*)$")


def test_no_module_is_named_for_nothing() -> None:
    vague = [name for name, _ in modules(tests=True) if VAGUE & set(PurePosixPath(name).with_suffix("").parts)]
    assert not [name for name in vague if not name.startswith(NAMED_ALL_THE_SAME)]


def test_a_room_is_a_word() -> None:
    assert all(room.isalpha() and room.islower() for room in rooms())


def test_every_module_says_what_it_is() -> None:
    assert not [name for name, tree in modules(tests=True) if tree.body and not ast.get_docstring(tree)]


def test_everything_public_says_what_it_is() -> None:
    public = (
        (name, node)
        for name, tree in modules()
        for node in tree.body
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_")
    )
    assert not [f"{name}:{node.lineno} {node.name}" for name, node in public if not ast.get_docstring(node)]


def _imported_late() -> Iterator[str]:
    for name, tree in modules():
        for function in functions(tree):
            for node in ast.walk(function):
                if isinstance(node, ast.Import):
                    found = {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    found = {(node.module or "").split(".")[0]}
                else:
                    continue
                if not found <= OPTIONAL:
                    yield f"{name}:{node.lineno} {', '.join(sorted(found))}"


def test_no_import_hides_in_a_function() -> None:
    assert not list(_imported_late())


def _is_broad(node: ast.ExceptHandler) -> bool:
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"}) for kind in caught
    )


def test_whoever_catches_everything_says_why() -> None:
    broad = (
        (name, node.lineno)
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and _is_broad(node)
    )
    assert not [
        f"{name}:{line}" for name, line in broad if not any("#" in near for near in lines(name)[line - 2 : line])
    ]


def _silenced_without_reason() -> Iterator[str]:
    for name, _ in modules():
        for number, line in enumerate(lines(name), start=1):
            found = SILENCED.search(line)
            if found and not (found["codes"] and len(found["reason"].split()) >= 3):
                yield f"{name}:{number}"


def test_whoever_silences_a_check_names_it_and_says_why() -> None:
    assert not list(_silenced_without_reason())
