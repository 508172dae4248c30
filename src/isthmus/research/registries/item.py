"""One item of a registry: what it is called, what may fill it, and which of several values is taken."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from isthmus.base.errors import InputError
from isthmus.cdm.units import ucum
from isthmus.research.registries.faults import Faults
from isthmus.research.registries.sheet import Row

COLUMNS = (
    "item", "en", "zh", "type", "unit", "list", "from", "pick", "window", "need", "since", "until", "source", "about",
    "about_zh",
)  # fmt: skip
TYPES = ("number", "whole", "choice", "many", "yesno", "date", "text")
PICKS = ("first", "last", "nearest", "lowest", "highest", "any", "all", "count")
NEEDS = ("core", "wanted", "optional")
CODED = ("measurement", "observation", "condition", "procedure", "drug", "device", "visit", "specimen")
DATED = ("condition", "procedure", "drug", "device", "visit", "specimen", "death", "person")
"""Sources whose rows carry no value of their own: for an item of the type `date` they mean their own date."""
PERSONAL = ("gender", "birth", "race", "ethnicity", "site")
NAME = re.compile(r"[a-z][a-z0-9_]{0,58}")
RESERVED = frozenset(
    {
        "person_id", "row", "site", "index", "index_date", "death", "dead", "last_contact", "visit_occurrence_id",
        "line", "regimen", "drugs", "start_date", "end_date",
    }
)  # fmt: skip
"""Columns of the tables that are no items, and names that expressions have for all patients."""
CONCEPT = re.compile(r"(?P<id>\d+)(?P<below> and below)?")
SOURCE = re.compile(
    r"(?:(?P<coded>[a-z]+) (?P<concepts>\d+(?: and below)?(?:, ?\d+(?: and below)?)*)|(?P<death>death)"
    r"|person (?P<person>[a-z]+))(?P<dated> as date)?(?P<texted> by text)?(?: = (?P<value>\d+(?:, ?\d+)*))?"
)
WINDOW = re.compile(r"(?P<low>-?\d+)?\.\.(?P<high>-?\d+)?")
DERIVED = "derived"
MEND = {
    "from": "Write for example `measurement 3024561 | observation 2000010064 and below = 45877994`, `death`, "
    "`person birth`, or `derived`.",
    "window": "Write days around the index as `-90..30`, `..0` or `0..`, or leave it empty.",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """One thing that fills an item. `concept_id` is 0 for `death` and `person`, whose `what` says the column.

    `values`: only with one of these value concepts, if any are named.
    """

    domain: str
    concept_id: int
    below: bool
    rank: int
    what: str = ""
    as_date: bool = False
    by_text: bool = False
    values: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """An item, checked. `low` and `high` are days around the index or the anchor; None is open."""

    name: str
    group: str
    names: Mapping[str, str]
    type: str
    unit: str
    list: str
    sources: Sequence[Source]
    derived: bool
    pick: str
    low: int | None
    high: int | None
    need: str
    since: date | None
    until: date | None
    references: Sequence[str]
    about: Mapping[str, str]
    row: Row

    @property
    def windowed(self) -> bool:
        """Whether days around the index or anchor are asked for."""
        return self.low is not None or self.high is not None


def item(row: Row, group: str, lists: Mapping[str, object], faults: Faults) -> Item:
    """The item that a row says; faults are noted, and what is faulty left out."""
    name, derived = row["item"], row.get("from", "") == DERIVED
    kind = _one_of(row, "type", TYPES, "", faults)
    if not NAME.fullmatch(name) or name in RESERVED:
        faults.add(
            _at(row, "item"), "this is no name of an item, or one that is taken.",
            "Write small letters, digits and _, a letter first, at most 59.",
        )  # fmt: skip
    for column in ("en", "zh"):
        if not row.get(column):
            faults.add(_at(row, column), f"the name in column '{column}' is empty.", "Give both names.")
    low, high = _window(row, faults)
    since, until = (_day(row, column, faults) for column in ("since", "until"))
    if since and until and since > until:
        faults.add(_at(row, "until"), "the item ends before it begins.", "Turn since and until round.")
    _check_unit(row, kind, faults)
    _check_list(row, kind, lists, faults)
    return Item(
        name, group, {"en": row.get("en", ""), "zh": row.get("zh", "")}, kind, row.get("unit", ""),
        row.get("list", ""), () if derived else tuple(_sources(row, kind, faults)), derived,
        _pick(row, kind, faults), low, high, _one_of(row, "need", NEEDS, "optional", faults), since, until,
        tuple(filter(None, (part.strip() for part in row.get("source", "").split("|")))),
        {"en": row.get("about", ""), "zh": row.get("about_zh", "")}, row,
    )  # fmt: skip


def _at(row: Row, column: str) -> str:
    return f"{row.place(column)}: item {row['item']}"


def _one_of(row: Row, column: str, known: Sequence[str], usual: str, faults: Faults) -> str:
    value = row.get(column, "") or usual
    if value not in known:
        said = f"'{value}' is no {column}." if value else f"the column '{column}' is empty."
        faults.add(_at(row, column), said, f"Write one of: {', '.join(known)}.")
        return known[0]
    return value


def _pick(row: Row, kind: str, faults: Faults) -> str:
    usual = {"many": "all", "yesno": "any"}.get(kind, "nearest")
    pick = _one_of(row, "pick", PICKS, usual, faults)
    if pick in ("lowest", "highest") and kind not in ("number", "whole", "date", "choice"):
        faults.add(_at(row, "pick"), f"of the type '{kind}' there is no {pick}.", "Write first, last or nearest.")
    if pick == "count" and kind != "whole":
        faults.add(_at(row, "pick"), f"a count is a whole number, not of the type '{kind}'.", "Write the type whole.")
    return pick


def _window(row: Row, faults: Faults) -> tuple[int | None, int | None]:
    text = row.get("window", "")
    match = WINDOW.fullmatch(text)
    if not text or match is None:
        if text:
            faults.add(_at(row, "window"), f"'{text}' is no window.", MEND["window"])
        return None, None
    low, high = (None if match[end] is None else int(match[end]) for end in ("low", "high"))
    if low is not None and high is not None and low > high:
        faults.add(_at(row, "window"), f"the window {text} ends before it begins.", "Turn its ends round.")
    return low, high


def _day(row: Row, column: str, faults: Faults) -> date | None:
    text = row.get(column, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        faults.add(_at(row, column), f"'{text}' is no day.", "Write it as 2024-12-31.")
        return None


def _check_unit(row: Row, kind: str, faults: Faults) -> None:
    unit = row.get("unit", "")
    if kind == "number" and not unit:
        faults.add(_at(row, "unit"), "a number has a unit.", "Write it in UCUM, and 1 for a number without one.")
    elif unit and kind not in ("number", "whole"):
        faults.add(_at(row, "unit"), f"a {kind} has no unit.", "Empty the column, or write the type number.")
    elif unit:
        try:
            ucum.read(unit)
        except InputError:
            faults.add(_at(row, "unit"), f"'{unit}' is not a UCUM code known here.", "Write it as UCUM does: 10*9/L.")


def _check_list(row: Row, kind: str, lists: Mapping[str, object], faults: Faults) -> None:
    named = row.get("list", "")
    if kind in ("choice", "many") and not named:
        faults.add(_at(row, "list"), f"a {kind} needs a list of codes.", "Name one of lists.csv.")
    elif named and named not in lists:
        known = ", ".join(sorted(lists)[:12]) or "none"
        faults.add(_at(row, "list"), f"there is no list '{named}'.", f"Write it into lists.csv. Known: {known} …")
    elif named and kind not in ("choice", "many", "yesno"):
        faults.add(_at(row, "list"), f"a {kind} has no list of codes.", "Empty the column, or write the type choice.")


def _sources(row: Row, kind: str, faults: Faults) -> list[Source]:
    found: list[Source] = []
    for rank, text in enumerate(filter(None, (part.strip() for part in row.get("from", "").split("|"))), start=1):
        match = SOURCE.fullmatch(text)
        if match is None or (match["coded"] and match["coded"] not in CODED):
            faults.add(_at(row, "from"), f"'{text}' is no source.", MEND["from"])
            continue
        if match["person"] and match["person"] not in PERSONAL:
            faults.add(
                _at(row, "from"), f"a person has no '{match['person']}' here.", f"Write one of: {', '.join(PERSONAL)}."
            )
            continue
        if match["dated"] and kind != "date":
            faults.add(_at(row, "from"), f"'{text}' gives a date to a {kind}.", "Write the type date.")
        found += _source(match, kind, rank)
    return found


def _source(match: re.Match[str], kind: str, rank: int) -> list[Source]:
    domain = match["coded"] or match["death"] or "person"
    values = tuple(int(one) for one in (match["value"] or "").split(",") if one.strip())
    dated = kind == "date" and (bool(match["dated"]) or domain in DATED)
    concepts = [CONCEPT.fullmatch(one.strip()) for one in (match["concepts"] or "0").split(",")]
    return [
        Source(
            domain, int(one["id"]), bool(one["below"]), rank, match["person"] or "", dated, bool(match["texted"]),
            values,
        )
        for one in concepts if one is not None
    ]  # fmt: skip
