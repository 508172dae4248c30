"""The nearest patients, by Gower's similarity, as statements at a desk.

    similarity = sum of weight × likeness / sum of weight, over the features known of both

Gower JC. Biometrics 1971;27:857 (recalled). A patient is taken as of today, the others as they were soon after the
first record of the disease, for what became of them began there; who died before that day is not followed. Survival is
the product-limit estimate. Nothing in it is adjusted, and who is alike in these features may differ in all others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.apps.advice.bench.statement import lay_facts
from isthmus.apps.advice.chart.facts import Concepts
from isthmus.apps.advice.pack.base import Base
from isthmus.apps.advice.similar.features import Feature, Features, alike
from isthmus.apps.contract import InputError, Session
from isthmus.apps.contract.research import Desk, step, survival
from isthmus.apps.contract.session import named, number_of

CALLS = """
    SELECT person_id, min(condition_start_date) + {after} AS day FROM condition_occurrence
    WHERE condition_concept_id IN ({ids}) AND person_id <> {me} AND person_id NOT IN (SELECT person_id FROM left_out)
    GROUP BY person_id
    UNION ALL SELECT person_id, DATE '{today}' AS day FROM person WHERE person_id = {me}
"""
NEAR = """
    SELECT person_id, day, likeness / weight AS similarity, weight / {whole} AS known FROM (
        SELECT f.person_id, f.today AS day, {likeness} AS likeness, {weight} AS weight
        FROM facts f CROSS JOIN mine m WHERE f.person_id <> m.person_id
    ) WHERE weight > 0 AND weight >= {known} * {mine} AND {mine} >= {least} * {whole}
    ORDER BY similarity DESC, person_id LIMIT {most}
"""
# The last day on which anything is known of a neighbour, and the day of death.
FOLLOWED = """
    SELECT n.person_id, CAST(max(e.day) - any_value(n.day) AS INTEGER) AS days,
        CAST(min(d.death_date) - any_value(n.day) AS INTEGER) AS died
    FROM near n LEFT JOIN ({events}) e ON e.person_id = n.person_id LEFT JOIN death d ON d.person_id = n.person_id
    GROUP BY n.person_id
"""
EVENTS: Mapping[str, str] = {
    "condition_occurrence": "condition_start_date", "drug_exposure": "drug_exposure_start_date",
    "procedure_occurrence": "procedure_date", "measurement": "measurement_date", "visit_occurrence": "visit_start_date",
}  # fmt: skip
# Who began which treatment within half a year before and after the day on which they were alike.
TREATED = """
    SELECT t.treatment, count(DISTINCT n.person_id) AS persons FROM near n JOIN (
        SELECT person_id, procedure_concept_id AS concept, procedure_date AS day FROM procedure_occurrence
        UNION ALL SELECT person_id, drug_concept_id, drug_exposure_start_date FROM drug_exposure
    ) e ON e.person_id = n.person_id AND e.day BETWEEN n.day - 183 AND n.day + 183
    JOIN treatment t ON t.concept = e.concept GROUP BY t.treatment
"""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A patient who is alike, as the session calls them: similarity 0 to 1, the share of all weights that could be
    compared, values by feature, and how alike each is (None: not known of both)."""

    person: int | str
    similarity: float
    known: float
    values: Mapping[str, Any]
    alike: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Became:
    """What became of those who are followed. `survival`: by year the share alive with its interval, None where too few
    are left to tell; `deaths` and `treated` are None where the count is hidden."""

    followed: int
    deaths: int | None
    survival: Mapping[int, tuple[float, float, float] | None]
    treated: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Similar:
    """The patient's own values, neighbours with the nearest first, and what became of them; `patients` in all."""

    patients: int
    mine: Mapping[str, Any]
    neighbours: tuple[Neighbour, ...]
    became: Became


def similar(
    session: Session, base: Base, concepts: Concepts, declared: Features, person: str, today: date
) -> Similar:  # fmt: skip
    """The patients most like one; none where too little is known. Raises InputError for who is not there.

    Nobody is compared who refused or withdrew, or whose case was refuted.
    """
    me = number_of(named(person))
    without = pa.array(sorted(session.left_out(declared.registry.name, declared.registry.enrolment.people)), pa.int64())
    found: list[Similar] = []

    def work(desk: Desk) -> pa.Table:
        desk.lay("left_out", pa.table({"person_id": without}))
        count = _lay(desk, base, concepts, declared, me, today)
        mine = desk.take(step("SELECT * FROM mine")).to_pylist()
        if not mine:
            raise InputError("there is no such person in this edition. Look the number up again.")
        near = desk.take(
            step("SELECT n.*, f.* EXCLUDE (person_id, day) FROM near n JOIN facts_near f USING (person_id)")
        )
        rows = sorted(near.to_pylist(), key=lambda one: (-one["similarity"], one["person_id"]))
        became = _became(desk, declared, concepts)
        told = [_neighbour(one, mine[0], declared) for one in rows[: declared.most]]
        values = {name: mine[0][name] for name in declared.features}
        found.append(Similar(count - 1, values, tuple(told), became))
        return pa.table({"neighbours": pa.array([row["person_id"] for row in rows[: declared.most]], pa.int64())})

    near = session.steps("patients who are most like one, and what became of them", work).column("neighbours")
    called = session.called(near.to_pylist())
    told = [
        replace(one, person=called[number]) for one, number in zip(found[0].neighbours, near.to_pylist(), strict=True)
    ]
    return replace(found[0], neighbours=tuple(told))


def _lay(desk: Desk, base: Base, concepts: Concepts, declared: Features, me: int, today: date) -> int:
    """Lay `mine`, `near` and `facts_near` on the desk; how many patients there are with this one."""
    ids = ", ".join(map(str, concepts.ids(declared.patients).tolist()))
    calls = step(CALLS.format(after=declared.after, ids=ids, me=me, today=today.isoformat()))
    needed = base.needing(list(declared.features))
    count = lay_facts(desk, needed, concepts, "patient-view", calls)
    columns = ", ".join(f'"{name}"' for name in declared.features)
    desk.make("mine", step(f"SELECT person_id, {columns} FROM facts WHERE person_id = {me}"))
    whole = sum(one.weight for one in declared.features.values())
    likeness = " + ".join(f"coalesce({one.weight} * ({_likeness(one)}), 0)" for one in declared.features.values())
    weight = " + ".join(
        f'CASE WHEN f."{one.name}" IS NULL OR m."{one.name}" IS NULL THEN 0 ELSE {one.weight} END'
        for one in declared.features.values()
    )
    own = desk.take(step("SELECT * FROM mine")).to_pylist()
    mine = sum(one.weight for one in declared.features.values() if own and own[0][one.name] is not None)
    asked = NEAR.format(
        likeness=likeness, weight=weight, whole=whole, mine=mine, known=declared.known, least=declared.least,
        most=declared.judged,
    )  # fmt: skip
    desk.make("near", step(asked))
    desk.make(
        "facts_near", step(f"SELECT f.person_id, f.today AS day, {columns} FROM facts f JOIN near n USING (person_id)")
    )
    return count


def _likeness(one: Feature) -> str:
    """How alike two values of a feature are, as an expression; null where one is not known."""
    mine, other = f'm."{one.name}"', f'f."{one.name}"'
    if one.low is None or one.high is None:
        return f"CASE WHEN {mine} = {other} THEN 1.0 WHEN {mine} <> {other} THEN 0.0 END"
    ends = [f"least(greatest({value}, {one.low!r}), {one.high!r})" for value in (mine, other)]
    span = f"{one.high!r} - {one.low!r}"
    if one.log:
        ends, span = [f"ln({value})" for value in ends], f"ln({one.high!r}) - ln({one.low!r})"
    known = f"{mine} IS NOT NULL AND {other} IS NOT NULL"  # least and greatest pass over nulls
    return f"CASE WHEN {known} THEN 1.0 - abs({ends[0]} - {ends[1]}) / ({span}) END"


def _neighbour(row: Mapping[str, Any], mine: Mapping[str, Any], declared: Features) -> Neighbour:
    values = {name: row[name] for name in declared.features}
    how = {name: alike(one, mine[name], row[name]) for name, one in declared.features.items()}
    return Neighbour(int(row["person_id"]), float(row["similarity"]), float(row["known"]), values, how)


def _became(desk: Desk, declared: Features, concepts: Concepts) -> Became:
    events = " UNION ALL ".join(
        f"SELECT s.person_id, s.{day} AS day FROM {table} s JOIN near k ON k.person_id = s.person_id"
        for table, day in EVENTS.items()
    )
    rows = [one for one in desk.take(step(FOLLOWED.format(events=events))).to_pylist() if _days(one) > 0]
    treatment = [
        {"treatment": name, "concept": concept}
        for name in declared.treatments
        for concept in concepts.ids(name).tolist()
    ]
    desk.lay("treatment", pa.Table.from_pylist(treatment))
    counted = {one["treatment"]: int(one["persons"]) for one in desk.take(step(TREATED)).to_pylist()}
    deaths = sum(one["died"] is not None for one in rows)
    treated = {name: _told(counted.get(name, 0), declared.hide) for name in declared.treatments}
    return Became(len(rows), _told(deaths, declared.hide), _survival(rows, declared), treated)


def _days(row: Mapping[str, Any]) -> float:
    """Days until death, or until the last day on which anything is known."""
    return float(row["days"] or 0) if row["died"] is None else float(row["died"])


def _told(count: int, hide: int) -> int | None:
    return None if 0 < count <= hide else count


def _survival(
    rows: Sequence[Mapping[str, Any]], declared: Features
) -> dict[int, tuple[float, float, float] | None]:  # fmt: skip
    """By year the share alive. A year at which no more are left than may be hidden is not told, nor are few deaths."""
    times = np.array([_days(one) for one in rows], dtype=np.float64)
    died = np.array([one["died"] is not None for one in rows], dtype=bool)
    if not len(times) or 0 < int(died.sum()) <= declared.hide:
        return dict.fromkeys(declared.years)
    curve = survival.kaplan_meier(times, died)
    found: dict[int, tuple[float, float, float] | None] = {}
    for year in declared.years:
        at = int(np.searchsorted(curve.times, year * 365.25, side="right")) - 1
        enough = int((times >= year * 365.25).sum()) > declared.hide
        told = (float(curve.survival[at]), float(curve.lower[at]), float(curve.upper[at]))
        found[year] = told if enough else None
    return found
