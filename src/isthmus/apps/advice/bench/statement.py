"""The facts of many calls at once: the same that `chart/facts.py` draws for one, as statements at a desk.

    calls    call, person_id, day             when somebody would have been asked
    ask      fact, concept_id, …              under which concepts the events of a fact stand, and its window
    unit     fact, unit, factor, offset       how the numbers of a unit become the fact's
    answer   fact, answer, code               which answers are which code
    event    fact, person_id, day, moment, …      the events of all facts, each in the fact's unit
    drawn    call, fact, number, code, …      one row for each call and fact that has an event
    facts    call, person_id, day, sex, age, and one column a fact

What a call orders are the drugs and procedures that begin on its day; they count for nothing else, for when the call
came they were drafts.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa
from sqlglot import exp

from isthmus.apps.advice.chart.facts import Concepts, conversion
from isthmus.apps.advice.chart.rows import ALLERGY, SEXES, SOURCES, codes
from isthmus.apps.advice.pack.fact import DAY, NUMBERS, Fact
from isthmus.apps.contract.knowledge import select
from isthmus.apps.contract.research import Desk, step

ORDERING = ("order-select", "order-sign")
ORDERED = ("drug_exposure", "procedure_occurrence")
CALLS: Mapping[str, str] = {
    "patient-view": "SELECT DISTINCT person_id, visit_start_date AS day FROM visit_occurrence",
    "order-select": "SELECT DISTINCT person_id, drug_exposure_start_date AS day FROM drug_exposure",
    "order-sign": "SELECT DISTINCT person_id, drug_exposure_start_date AS day FROM drug_exposure",
    "encounter-discharge": """
        SELECT DISTINCT person_id, visit_end_date AS day FROM visit_occurrence WHERE visit_concept_id IN (9201, 262)
    """,
}
"""When a hook would have been called: at every visit, at every day with a drug, at every end of a stay."""
ASK = pa.schema(
    [("fact", pa.int32()), ("concept_id", pa.int64()), ("way", pa.string()), ("within", pa.int32()),
     ("after", pa.int32()), ("low", pa.float64()), ("high", pa.float64()), ("scaled", pa.bool_())]
)  # fmt: skip
UNIT = pa.schema([("fact", pa.int32()), ("unit", pa.int64()), ("factor", pa.float64()), ("shift", pa.float64())])
ANSWER = pa.schema([("fact", pa.int32()), ("answer", pa.int64()), ("code", pa.string())])
EVENT = """
    SELECT a.fact, a.way, a.within, a.after, a.low, a.high, e.person_id, '{table}' AS source,
        date_trunc('minute', coalesce(e.{time}, CAST(e.{day} AS TIMESTAMP))) AS moment,
        CAST(coalesce(e.{time}, CAST(e.{day} AS TIMESTAMP)) AS DATE) AS day, {end} AS end_day,
        CASE WHEN NOT a.scaled THEN {number} ELSE round({number} * u.factor + u.shift, 9) END AS number,
        w.code, e.{id} AS id
    FROM {table} e JOIN ask a ON {joined}
    LEFT JOIN unit u ON u.fact = a.fact AND u.unit = {unit}
    LEFT JOIN answer w ON w.fact = a.fact AND w.answer = {answer}
"""
USABLE = """
    (way NOT IN ('last', 'lowest', 'highest') OR (number IS NOT NULL AND (low IS NULL OR number BETWEEN low AND high)))
    AND (way <> 'coded' OR code IS NOT NULL)
"""
SEEN = f"""
    SELECT c.call, c.day AS today, e.* FROM calls c JOIN event e ON e.person_id = c.person_id
    WHERE e.day <= c.day AND e.day >= c.day - e.within AND ({USABLE})
        AND (e.way <> 'ordered' OR (e.day = c.day AND e.source IN ('drug_exposure', 'procedure_occurrence')))
        AND (e.way = 'ordered' OR NOT c.ordering OR e.day < c.day
            OR e.source NOT IN ('drug_exposure', 'procedure_occurrence'))
"""
DRAWN = """
    SELECT call, fact, number, code, day, times, lasting FROM (
        SELECT call, fact, number, code, day, count(*) OVER (PARTITION BY call, fact) AS times,
            max(CASE WHEN greatest(coalesce(end_day, day), day) + after >= today THEN 1 ELSE 0 END)
                OVER (PARTITION BY call, fact) AS lasting,
            row_number() OVER (PARTITION BY call, fact ORDER BY
                CASE way WHEN 'lowest' THEN number WHEN 'highest' THEN -number ELSE 0 END, moment DESC, id DESC)
                AS place
        FROM seen
    ) WHERE place = 1
"""
PEOPLE = """
    SELECT c.call, c.person_id, c.day AS today,
        CASE p.gender_concept_id {sexes} END AS sex,
        CAST(year(c.day) - year(b.birth) - CASE WHEN month(c.day) * 100 + day(c.day)
            < month(b.birth) * 100 + day(b.birth) THEN 1 ELSE 0 END AS DOUBLE) AS age
    FROM calls c LEFT JOIN person p ON p.person_id = c.person_id
    LEFT JOIN (SELECT person_id, make_date(year_of_birth, coalesce(month_of_birth, 7), coalesce(day_of_birth, 1))
        AS birth FROM person) b ON b.person_id = c.person_id
"""


def lay_facts(desk: Desk, needed: Sequence[Fact], concepts: Concepts, hook: str, calls: exp.Query | None = None) -> int:
    """Make the table `facts` at a desk; how many calls it has.

    :param needed: facts, each after those that it is reckoned from.
    :param calls: `person_id, day` of the calls; those of `CALLS` where none are given.
    """
    asked = calls or step(CALLS[hook])
    numbered = exp.select(
        "row_number() OVER (ORDER BY person_id, day) AS call", "person_id", "day",
        exp.alias_(exp.true() if hook in ORDERING else exp.false(), "ordering"),
    ).from_(asked.subquery("a"))  # fmt: skip
    count = desk.make("calls", numbered)
    drawn = [one for one in needed if one.formula is None and one.score is None]
    _lay_parameters(desk, drawn, concepts)
    desk.make("event", step(" UNION ALL ".join(_arms())))
    desk.make("seen", step(SEEN))
    desk.make("drawn", step(DRAWN))
    desk.drop("event", "seen")
    sexes = " ".join(f"WHEN {concept} THEN '{sex}'" for concept, sex in SEXES.items())
    desk.make("people", step(PEOPLE.format(sexes=sexes)))
    desk.make("facts", _wide(drawn))
    _reckon(desk, [one for one in needed if one.formula is not None or one.score is not None])
    return count


def _lay_parameters(desk: Desk, drawn: Sequence[Fact], concepts: Concepts) -> None:
    ask = [
        {
            "fact": at, "concept_id": concept, "way": one.way, "within": 0 if one.way == "ordered" else one.within,
            "after": one.after, "low": one.low, "high": one.high, "scaled": one.way in NUMBERS and bool(one.unit),
        }
        for at, one in enumerate(drawn)
        for concept in (concepts.ids(one.concept).tolist() if one.way != "dose" else ())
    ]  # fmt: skip
    unit = [
        {"fact": at, "unit": concept, "factor": how.factor, "shift": how.offset}
        for at, one in enumerate(drawn)
        if one.way in NUMBERS and one.unit
        for code, concept in codes().items()
        if (how := conversion(one.analyte, code, one.unit)) is not None
    ]
    answer = [
        {"fact": at, "answer": concept, "code": code}
        for at, one in enumerate(drawn)
        for code, ids in one.codes.items()
        for concept in ids
    ]
    desk.lay("ask", pa.Table.from_pylist(ask, schema=ASK))
    desk.lay("unit", pa.Table.from_pylist(unit, schema=UNIT))
    desk.lay("answer", pa.Table.from_pylist(answer, schema=ANSWER))


def _arms() -> list[str]:
    """One arm for each table that has events."""
    allergies = ", ".join(map(str, ALLERGY))
    arms = []
    for table, one in SOURCES.items():
        joined = f"a.way <> 'allergic' AND a.concept_id = e.{one.concept}"
        if table == "observation":
            joined = (
                f"(a.way <> 'allergic' AND a.concept_id = e.{one.concept}) OR (a.way = 'allergic' AND "
                f"e.{one.concept} IN ({allergies}) AND a.concept_id = e.{one.answer})"
            )
        arms.append(
            EVENT.format(
                table=table, time=one.time, day=one.day, end=f"e.{one.end}" if one.end else "CAST(NULL AS DATE)",
                number=f"e.{one.number}" if one.number else "CAST(NULL AS DOUBLE)", id=one.id, joined=joined,
                unit=f"e.{one.unit}" if one.unit else "0", answer=f"e.{one.answer}" if one.answer else "0",
            )
        )  # fmt: skip
    return arms


def _wide(drawn: Sequence[Fact]) -> exp.Query:
    """One row a call, one column a fact, with days of numbers and codes."""
    columns = []
    for at, one in enumerate(drawn):
        columns.append(f'{_column(at, one)} AS "{one.name}"')
        if one.way in (*NUMBERS, "coded"):
            columns.append(f'max(CASE WHEN d.fact = {at} THEN d.day END) AS "{one.name}{DAY}"')
    listed = "".join(f", {one}" for one in columns)
    return step(
        f"SELECT p.call, p.person_id, p.today, p.sex, p.age{listed} FROM people p LEFT JOIN drawn d ON d.call = p.call "
        "GROUP BY p.call, p.person_id, p.today, p.sex, p.age"
    )


def _column(at: int, one: Fact) -> str:
    here = f"CASE WHEN d.fact = {at} THEN "
    if one.way in NUMBERS:
        return f"max({here}d.number END)"
    if one.way == "coded":
        return f"max({here}d.code END)"
    if one.way == "during":
        return f"coalesce(max({here}d.lasting END), 0) = 1"
    if one.way == "count":
        return f"CAST(coalesce(max({here}d.times END), 0) AS DOUBLE)"
    if one.way == "ago":
        return f"CAST(p.today - max({here}d.day END) AS DOUBLE)"
    if one.way == "dose":
        return "CAST(NULL AS DOUBLE)"
    return f"count({here}1 END) > 0"


def _reckon(desk: Desk, reckoned: Sequence[Fact]) -> None:
    """Add the columns of formulas and scores, as few layers as there can be."""
    waiting = list(reckoned)
    names = {one.name for one in reckoned}
    while waiting:
        ready = [one for one in waiting if not any(below in names for below in one.needs)]
        formulas = [exp.alias_(one.formula.tree(), one.name, quoted=True) for one in ready if one.formula is not None]
        if formulas:
            desk.make("facts_next", exp.select("*", *formulas).from_("facts"))
            desk.make("facts", exp.select("*").from_("facts_next"))
            desk.drop("facts_next")
        for one in ready:
            if one.score is not None:
                _score(desk, one)
        names -= {one.name for one in ready}
        waiting = [one for one in waiting if one.name in names]


def _score(desk: Desk, one: Fact) -> None:
    assert one.score is not None
    columns = {name: text.tree() for name, text in one.inputs.items()}
    desk.make("scored", select(one.score, "facts", columns, units=one.units, keep=["call"]))
    desk.make(
        "facts_next", step(f'SELECT f.*, s.{one.give} AS "{one.name}" FROM facts f JOIN scored s ON s.call = f.call')
    )
    desk.make("facts", exp.select("*").from_("facts_next"))
    desk.drop("facts_next", "scored")
