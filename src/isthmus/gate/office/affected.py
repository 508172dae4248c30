"""Who may be affected by an incident, from the log: questions that were answered, what they could read, whose it was.

Persons are counted and never named: those with a row, at the sites that were open to a question and in the edition that
it asked, in a table that it read. It is a bound from above; what an answer showed is kept nowhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp, parse_one

from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.joined import ALIAS, JOINING, SCHEMA
from isthmus.gate.office.incidents import Incident
from isthmus.gate.office.unit import Office
from isthmus.lake.lake import Lake
from isthmus.records.models import Act

OWNER = "person_id"
PERSONS = """
    SELECT DISTINCT coalesce(a.person, t.person_id) AS person
    FROM {table} t LEFT JOIN {alias} a ON a.person_id = t.person_id WHERE t.site IN ({sites})
"""


@dataclass(frozen=True, slots=True)
class Affected:
    """What an incident may have reached. `persons` are at most so many; `releases` are those that left."""

    grants: Sequence[str]
    people: Sequence[str]
    sessions: int
    questions: int
    releases: Sequence[str]
    sites: Sequence[str]
    tables: Sequence[str]
    persons: int


def affected(office: Office, lake: Lake, held: Incident) -> Affected:
    """What was done within the time of an incident, under its grants or, if it names none, under any."""
    since, until = held.span
    within = [
        act
        for act in office.acts.all("question", "release")
        if since <= act.at <= until and (not held.grants or act.grant in held.grants)
    ]
    asked = [act for act in within if act.kind == "question" and act.act == "allowed"]
    entries = {str(one["id"]): one for one in office.entries()}
    return Affected(
        grants=sorted(set(held.grants) | {act.grant for act in within}),
        people=sorted({act.person for act in within}),
        sessions=len({entries[act.entry].get("session") for act in asked}),
        questions=len(asked),
        releases=sorted({act.subject for act in within if act.kind == "release" and act.act == "release"}),
        sites=sorted({site for act in asked for site in act.body["sites"]}),
        tables=sorted({name for act in asked for name in act.body["tables"]}),
        persons=_persons(lake, asked),
    )


def _persons(lake: Lake, asked: Iterable[Act]) -> int:
    """How many persons have a row in what these questions could read."""
    reached: dict[int, dict[str, set[str]]] = {}
    for act in asked:
        tables = reached.setdefault(int(act.body["edition"]), {})
        for name in act.body["tables"]:
            tables.setdefault(name, set()).update(act.body["sites"])
    found = [_in_edition(lake, number, tables) for number, tables in sorted(reached.items())]
    return len(pc.unique(pa.chunked_array(found, pa.int64()))) if found else 0


def _in_edition(lake: Lake, number: int, tables: Mapping[str, set[str]]) -> pa.Array:
    edition = lake.editions.get(number)
    persons = []
    with lake.engine() as engine:
        engine.view(JOINING, [lake.root / one.path for one in edition.files(ALIAS)], empty=SCHEMA)
        for name, sites in sorted(tables.items()):
            schema: pa.Schema = QUESTIONS[name].schema().to_pyarrow()
            if OWNER in schema.names and sites:
                engine.view(name, [lake.root / one.path for one in edition.files(name)], empty=schema)
                listed = ", ".join(exp.Literal.string(site).sql() for site in sorted(sites))
                sql = PERSONS.format(table=name, alias=JOINING, sites=listed)
                statement = parse_one(sql, dialect="duckdb")
                assert isinstance(statement, exp.Query)
                persons.append(engine.rows(statement).column("person").combine_chunks())
    return pa.concat_arrays(persons) if persons else pa.array([], pa.int64())
