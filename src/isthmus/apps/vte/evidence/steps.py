"""Facts and items of any number of patients, each at a moment of its own, as steps at a desk.

What is asked about is a table `moment` at the desk: moment (whole number), person_id, site, began and seen (times of
admission and of the moment). What comes out are tables beside it:

    evidence    moment, fact, row_id, day, time, number (in the fact's unit)     every row that made a fact
    fact_told   one row a moment: moment, age, sex, and each fact; null where it cannot be told
    item        one row a moment: moment, site, and each item
"""

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
from sqlglot import exp

from isthmus.apps.contract.research import Desk, find_score, select_score, step
from isthmus.apps.vte.evidence.definition import Definition
from isthmus.apps.vte.evidence.fact import SOURCES, Fact, Source
from isthmus.apps.vte.evidence.unit import factor_of

MEMBERS = """
    WITH reached AS (
        SELECT r.kind, r.concept_id, r.less FROM root r
        UNION ALL
        SELECT r.kind, a.descendant_concept_id, r.less
        FROM root r JOIN concept_ancestor a ON a.ancestor_concept_id = r.concept_id
    )
    SELECT kind, concept_id, bool_or(less) AS less FROM reached GROUP BY kind, concept_id
"""
# A code stands behind the name of its edition, if there is one: "ICD10CN:I26.9".
PICKED = """
    WITH pair AS (
        SELECT DISTINCT coalesce(e.{concept}, 0) AS concept, coalesce(e.{code}, '') AS code
        FROM {table} e
    ), coded AS (
        SELECT concept, code, upper(regexp_replace(code, '^.*[:|]', '')) AS bare FROM pair
    )
    SELECT c.concept, c.code, m.kind FROM coded c JOIN member m ON m.concept_id = c.concept AND NOT m.less
    UNION
    SELECT c.concept, c.code, b.kind FROM coded c JOIN beginning b ON starts_with(c.bare, b.code)
    WHERE NOT EXISTS (SELECT 1 FROM member m WHERE m.kind = b.kind AND m.concept_id = c.concept AND m.less)
"""
# Midnight is what a day without a time is written as: then days are compared.
EVIDENCE = """
    WITH event AS (
        SELECT e.person_id, e.{id} AS row_id, e.{day} AS day, p.kind, {number} AS number, {unit} AS unit,
            CASE WHEN e.{time} > CAST(e.{day} AS TIMESTAMP) THEN e.{time} END AS time
        FROM {table} e JOIN picked p ON p.concept = coalesce(e.{concept}, 0) AND p.code = coalesce(e.{code}, '')
    )
    SELECT m.moment, f.fact, e.row_id, e.day, coalesce(e.time, CAST(e.day AS TIMESTAMP)) AS time,
        CAST(e.number AS DOUBLE) AS number, CAST(coalesce(e.unit, 0) AS BIGINT) AS unit
    FROM event e JOIN moment m ON m.person_id = e.person_id
    JOIN wanted f ON f.kind = e.kind AND f.source = '{table}'
    WHERE CASE WHEN f.before THEN coalesce(e.time < m.began, e.day < CAST(m.began AS DATE))
            ELSE coalesce(e.time <= m.seen, e.day <= CAST(m.seen AS DATE)) END
        AND CASE WHEN f.stay THEN e.day >= CAST(m.began AS DATE)
            ELSE date_diff('day', e.day, CAST(CASE WHEN f.before THEN m.began ELSE m.seen END AS DATE)) <= f.days END
"""
CONVERTED = """
    SELECT e.moment, e.fact, e.row_id, e.day, e.time, e.number * u.factor + u.shift AS number
    FROM raw_evidence e LEFT JOIN factor u ON u.fact = e.fact AND u.unit = e.unit
"""
LATEST = """
    SELECT moment, fact, number FROM (
        SELECT moment, fact, number, row_number() OVER (PARTITION BY moment, fact ORDER BY time DESC, row_id DESC) AS n
        FROM evidence WHERE number IS NOT NULL
    ) AS ordered WHERE n = 1
"""
RECORDED = """
    SELECT DISTINCT m.moment, '{table}' AS source FROM moment m JOIN {table} e ON e.person_id = m.person_id
    WHERE e.{day} >= CAST(m.began AS DATE) AND e.{day} <= CAST(m.seen AS DATE)
"""
DELIVERED = "SELECT DISTINCT site, '{table}' AS source FROM {table}"
# Of a birth without month or day, the year alone is counted.
PERSONS = """
    SELECT m.moment, m.site, CAST(extract(year FROM m.seen) - p.year_of_birth - CASE
            WHEN p.month_of_birth * 100 + coalesce(p.day_of_birth, 1)
                > extract(month FROM m.seen) * 100 + extract(day FROM m.seen) THEN 1 ELSE 0 END AS DOUBLE) AS age,
        CASE p.gender_concept_id WHEN 8507 THEN 'male' WHEN 8532 THEN 'female' END AS sex
    FROM moment m LEFT JOIN person p ON p.person_id = m.person_id
"""


def gather(desk: Desk, made: Definition, facts: Sequence[str]) -> None:
    """Make the tables `member`, `beginning` and `evidence` for some facts at the moments that are at the desk."""
    chosen = [made.facts[name] for name in facts]
    lay_sets(desk, made, {one.set for one in chosen})
    columns = {
        "fact": [one.name for one in chosen], "kind": [one.set for one in chosen],
        "source": [one.source.table for one in chosen], "days": [one.days for one in chosen],
        "stay": [one.stay for one in chosen], "before": [one.before for one in chosen],
    }  # fmt: skip
    desk.lay("wanted", pa.table(columns))
    for number, table in enumerate(sorted({one.source.table for one in chosen})):
        source = SOURCES[table]
        desk.make("picked", written(PICKED, source))
        (desk.add if number else desk.make)("raw_evidence", written(EVIDENCE, source))
    desk.lay("factor", _factors(desk, made))
    desk.make("evidence", step(CONVERTED))
    desk.drop("raw_evidence", "picked")


def lay_sets(desk: Desk, made: Definition, names: Iterable[str]) -> None:
    """Put sets on the desk: `member` has their concepts with descendants, `beginning` their codes."""
    roots = [
        (name, concept, less)
        for name in sorted(names)
        for less, listed in ((False, made.sets[name].concepts), (True, made.sets[name].less))
        for concept in listed
    ]
    codes = [(name, code) for name in sorted(names) for code in made.sets[name].codes]
    desk.lay("root", _table(roots, {"kind": pa.string(), "concept_id": pa.int64(), "less": pa.bool_()}))
    desk.lay("beginning", _table(codes, {"kind": pa.string(), "code": pa.string()}))
    desk.make("member", step(MEMBERS))


def written(text: str, source: Source) -> exp.Query:
    """A step over the columns of a source."""
    return step(
        text.format(
            table=source.table, id=source.id, day=source.day, time=source.time, concept=source.concept,
            code=source.code, number=f"e.{source.number}" if source.number else "NULL",
            unit=f"e.{source.unit}" if source.unit else "NULL",
        )
    )  # fmt: skip


def tell_facts(desk: Desk, made: Definition, names: Sequence[str], never: Sequence[str]) -> None:
    """Make `evidence` and `fact_told` of some facts. `never`: facts whose absence a hospital takes for no."""
    facts = [made.facts[name] for name in names]
    gather(desk, made, names)
    desk.make("latest", step(LATEST))
    _lay_absences(desk, facts)
    desk.make("spread", _spread(facts))
    desk.make("fact_told", _told(facts, never))
    desk.drop("latest", "spread", "recorded", "delivered")


def tell(desk: Desk, made: Definition, items: Sequence[str], said: Mapping[str, bool], never: Sequence[str]) -> None:
    """Make `evidence` and `fact_told` of the facts that some items need, and `item`. `said` are settings by name."""
    tell_facts(desk, made, made.within(tuple(items)), never)
    names = {name: exp.true() if value else exp.false() for name, value in said.items()}
    columns = [exp.alias_(made.items[name].tree(names), name, quoted=True) for name in items]
    desk.make("item", exp.select("moment", "site", *columns).from_("fact_told"))


def grade(name: str) -> exp.Select:
    """The step that gives moment, value, grade, missing, outside, score and version of a score from `item`."""
    score = find_score(name)
    return select_score(score, "item", keep=["moment"])


def _factors(desk: Desk, made: Definition) -> pa.Table:
    seen = desk.take(step("SELECT DISTINCT fact, unit FROM raw_evidence WHERE number IS NOT NULL")).to_pylist()
    found = [(row["fact"], row["unit"], factor_of(made.facts[row["fact"]], row["unit"])) for row in seen]
    rows = [(fact, unit, *pair) for fact, unit, pair in found if pair is not None]
    return _table(rows, {"fact": pa.string(), "unit": pa.int64(), "factor": pa.float64(), "shift": pa.float64()})


def _lay_absences(desk: Desk, facts: Sequence[Fact]) -> None:
    """Which tables have a row of the stay, and which a hospital delivers."""
    for name, text, absent in (("recorded", RECORDED, "recorded"), ("delivered", DELIVERED, "delivered")):
        shape = {"moment": pa.int64(), "source": pa.string()} if absent == "recorded" else {
            "site": pa.string(), "source": pa.string()}  # fmt: skip
        desk.lay(name, _table([], shape))
        for table in sorted({one.source.table for one in facts if one.absent == absent}):
            desk.add(name, written(text, SOURCES[table]))


def _spread(facts: Sequence[Fact]) -> exp.Query:
    """One row a moment: of each fact whether rows were found, or the days that they span."""
    parts = []
    for one in facts:
        of = f"e.fact = '{one.name}'"
        if one.take == "any":
            parts.append(f"count(CASE WHEN {of} THEN 1 END) > 0 AS {one.name}")
        elif one.take == "span":
            first, last = (f"{which}(CASE WHEN {of} THEN e.day END)" for which in ("min", "max"))
            parts.append(f"date_diff('day', {first}, {last}) + 1 AS {one.name}")
    listed = ", ".join(["e.moment", *parts])
    return step(f"SELECT {listed} FROM evidence e GROUP BY e.moment")


def _told(facts: Sequence[Fact], never: Sequence[str]) -> exp.Query:
    """One row a moment with age, sex, and each fact; what the absence of rows means is said here."""
    tables = {absent: sorted({one.source.table for one in facts if one.absent == absent}) for absent in ("recorded",
              "delivered")}  # fmt: skip
    latest = [one.name for one in facts if one.take == "latest"]
    number = ", ".join(f"max(CASE WHEN fact = '{name}' THEN number END) AS {name}" for name in latest)
    parts = [f"number AS (SELECT moment{', ' if number else ''}{number} FROM latest GROUP BY moment)"]
    parts.append(f"persons AS ({PERSONS})")
    for absent, key in (("recorded", "moment"), ("delivered", "site")):
        flags = "".join(f", bool_or(source = '{table}') AS {table}" for table in tables[absent])
        parts.append(f"{absent}_by AS (SELECT {key}{flags} FROM {absent} GROUP BY {key})")
    columns = ["p.moment", "p.site", "p.age", "p.sex", *(f"{_column(one, never)} AS {one.name}" for one in facts)]
    return step(
        f"WITH {', '.join(parts)} SELECT {', '.join(columns)} FROM persons p LEFT JOIN spread s ON s.moment = p.moment "
        "LEFT JOIN number n ON n.moment = p.moment LEFT JOIN recorded_by r ON r.moment = p.moment "
        "LEFT JOIN delivered_by d ON d.site = p.site"
    )


def _column(one: Fact, never: Sequence[str]) -> str:
    if one.take == "latest":
        return f"n.{one.name}"
    if one.take == "span":
        return f"s.{one.name}"
    if one.name in never:
        otherwise = "FALSE"
    elif one.absent == "unknown":
        otherwise = "NULL"
    else:
        flag = f"{'r' if one.absent == 'recorded' else 'd'}.{one.source.table}"
        otherwise = f"CASE WHEN {flag} THEN FALSE END"
    return f"CASE WHEN s.{one.name} THEN TRUE ELSE {otherwise} END"


def _table(rows: Sequence[tuple[object, ...]], shape: Mapping[str, pa.DataType]) -> pa.Table:
    return pa.table({name: pa.array([row[at] for row in rows], kind) for at, (name, kind) in enumerate(shape.items())})
