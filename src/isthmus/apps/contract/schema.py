"""The file `records.yaml` of an application: its own tables, as steps that only add."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isthmus.apps.contract.documents import Section, check_keys, fault, read, section_of, sections_of
from isthmus.records.own import SITE, TYPES, Shape, Step, shapes

FILE = "records.yaml"
NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")


def steps_of(folder: Path) -> list[Step]:
    """The steps of the file in an application's folder; none where there is no file.

    Raises PackError that names file, line, cause and mend.
    """
    path = folder / FILE
    if not path.exists():
        return []
    body = read(path, name=f"{folder.name}/{FILE}")
    check_keys(body, "records", ("steps",), ("steps",))
    steps: list[Step] = []
    for number, said in enumerate(sections_of(body, "steps", "records"), 1):
        steps.append(_step(said, f"step {number}", shapes(steps)))
    return steps


def _step(said: Section, item: str, before: Mapping[str, Shape]) -> Step:
    check_keys(said, item, ("tables", "columns", "index"))
    if not any(said.values()):
        raise fault(said.place(), item, "it adds nothing", "Write `tables`, `columns` or `index`, or take it out")
    tables = section_of(said, "tables", item)
    for name in tables:
        _demand_name(tables, name, item)
        if name in before:
            raise fault(tables.place(name), item, f"there is a table '{name}' already", "Add columns to it instead")
    made = {name: _shape(section_of(tables, name, item), f"{item}, table {name}") for name in tables}
    columns = section_of(said, "columns", item)
    added = {name: _added(section_of(columns, name, item), item, _of(before, columns, name, item)) for name in columns}
    index = section_of(said, "index", item)
    known = {name: [*_of(before, index, name, item).columns, *added.get(name, ())] for name in index}
    return Step(made, added, {name: _index(index, name, item, known[name]) for name in index})


def _shape(said: Section, item: str) -> Shape:
    check_keys(said, item, ("columns", "key", "index"), ("columns",))
    columns = _columns(section_of(said, "columns", item), item)
    key = _names(said, "key", item, said.get("key") or [], columns)
    return Shape(columns, key, _index(said, "index", item, columns))


def _added(said: Section, item: str, old: Shape) -> dict[str, str]:
    for name in said:
        if name in old.columns:
            raise fault(said.place(name), item, f"there is a column '{name}' already", "Give it another name")
    return _columns(said, item)


def _columns(said: Section, item: str) -> dict[str, str]:
    if not said:
        raise fault(said.place(), item, "a table has no columns", "Write `columns: {NAME: TYPE}`")
    for name, kind in said.items():
        _demand_name(said, name, item)
        if not isinstance(kind, str) or kind not in TYPES:
            raise fault(said.place(name), item, f"there is no type '{kind}'", f"Types: {', '.join(TYPES)}")
    return dict(said)


def _index(said: Section, key: str, item: str, columns: Any) -> tuple[tuple[str, ...], ...]:
    listed = said.get(key) or []
    if not isinstance(listed, list) or not all(isinstance(one, list) for one in listed):
        raise fault(said.place(key), item, f"`{key}` is a list of lists of columns", "Write `[[one, another]]`")
    if [] in listed:
        raise fault(said.place(key), item, f"`{key}` has a list without columns", "Name columns, or take it out")
    return tuple(_names(said, key, item, one, columns) for one in listed)


def _names(said: Section, key: str, item: str, listed: Any, columns: Any) -> tuple[str, ...]:
    if not isinstance(listed, list) or len(set(map(str, listed))) < len(listed):
        raise fault(said.place(key), item, f"`{key}` is a list of columns, each once", "Write `[one, another]`")
    for one in listed:
        if one not in columns:
            raise fault(said.place(key), item, f"there is no column '{one}'", f"Columns: {', '.join(columns)}")
    return tuple(listed)


def _of(before: Mapping[str, Shape], said: Section, name: str, item: str) -> Shape:
    if name not in before:
        raise fault(
            said.place(name), item, f"no step before this one makes '{name}'", "Name a table of an earlier step"
        )
    return before[name]


def _demand_name(said: Section, name: str, item: str) -> None:
    if not NAME.fullmatch(name) or name in (SITE, "step_"):
        raise fault(said.place(name), item, f"'{name}' cannot be a name here", "Use a-z, 0-9, '_'; `site` is given")
