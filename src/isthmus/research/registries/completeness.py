"""How complete a registry is: item × hospital × period, why values are missing, and what each gap holds up.

Counted part by part in the engine; the parts' small tables are added up here.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from isthmus.research.registries.names import DAY, GRADE, READING
from isthmus.research.registries.plan import Plan

COUNTED = ("core", "wanted")
PERIOD: Mapping[str, str] = {
    "year": "CAST(year(m.index_date) AS TEXT)",
    "quarter": "concat(year(m.index_date), '-Q', quarter(m.index_date))",
}
SOURCES = pa.schema(
    {
        "item": pa.string(), "rank": pa.int32(), "found_in": pa.string(), "concept_id": pa.int64(),
        "concept_name": pa.string(), "known": pa.bool_(), "rows": pa.int64(), "set_aside": pa.int64(),
        "taken": pa.int64(),
    }
)  # fmt: skip
NEED = pa.schema({"derived": pa.int32(), "input": pa.string(), "item": pa.int32()})
# Rows that an item could be filled in: all of its kind, or those of the days between which it is valid.
ROOM = """
    WITH whole AS (
        SELECT r.grain, m.site, {period} AS period, count(*) AS n
        FROM registry_row r JOIN member m ON m.person_id = r.person_id GROUP BY 1, 2, 3
    )
    SELECT i.item, w.site, w.period, w.n FROM whole w JOIN item i ON i.grain = w.grain
    WHERE i.since IS NULL AND i.until IS NULL AND i.need <> 'optional'
    UNION ALL
    SELECT i.item, m.site, {period} AS period, count(*) AS n
    FROM registry_row r JOIN item i ON i.grain = r.grain JOIN member m ON m.person_id = r.person_id
    WHERE (i.since IS NOT NULL OR i.until IS NOT NULL) AND i.need <> 'optional'
        AND (i.since IS NULL OR r.start_date >= i.since) AND (i.until IS NULL OR r.start_date <= i.until)
    GROUP BY 1, 2, 3
"""
FILLED = """
    SELECT v.item, m.site, {period} AS period, count(*) AS n
    FROM value v JOIN member m ON m.person_id = v.person_id JOIN item i ON i.item = v.item
    WHERE i.need <> 'optional' AND (v.value_number IS NOT NULL OR v.value_code IS NOT NULL OR v.value_date IS NOT NULL
        OR (v.value_text IS NOT NULL AND i.type = 'text'))
    GROUP BY 1, 2, 3
"""
# Of patients who have no value of an item: whether rows were found that could not be taken, and why.
REASON = """
    SELECT t.item, m.site, CASE WHEN t.fits THEN 'outside the window' ELSE t.aside END AS reason, count(*) AS n
    FROM (
        SELECT item, person_id, bool_or(aside IS NULL) AS fits, min(aside) AS aside FROM told GROUP BY item, person_id
    ) t JOIN member m ON m.person_id = t.person_id
    LEFT JOIN (SELECT DISTINCT item, person_id FROM value) v ON v.item = t.item AND v.person_id = t.person_id
    WHERE v.item IS NULL GROUP BY 1, 2, 3
"""
# How many rows each source gave, and how many values were taken from it.
GAVE = """
    SELECT t.source, count(*) AS rows, count(t.aside) AS set_aside FROM told t GROUP BY t.source
"""
TOOK = "SELECT source, count(*) AS taken FROM value WHERE source IS NOT NULL GROUP BY source"
CONCEPTS = """
    SELECT s.source, min(c.concept_name) AS concept_name FROM source s JOIN concept c ON c.concept_id = s.concept_id
    GROUP BY s.source
"""
LACK = """
    SELECT m.person_id, m.site, i.item FROM member m CROSS JOIN item i
    LEFT JOIN value v ON v.item = i.item AND v.person_id = m.person_id
    WHERE i.grain = 0 AND NOT i.derived AND v.item IS NULL
        AND (i.need <> 'optional' OR i.item IN (SELECT item FROM derived_need))
"""
# Patients in whom a derived item is missing and this item is one of its inputs that are; or the only one. Of a score
# only what it waits for counts, and several items for one of its inputs are one gap.
BLOCKED = """
    WITH held AS (
        SELECT l.person_id, l.site, n.derived, l.item,
            count(DISTINCT CASE WHEN n.input = '' THEN CAST(l.item AS TEXT) ELSE n.input END)
                OVER (PARTITION BY l.person_id, n.derived) AS gaps
        FROM lack l JOIN derived_need n ON n.item = l.item
        LEFT JOIN score_all s ON s.item = n.derived AND s.person_id = l.person_id
        LEFT JOIN value v ON v.item = n.derived AND v.person_id = l.person_id AND (v.value_number IS NOT NULL
            OR v.value_code IS NOT NULL OR v.value_date IS NOT NULL)
        WHERE v.item IS NULL AND (n.input = ''
            OR strpos(concat(', ', s.missing, ', '), concat(', ', n.input, ', ')) > 0)
    )
    SELECT item, site, count(DISTINCT person_id) AS blocked,
        count(DISTINCT CASE WHEN gaps = 1 THEN person_id END) AS alone
    FROM held GROUP BY item, site
"""
LAST = """
    SELECT item, site, count(*) AS missing, count(CASE WHEN core AND gaps = 1 THEN 1 END) AS last_core FROM (
        SELECT l.item, l.site, i.need = 'core' AS core,
            count(CASE WHEN i.need = 'core' THEN 1 END) OVER (PARTITION BY l.person_id) AS gaps
        FROM lack l JOIN item i ON i.item = l.item
    ) GROUP BY item, site
"""


def statements(period: str) -> dict[str, str]:
    """The statements whose rows are added up over the parts, by name; `lack` must be made before."""
    return {
        "room": ROOM.format(period=PERIOD[period]), "filled": FILLED.format(period=PERIOD[period]),
        "reason": REASON, "blocked": BLOCKED, "last": LAST, "gave": GAVE, "took": TOOK,
    }  # fmt: skip


def needs(plan: Plan) -> pa.Table:
    """`derived, input, item`: the items, not derived themselves, that each derived item of patients comes from.

    `input` is that of a score, empty for an expression.
    """
    pack = plan.pack
    steps = {one.item.name: one for one in pack.computed.steps.get("", ())}

    def bases(name: str) -> set[str]:
        item = name.partition(READING)[0]
        item = item if item in pack.items else item.removesuffix(DAY).removesuffix(GRADE)
        if item in steps:
            return {base for below in steps[item].needs for base in bases(below)}
        return {item} if item in pack.items else set()

    rows: set[tuple[int, str, int]] = set()
    for name, one in steps.items():
        if one.item.need in COUNTED:
            inputs = {key: found.names for key, found in one.bound.inputs.items()} if one.bound else {"": one.needs}
            rows |= {
                (plan.numbers[name], key, plan.numbers[base])
                for key, names in inputs.items() for each in names for base in bases(each)
            }  # fmt: skip
    columns = zip(*sorted(rows), strict=True) if rows else ((), (), ())
    return pa.table([pa.array(list(one), kind) for one, kind in zip(columns, NEED.types, strict=True)], schema=NEED)


def added(pieces: Sequence[pa.Table]) -> pa.Table:
    """Tables of counts of several parts as one: counts of equal keys are added."""
    whole = pa.concat_tables(pieces)
    keys = [field.name for field in whole.schema if field.name in ("item", "site", "period", "reason", "source")]
    counts = [name for name in whole.column_names if name not in keys]
    found = whole.group_by(keys).aggregate([(name, "sum") for name in counts])
    return found.rename_columns([name.removesuffix("_sum") for name in found.column_names]).sort_by(
        [(key, "ascending") for key in keys]
    )


def completeness(plan: Plan, counts: Mapping[str, pa.Table]) -> pa.Table:
    """`item, group, need, site, period, rows, filled, share`, for items that are core or wanted."""
    keys = ["item", "site", "period"]
    room, filled = (counts[name].rename_columns([*keys, name]) for name in ("room", "filled"))
    joined = room.join(filled, keys=keys, join_type="left outer").sort_by([(key, "ascending") for key in keys])
    names = list(plan.pack.items)
    items = [plan.pack.items[names[number - 1]] for number in joined.column("item").to_pylist()]
    rows = joined.column("room").to_pylist()
    took = [count or 0 for count in joined.column("filled").to_pylist()]
    return pa.table(
        {
            "item": pa.array([one.name for one in items], pa.string()),
            "group": pa.array([one.group for one in items], pa.string()),
            "need": pa.array([one.need for one in items], pa.string()),
            "site": joined.column("site"), "period": joined.column("period"), "rows": pa.array(rows, pa.int64()),
            "filled": pa.array(took, pa.int64()),
            "share": pa.array([took / n if n else None for took, n in zip(took, rows, strict=True)], pa.float64()),
        }
    )  # fmt: skip


def sources(plan: Plan, counts: Mapping[str, pa.Table], concepts: pa.Table) -> pa.Table:
    """Each source of each item: its rows, those set aside, values taken; a concept that is not known has no name."""
    names = list(plan.pack.items)
    called = dict(zip(concepts.column("source").to_pylist(), concepts.column("concept_name").to_pylist(), strict=True))
    gave = {row["source"]: row for row in counts["gave"].to_pylist()}
    took = dict(zip(*(counts["took"].column(name).to_pylist() for name in ("source", "taken")), strict=True))
    rows = [
        {
            "item": names[row["item"] - 1], "rank": row["rank"], "found_in": row["domain"],
            "concept_id": row["concept_id"], "concept_name": called.get(row["source"]),
            "known": row["concept_id"] == 0 or row["source"] in called,
            "rows": gave.get(row["source"], {"rows": 0})["rows"],
            "set_aside": gave.get(row["source"], {"set_aside": 0})["set_aside"], "taken": took.get(row["source"], 0),
        }
        for row in plan.tables["source"].to_pylist()
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=SOURCES)
