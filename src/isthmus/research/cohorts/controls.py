"""Negative controls: outcomes that a treatment cannot cause, each of them simply the events of one concept.

They have no entry conditions, no observation period and no exit: an event is a member's stay of one day. All of them
are found by two statements.
"""

import csv
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Literal

import pyarrow as pa

from isthmus.base.errors import InputError
from isthmus.gate.desk import Desk
from isthmus.research.cohorts.catalogue import domains
from isthmus.research.cohorts.concepts import step
from isthmus.research.cohorts.cursor import DefinitionError
from isthmus.research.cohorts.definition import Control

DOMAINS = (
    "ConditionOccurrence", "DrugExposure", "DeviceExposure", "Measurement", "Observation", "ProcedureOccurrence",
    "VisitOccurrence",
)  # fmt: skip
OUTCOME = pa.schema(
    {"cohort": pa.int32(), "concept_id": pa.int64(), "first": pa.bool_(), "descendants": pa.bool_()}
)  # fmt: skip
COLUMNS = ("cohort_id", "concept_id", "occurrence", "descendants", "title")
FLAGS = {"occurrence": {"first": True, "all": False, "": True}, "descendants": {"yes": True, "no": False, "": True}}

MEANT = """
    SELECT cohort, concept_id, "first" FROM outcome WHERE NOT descendants
    UNION
    SELECT o.cohort, a.descendant_concept_id, o."first"
    FROM outcome o JOIN concept_ancestor a ON a.ancestor_concept_id = o.concept_id WHERE o.descendants
"""
EVENTS = """
    SELECT m.cohort, e.person_id, m."first", {start} AS day
    FROM {table} e JOIN control m ON m.concept_id = e.{concept} WHERE {start} IS NOT NULL{among}
"""
STAYS = """
    SELECT cohort, person_id, day FROM (
        SELECT cohort, person_id, "first", day,
            row_number() OVER (PARTITION BY cohort, person_id ORDER BY day) AS nth
        FROM (SELECT DISTINCT cohort, person_id, "first", day FROM ({events}) e) d
    ) q WHERE NOT "first" OR nth = 1
"""
MEMBERS = """
    SELECT cohort, person_id, day AS start_date, day AS end_date FROM ({stays}) q ORDER BY cohort, person_id, day
"""
RESULT = """
    SELECT cohort, person_id, CAST(day - DATE '1970-01-01' AS INTEGER) AS start_day,
        CAST(day - DATE '1970-01-01' AS INTEGER) AS end_day
    FROM ({stays}) q
"""


def controls(
    desk: Desk, outcomes: Mapping[int, int], *, occurrence: Literal["first", "all"] = "first",
    descendants: bool = True, within: Collection[str] = DOMAINS,
) -> pa.Table:  # fmt: skip
    """The events of outcomes (concept by number of the cohort): `cohort, person_id, start_date, end_date`, in order.

    `within` are the kinds of events looked at.
    """
    meant = ((cohort, concept, occurrence == "first", descendants) for cohort, concept in outcomes.items())
    _lay(desk, meant)
    found = desk.take(step(MEMBERS.format(stays=_stays(within, ""))))
    desk.drop("outcome", "control")
    return found


def add(desk: Desk, asked: Iterable[Control], numbers: Mapping[str, int], among: str) -> None:
    """Add the stays of controls to the table `result` of a desk."""
    _lay(desk, ((numbers[one.name], one.concept_id, one.first, one.descendants) for one in asked))
    desk.add("result", step(RESULT.format(stays=_stays(DOMAINS, among))))
    desk.drop("outcome", "control")


def read(path: Path) -> list[Control]:
    """The controls in a CSV: `cohort_id,concept_id`, and if wanted `occurrence` (first, all), `descendants` (yes, no)
    and `title`. Raises InputError, with file and line where it is wrong.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            wrong = set(rows.fieldnames or ()) ^ set(COLUMNS) - set(COLUMNS[2:])
            if wrong - set(COLUMNS[2:]):
                raise DefinitionError(
                    f"{path.name}: line 1: {', '.join(sorted(map(str, wrong)))} is unknown or absent. The columns are "
                    f"{', '.join(COLUMNS)}; the first two are needed."
                )
            return [_control(row, f"{path.name}: line {rows.line_num}") for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise InputError(f"{path} cannot be read. Name a CSV of negative controls in UTF-8.") from None


def _control(row: Mapping[str, str | None], place: str) -> Control:
    said = {name: (row.get(name) or "").strip() for name in COLUMNS}
    if not said["cohort_id"] or not said["concept_id"].isdecimal() or len(said["concept_id"]) > 18:
        raise DefinitionError(f"{place}: a control needs a cohort_id and the number of a concept. Write both.")
    for name, known in FLAGS.items():
        if said[name] not in known:
            raise DefinitionError(f"{place}: {name} is {' or '.join(one for one in known if one)}. Write one of them.")
    first, descendants = (FLAGS[name][said[name]] for name in ("occurrence", "descendants"))
    return Control(said["cohort_id"], int(said["concept_id"]), first, descendants, said["title"])


def _lay(desk: Desk, meant: Iterable[tuple[int, int, bool, bool]]) -> None:
    rows = [dict(zip(OUTCOME.names, one, strict=True)) for one in meant]
    desk.lay("outcome", pa.Table.from_pylist(rows, schema=OUTCOME))
    desk.make("control", step(MEANT))


def _stays(within: Collection[str], among: str) -> str:
    chosen = (domains()[name] for name in within)
    events = (EVENTS.format(table=one.table, concept=one.concept, start=one.start, among=among) for one in chosen)
    return STAYS.format(events=" UNION ALL ".join(events))
