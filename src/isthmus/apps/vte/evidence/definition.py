"""What items are made of: sets of concepts and codes, facts over them, expressions over facts. Four CSV files.

sets.csv    a set: OMOP concepts (each with its descendants), beginnings of source codes, and concepts taken away
facts.csv   a fact: rows of a table in a window before the moment, what is taken of them, and what it means that there
            are none: `recorded` (no, if the stay has any row of the table), `delivered` (no, if the hospital delivers
            the table), `unknown` (nothing is said)
items.csv   an input of a score: an expression over facts, age, sex and settings
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from isthmus.apps.contract import PackError
from isthmus.apps.contract.documents import Faults, sheet
from isthmus.apps.contract.knowledge import Expression, ExpressionError, Input, Kind, Row, analyte, parse, ucum
from isthmus.apps.contract.research import shipped_scores
from isthmus.apps.vte.evidence.fact import ALL_TIME, GREATEST, SOURCES, Concepts, Fact
from isthmus.apps.vte.evidence.sound import check_condition, check_reached, check_unit, limits_of

HERE = Path(__file__).parent
FACT = ("fact", "table", "set", "since", "until", "take", "unit", "analyte", "absent", "en", "zh")
TAKES = ("any", "latest", "span")
ABSENCES = ("recorded", "delivered", "unknown")
UNTIL = ("now", "admission")
STAY, EVER = "stay", "ever"
OWN: Mapping[str, Kind] = MappingProxyType({"age": Kind.NUMBER, "sex": Kind.TEXT, "cancer_hormones_count": Kind.TRUTH})
"""What expressions may name beside facts: age at the moment, sex, and a setting."""
SCORED = ("padua", "caprini", "caprini@accp9", "caprini@cn-quality", "bleeding_medical", "bleeding_surgical",
          "improve_bleeding")  # fmt: skip
"""The scores that are asked of a stay."""
DONE = (
    "padua_assessed", "padua_points", "caprini_assessed", "caprini_points", "bleeding_assessed", "drug_given",
    "mechanical_done", "mechanical_used", "vte_now",
)  # fmt: skip
"""The facts that tell what was done in a stay."""
ASKED = ("operation", *DONE)
"""The facts that are asked for by their names."""


@dataclass(frozen=True, slots=True)
class Definition:
    """All sets, facts and items; `barred` has the contraindications of each means, by name: expression and words."""

    sets: Mapping[str, Concepts]
    facts: Mapping[str, Fact]
    items: Mapping[str, Expression]
    barred: Mapping[str, Mapping[str, tuple[Expression, Mapping[str, str]]]]

    def within(self, items: Mapping[str, object] | tuple[str, ...]) -> list[str]:
        """The facts that some items need, in the order of the file."""
        needed = {name for item in items for name in self.items[item].names}
        return [name for name in self.facts if name in needed]


@cache
def shipped() -> Definition:
    """The definitions that come along."""
    return read(HERE)


def read(folder: Path) -> Definition:
    """The definitions of a folder. Raises PackError with every fault: file, line, item, cause, mend."""
    faults = Faults()
    sets = {row["set"]: _set(row, faults) for row in _rows(folder, "sets", ("set", "concepts", "codes", "less"))}
    facts = {row["fact"]: _fact(row, sets, faults) for row in _rows(folder, "facts", FACT)}
    for name in ASKED:
        if name not in facts:
            faults.add("facts.csv:1", f"the application asks for the fact {name}, and no line tells it.", "Add one.")
    faults.tell()
    kinds: dict[str, Kind | None] = {**OWN, **{name: one.kind for name, one in facts.items()}}
    items = _items(folder, kinds, sets, facts, faults)
    barred: dict[str, dict[str, tuple[Expression, Mapping[str, str]]]] = {"drug": {}, "mechanical": {}}
    limits = limits_of(facts, sets, items, _inputs())
    for row in _rows(folder, "contraindications", ("means", "name", "expression", "en", "zh")):
        found = _expression(row, kinds, faults)
        if row["means"] not in barred:
            faults.add(row.place(), f"{row['name']}: there are no means '{row['means']}'.", "Write drug or mechanical.")
        elif found is not None:
            if found.kind not in (Kind.TRUTH, None):
                faults.add(row.place(), f"{row['name']}: it gives {found.kind}.", "Write a condition: platelets < 50.")
            check_condition(row.place(), row["name"], found, limits, faults)
            _said(row, row["name"], faults)
            barred[row["means"]][row["name"]] = (found, {"en": row["en"], "zh": row["zh"]})
    faults.tell()
    return Definition(*map(MappingProxyType, (sets, facts, items, barred)))  # type: ignore[arg-type]  # four in order


@cache
def _inputs() -> Mapping[str, Input]:
    """The inputs of all scores by name."""
    return {one.name: one for score in shipped_scores().values() for one in score.inputs.values()}


def _items(
    folder: Path, kinds: Mapping[str, Kind | None], sets: Mapping[str, Concepts], facts: Mapping[str, Fact],
    faults: Faults,
) -> dict[str, Expression]:  # fmt: skip
    """The items, each able to come to bear; none lacks that a score of the application takes."""
    read = {
        row["item"]: (row, _expression(row, kinds, faults)) for row in _rows(folder, "items", ("item", "expression"))
    }
    items = {name: found for name, (_, found) in read.items() if found is not None}
    limits = limits_of(facts, sets, items, _inputs())
    for name, found in items.items():
        row, one = read[name][0], _inputs().get(name)
        if one is None:
            faults.add(row.place(), f"item {name}: no score has such an input.", "Name an input of a score.")
        elif found.kind not in (one.kind, None):
            faults.add(row.place(), f"item {name}: it gives {found.kind}, not {one.kind}.", "Mend the expression.")
        else:
            check_condition(row.place(), f"item {name}", found, limits, faults)
            check_reached(row.place(), found, one, limits, faults)
            check_unit(row.place(), found, one, facts, faults)
    for score in SCORED:
        for name in shipped_scores()[score].inputs:
            if name not in read:
                faults.add(
                    "items.csv:1", f"the score {score} takes {name}, and no line says what it is made of: its points "
                    "are never reached.", "Add a line for it.",
                )  # fmt: skip
    return items


def _rows(folder: Path, name: str, columns: tuple[str, ...]) -> list[Row]:
    path = folder / f"{name}.csv"
    if not path.is_file():
        raise PackError(f"{path.name}:1: the file is not there. Put it there, with the columns {', '.join(columns)}.")
    found = sheet.read(path, file=path.name, columns=columns, needed=columns)
    if not found:
        raise PackError(f"{path.name}:1: no row stands under the header. Write one, or take the file from the package.")
    keys = columns[:2] if name == "contraindications" else columns[:1]
    return list(sheet.keyed(found, *keys).values())


def _set(row: Row, faults: Faults) -> Concepts:
    numbers = []
    for column in ("concepts", "less"):
        for word in row[column].split():
            if not word.isdigit() or not 0 < int(word) <= GREATEST:
                faults.add(row.place(), f"set {row['set']}: '{word}' is no concept.", "Write the ids of OMOP concepts.")
    numbers = [tuple(int(one) for one in row[column].split() if one.isdigit()) for column in ("concepts", "less")]
    codes = tuple(row["codes"].upper().split())
    if not numbers[0] and not codes:
        faults.add(row.place(), f"set {row['set']}: nothing is in it.", "Write concepts, or beginnings of codes.")
    for one in sorted({*numbers[0]} & {*numbers[1]}):
        faults.add(row.place(), f"set {row['set']}: concept {one} is put in and taken away.", "Keep one of the two.")
    return Concepts(numbers[0], codes, numbers[1])


def _fact(row: Row, sets: Mapping[str, Concepts], faults: Faults) -> Fact:
    name = f"fact {row['fact']}"

    def demand(column: str, known: object, mend: str) -> None:
        if row[column] not in known:  # type: ignore[operator]  # every caller gives a collection of texts
            faults.add(row.place(), f"{name}: '{row[column]}' is not known as {column}.", f"Write one of: {mend}.")

    demand("table", SOURCES, ", ".join(SOURCES))
    demand("set", sets, "the sets of sets.csv")
    demand("until", UNTIL, ", ".join(UNTIL))
    demand("take", TAKES, ", ".join(TAKES))
    demand("absent", ABSENCES, ", ".join(ABSENCES))
    since = row["since"]
    days = ALL_TIME if since in (STAY, EVER) else int(since[:-1]) if since[:-1].isdigit() and since[-1:] == "d" else 0
    if not 0 < days <= ALL_TIME:
        faults.add(row.place(), f"{name}: '{since}' is no window.", "Write stay, ever, or a number of days as 30d.")
    if since == STAY and row["until"] == "admission":
        faults.add(row.place(), f"{name}: nothing of a stay lies before it.", "Write `now`, or a number of days.")
    if row["fact"] in OWN:
        faults.add(row.place(), f"{name}: the name is taken.", "Choose another.")
    _check_taken(row, name, faults)
    source = SOURCES.get(row["table"], SOURCES["condition_occurrence"])
    if row["take"] == "latest" and not source.number:
        faults.add(row.place(), f"{name}: rows of {source.table} have no number.", "Take `any`, or another table.")
    _said(row, name, faults)
    return Fact(
        row["fact"], source, row["set"], days, since == STAY, row["until"] == "admission", row["take"], row["unit"],
        row["analyte"], row["absent"], MappingProxyType({"en": row["en"], "zh": row["zh"]}),
    )  # fmt: skip


def _check_taken(row: Row, name: str, faults: Faults) -> None:
    """Note a unit, an analyte or a word on absence that does not fit what is taken."""
    place, unit, key, take = row.place(), row["unit"], row["analyte"], row["take"]
    if take in ("latest", "span") and row["absent"] != "unknown":
        said = f"{name}: that no row is there says nothing of a number, and it says '{row['absent']}'."
        faults.add(place, said, "Write `unknown`.")
    if (take == "any" and (unit or key)) or (take == "span" and unit != "d"):
        faults.add(
            place, f"{name}: what is taken ({take}) has no unit but days.",
            "Take `latest`, or take the unit out: `d` for a span, none for any.",
        )  # fmt: skip
    if unit and not ucum.readable(unit):
        faults.add(place, f"{name}: '{unit}' is no UCUM code.", "Write it as UCUM does.")
    elif key and key not in analyte.analytes():
        faults.add(place, f"{name}: there is no analyte '{key}'.", "Use a key of cdm/units/analyte.csv.")
    elif key and not (unit and analyte.measures(key, unit)):
        faults.add(place, f"{name}: {key} is not measured in '{unit}'.", "Mend the unit, or the analyte.")


def _said(row: Row, name: str, faults: Faults) -> None:
    """Note a name in one language."""
    if not row["en"] or not row["zh"]:
        faults.add(row.place(), f"{name}: it has no name in both languages.", "Fill `en` and `zh`.")


def _expression(row: Row, kinds: Mapping[str, Kind | None], faults: Faults) -> Expression | None:
    try:
        return parse(row["expression"], row.place(), kinds)
    except ExpressionError as error:
        faults.note(str(error))
        return None
