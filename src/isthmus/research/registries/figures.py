"""What the report of a registry shows: `report.yaml`, each entry checked against items and end points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isthmus.base.document import Section
from isthmus.research.registries.faults import Faults
from isthmus.research.registries.item import NEEDS, Item
from isthmus.research.registries.names import GRADE
from isthmus.research.registries.rules import Coded, Endpoint, Formula, Grouped

KEYS: Mapping[str, Sequence[str]] = {
    "baseline": ("rows", "by"), "counts": ("rows", "by"), "survival": ("endpoint", "by"), "lines": (),
    "response": ("item",), "completeness": ("need",),
}  # fmt: skip
"""Kinds of entries, with what each says beside `en` and `zh`; the last is called `figure`, the others `table`."""
DRAWN = ("survival",)
GROUPING = ("choice", "yesno")
RESPONDED = frozenset({"CR", "PR"})


@dataclass(frozen=True, slots=True)
class Figure:
    """One table or figure. `rows` and `by` are columns of patients: an item, or the grade of a score; of a table of
    responses `rows` is the item of lines that tells the best one."""

    name: str
    kind: str
    names: Mapping[str, str]
    rows: Sequence[str]
    by: str
    endpoint: str
    need: str
    place: str


class Figures:
    """Reads the entries of a report; what is wrong is noted."""

    def __init__(
        self, items: Mapping[str, Item], groups: Mapping[str, Grouped], formulas: Mapping[str, Formula],
        lists: Mapping[str, Sequence[Coded]], faults: Faults,
    ) -> None:  # fmt: skip
        self._items = items
        self._lists = lists
        self._groups = groups
        self._formulas = formulas
        self._faults = faults

    def read(self, told: Section | None, endpoints: Mapping[str, Endpoint]) -> list[Figure]:
        """The entries in their order."""
        found = []
        for name, body in (told or {}).items():
            place = told.place(name) if told is not None else ""
            if not isinstance(body, Section):
                self._faults.add(place, f"entry {name} of the report is a map.", "Write {table: baseline, …}.")
                continue
            kind = str(body.get("table", body.get("figure", "")))
            key = "figure" if kind in DRAWN else "table"
            if kind not in KEYS or key not in body:
                said = f"entry {name} of the report says neither `table` nor `figure` of a kind known here."
                self._faults.add(
                    place, said, "Kinds: table: baseline, counts, lines, response, completeness; figure: survival."
                )
                continue
            self._check_keys(name, body, (key, "en", "zh", *KEYS[kind]))
            found.append(self._figure(name, kind, body, endpoints))
        return found

    def _check_keys(self, name: str, body: Section, known: Sequence[str]) -> None:
        for key in body:
            if key not in known:
                said = f"entry {name} of the report has no '{key}'."
                self._faults.add(body.place(key), said, f"Known: {', '.join(known)}.")

    def _figure(self, name: str, kind: str, body: Section, endpoints: Mapping[str, Endpoint]) -> Figure:
        listed, by = body.get("rows") or [], str(body.get("by", ""))
        if not isinstance(listed, list) or (kind in ("baseline", "counts") and not listed):
            said = f"entry {name} of the report: `rows` is a list of items, and not empty."
            self._faults.add(body.place("rows"), said, "Write rows: [sex, age_at_diagnosis].")
            listed = []
        rows = tuple(map(str, listed))
        for one in rows:
            self._column(name, one, body.place("rows"))
        if kind == "response":
            rows = (str(body.get("item", "")),)
            self._responses(name, rows[0], body.place("item"))
        if by and self._column(name, by, body.place("by")) and by in self._items:
            item = self._items[by]
            if item.type not in GROUPING:
                said = f"entry {name} of the report is divided by {by}, which is of the type '{item.type}'."
                self._faults.add(body.place("by"), said, "Name a choice, a yesno, or the grade of a score.")
        endpoint, need = str(body.get("endpoint", "")), str(body.get("need", "core"))
        if kind == "survival" and endpoint not in endpoints:
            said = f"entry {name} of the report: '{endpoint}' is no end point."
            self._faults.add(body.place("endpoint"), said, f"Known: {', '.join(endpoints) or 'none'}.")
        if need not in NEEDS[:2]:
            said = f"entry {name} of the report: completeness does not count '{need}'."
            self._faults.add(body.place("need"), said, f"Write {' or '.join(NEEDS[:2])}.")
        titles = {key: str(body.get(key, name)) for key in ("en", "zh")}
        return Figure(name, kind, titles, rows, by, endpoint, need, body.place())

    def _responses(self, name: str, column: str, place: str) -> None:
        """The item of a table of responses: a choice of lines with the codes of a response."""
        item = self._items.get(column)
        lined = item is not None and item.group in self._groups and self._groups[item.group].row == "line"
        known = {one.code for one in self._lists.get(item.list, ())} if item else set()
        if not lined or not known >= RESPONDED:
            said = f"entry {name} of the report: '{column}' is no item of lines with the codes CR and PR."
            self._faults.add(place, said, "Name one: `item: line_best_response`.")

    def _column(self, name: str, column: str, place: str) -> bool:
        """Whether patients have such a column."""
        scored = column.removesuffix(GRADE) if column.endswith(GRADE) else ""
        item = self._items.get(column) or (
            self._items.get(scored) if scored in self._formulas and self._formulas[scored].score else None
        )
        if item is None:
            said = f"entry {name} of the report names '{column}', which is no item of this pack."
            self._faults.add(place, said, f"Correct it, or write {name} anew in the report.yaml of this pack.")
            return False
        if item.group in self._groups and self._groups[item.group].row != "patient":
            said = f"entry {name} of the report names {column}, whose group {item.group} has several rows of a patient."
            self._faults.add(place, said, "Name an item of patients.")
            return False
        return True
