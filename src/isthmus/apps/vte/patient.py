"""One patient at a moment: risk, bleeding, what is to be done, what is due; with the rows that say so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import pyarrow as pa

from isthmus.apps.contract import Context, InputError
from isthmus.apps.contract.knowledge import Outcome
from isthmus.apps.vte.evidence.chart import Judged, Moment, judge
from isthmus.apps.vte.evidence.definition import Definition, shipped
from isthmus.apps.vte.matrix import Action, action, barriers, groups

INPATIENT = (9201, 262)
"""Stays in hospital, those that began in the emergency room among them."""


@dataclass(frozen=True, slots=True)
class Due:
    """An act that is due. `late`: its time is over; `done`: None where that cannot be told.

    `what` is risk, bleeding, drug, mechanical, or prophylaxis (either of the two).
    """

    what: str
    by: datetime | None
    done: bool | None
    late: bool


@dataclass(frozen=True, slots=True)
class Assessed:
    """A patient's assessment. `risk` and `bleeding` are groups; None where the data do not decide them."""

    person: int | str
    visit: int | str
    judged: Judged
    scale: str
    outcome: Outcome
    bleeding: Outcome
    risk: str | None
    todo: Action
    due: tuple[Due, ...]


def assess(person: int | str, at: Context, seen: str = "") -> Assessed | None:
    """The assessment of a patient's stay now or, if there is none, of the last one at its end; None without a stay.

    Raises InputError when `seen`, a time in ISO form, cannot be read.
    """
    made = shipped()
    try:
        tables = at.session.patient(person)
    except ValueError:  # what is no number names nobody, where patients have numbers
        return None
    now = _time(seen or at.settings["day"], at.now)
    stay = _stay(tables.get("visit_occurrence"), now)
    if stay is None:
        return None
    judged = judge(
        made, tables, Moment(stay["began"], min(now, stay["ended"] or now), stay["site"]), _below(at, made),
        said={"cancer_hormones_count": at.settings["cancer_hormones_count"]}, never=at.settings["never"],
        delivered=delivered(at, made, stay["site"]),
    )  # fmt: skip
    return weigh(person, stay["visit"], judged, at.settings)


def weigh(person: int | str, visit: int | str, judged: Judged, settings: Mapping[str, Any]) -> Assessed:
    """What facts and items of a patient come to."""
    operated = judged.facts["operation"].value is True
    wanted = settings["scale"]
    scale = wanted if wanted != "auto" else "caprini" if operated else "padua"
    name = settings["profile"] if scale == "caprini" else "padua"
    outcome = judged.outcome(name)
    bleeding = judged.outcome("bleeding_surgical" if scale == "caprini" else "bleeding_medical")
    risk = groups().get((name, outcome.grade or ""))
    todo = action(risk, bleeding.grade, barriers(shipped(), judged))
    return Assessed(person, visit, judged, scale, outcome, bleeding, risk, todo, _due(judged, todo, settings["hours"]))


def delivered(at: Context, made: Definition, site: str) -> dict[str, bool]:
    """Whether the hospital delivers each table: remembered by edition, looked up where it is not."""
    edition = at.session.edition
    prefix = f"{site}:"
    known = {
        row["source"].removeprefix(prefix): row["there"]
        for row in at.records.find("delivered", {"edition": edition})
        if row["source"].startswith(prefix)
    }
    wanted = sorted({one.source.table for one in made.facts.values() if one.absent == "delivered"} - set(known))
    if wanted:
        parts = [
            f"(SELECT '{table}' AS source FROM {table} WHERE site = '{_quoted(site)}' LIMIT 1)" for table in wanted
        ]
        there = set(at.session.ask(" UNION ALL ".join(parts))["source"].to_pylist())
        known |= {table: table in there for table in wanted}
        rows = [{"source": prefix + table, "edition": edition, "there": table in there} for table in wanted]
        at.records.add("delivered", rows)
    return known


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _time(said: str, now: datetime) -> datetime:
    try:
        return datetime.fromisoformat(said) if said else now.replace(tzinfo=None)
    except ValueError:
        raise InputError(f"'{said}' is no time. Write it as 2024-03-31T08:00.") from None


def _stay(rows: pa.Table | None, now: datetime) -> dict[str, Any] | None:
    """The stay that holds the moment, else the last before it."""
    found = []
    for row in rows.to_pylist() if rows is not None else []:
        began = row["visit_start_datetime"] or datetime.combine(row["visit_start_date"], time())
        if row["visit_concept_id"] in INPATIENT and began <= now:
            ended = row["visit_end_datetime"]
            if ended is None and row["visit_end_date"] is not None:
                ended = datetime.combine(row["visit_end_date"], time(23, 59))
            stay = {"began": began, "ended": ended, "visit": row["visit_occurrence_id"], "site": row.get("site") or ""}
            found.append(stay)
    return max(found, key=lambda one: (one["began"], str(one["visit"])), default=None)


def _below(at: Context, made: Definition) -> Any:
    """Asks the vocabulary which of a patient's concepts lie below those that sets name."""
    roots = {concept for one in made.sets.values() for concept in (*one.concepts, *one.less)}

    def below(concepts: Iterable[int]) -> Mapping[int, frozenset[int]]:
        listed, wanted = (", ".join(map(str, sorted(one))) for one in (roots, {*concepts, 0}))
        found = at.session.ask(
            "SELECT descendant_concept_id, ancestor_concept_id FROM concept_ancestor "
            f"WHERE ancestor_concept_id IN ({listed}) AND descendant_concept_id IN ({wanted})"
        )
        above: dict[int, set[int]] = {}
        for one, other in zip(*(found[name].to_pylist() for name in found.column_names), strict=True):
            above.setdefault(one, set()).add(other)
        return {concept: frozenset(names) for concept, names in above.items()}

    return below


def _due(judged: Judged, todo: Action, hours: int) -> tuple[Due, ...]:
    """What is due: both assessments within hours of admission, and the means that the matrix asks for."""
    facts, moment = judged.facts, judged.moment
    by = moment.began + timedelta(hours=hours)
    found = []
    for what, names in (("risk", ("padua_assessed", "caprini_assessed")), ("bleeding", ("bleeding_assessed",))):
        done = True if any(facts[name].value for name in names) else _no(facts[name].value for name in names)
        found.append(Due(what, by, done, done is False and moment.seen > by))
    barred = {one.means for one in todo.barred if one.holds}
    rows = {"drug": ("drug_given",), "mechanical": ("mechanical_done", "mechanical_used")}
    means = [one for one in todo.means if one not in barred]
    if means:
        values = [facts[name].value for one in means for name in rows[one]]
        what = means[0] if len(means) == 1 else "prophylaxis"
        found.append(Due(what, None, True if any(values) else _no(values), late=False))
    return tuple(found)


def _no(values: Iterable[object]) -> bool | None:
    """No, if all say so."""
    return False if all(value is False for value in values) else None
