"""The treatment lines of one person, by the statements of the registry that finds them for all its patients."""

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.gate.desk import Desk
from isthmus.research.cohorts.concepts import step
from isthmus.research.registries import lines, statements
from isthmus.research.registries.pack import Pack
from isthmus.research.registries.plan import Plan, domains, plan

GIVEN = 'SELECT "line", start_date, end_date, regimen, drugs, days_given FROM line ORDER BY "line"'
DRUGS = next(one for one in domains() if one["table"] == "drug_exposure")
TOLD = """
    SELECT s.item, e.person_id, c.code AS value_code, e.{day} AS day, e.{end} AS until_day, e.site,
        CAST(NULL AS VARCHAR) AS aside
    FROM {table} e
    JOIN pick k ON k.domain = '{domain}' AND k.concept_id = e.{concept}
    JOIN source s ON s.source = k.source
    JOIN item i ON i.item = s.item
    JOIN code c ON c."list" = i."list" AND c.concept_id = e.{concept}
    WHERE e.person_id = {person} AND NOT s.by_text
"""


def treated(desk: Desk, pack: Pack, person: int) -> pa.Table:
    """`line, start_date, end_date, regimen, drugs, days_given` of a person; no row where the pack has no lines.

    Only drugs that were given are looked at: what notes tell of drugs is left out.
    """
    made = plan(pack)
    if pack.lines is None:
        return pa.table({"line": pa.array([], pa.int64())})
    item = made.numbers[pack.lines.item]
    for name, table in _of(made, item).items():
        desk.lay(name, table)
    desk.lay("regimen", lines.regimens(made))
    desk.make("pick", step(statements.PICK))
    desk.make("code", step(statements.CODE))
    desk.make("told", step(TOLD.format(person=person, **DRUGS)))
    for name, sql in lines.steps(pack.lines, item):
        desk.make(name, step(sql))
    return desk.take(step(GIVEN))


def _of(made: Plan, item: int) -> dict[str, pa.Table]:
    """What the statements need of the parameter tables: the sources of the item, and its list of codes."""
    source, listed = made.tables["source"], made.tables["item"]
    name = next(row["list"] for row in listed.to_pylist() if row["item"] == item)
    codes = made.tables["given_code"]
    return {
        "item": listed.filter(pc.equal(listed["item"], item)),
        "source": source.filter(pc.equal(source["item"], item)),
        "given_code": codes.filter(pc.equal(codes["list"], name)),
    }
