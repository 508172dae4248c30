"""Observation periods, derived from the events of a site's persons."""

from collections.abc import Iterator, Sequence

from isthmus.cdm.tables import TABLES
from isthmus.flow import table
from isthmus.flow.schema import SHARED, STATEMENT, schema_of
from isthmus.flow.stage import Stage
from isthmus.flow.statement import query

EVENTS = tuple(name for name, spec in TABLES.items() if spec.dates and spec.person)
FIRST_DAY = "1900-01-02"  # the day before it is what many systems write for "unknown"

PERIODS = """
    SELECT isthmus_digest('observation_period' || chr(31) || person_id) AS observation_period_id, person_id,
        observation_period_start_date, observation_period_end_date, CAST(32817 AS BIGINT) AS period_type_concept_id,
        opened.part_id, opened.place, opened.mapping_id
    FROM (
        SELECT person_id, min(first) AS observation_period_start_date, max(last) AS observation_period_end_date,
            arg_min({{'part_id': part_id, 'place': place, 'mapping_id': mapping_id}}, (first, part_id, place)) AS opened
        FROM ({spans}) e SEMI JOIN (SELECT person_id FROM all_person) p USING (person_id)
        GROUP BY person_id
    ) o
"""
NOBODY = "SELECT part_id AS person_id FROM gone WHERE false"
SPAN = """
    SELECT person_id, {first} AS first,
        CASE WHEN {last} BETWEEN {first} AND DATE '{until}' THEN {last} ELSE {first} END AS last,
        part_id, place, mapping_id
    FROM all_{name} SEMI JOIN touched USING (person_id) ANTI JOIN gone USING (part_id, place)
    WHERE {first} BETWEEN DATE '{since}' AND DATE '{until}'
"""


def derive(stage: Stage, until: str) -> None:
    """One period for every person that the batch touches: from the first to the last day with any event.

    Its provenance is that of the event that opened it. Days before FIRST_DAY and after `until` are errors of the source
    and open or close nothing. Source: OMOP CDM 5.4, observation_period; one period a person is our choice for exports
    of hospitals, which know no enrolment.
    """
    events = [name for name in EVENTS if table.holds(stage, name)] or EVENTS[:1]
    for name in ("person", *events):
        table.view(stage, name)
    stage.engine.create("touched", query(" UNION ".join([NOBODY, *_spoken_of(stage), *_leaving(stage, events)])))
    spans = " UNION ALL ".join(_spans(events, until))
    stage.engine.create("stage_observation_period", query(PERIODS.format(spans=spans)))


def replaced(stage: Stage) -> table.Rewritten:
    """The periods of the persons touched give way to those derived."""
    return table.rewrite(stage, "observation_period", leaving="touched USING (person_id)")


def _spoken_of(stage: Stage) -> Iterator[str]:
    """The persons of all rows that the batch brings; of tables that several records fill, those of each statement."""
    for name in stage.staged():
        told = name.removesuffix(STATEMENT)
        if name in SHARED or told not in TABLES or not TABLES[told].person:
            continue
        drafts = [path for path, _ in stage.drafts.get(name, [])]
        if drafts:
            stage.engine.view("brought", drafts, empty=schema_of(name))
            stage.engine.create(f"brought_{name}", query("SELECT DISTINCT person_id FROM brought"))
            yield f"SELECT person_id FROM brought_{name} WHERE person_id IS NOT NULL"
        if f"stage_{name}" in stage.engine.tables():
            yield f"SELECT person_id FROM stage_{name} WHERE person_id IS NOT NULL"


def _leaving(stage: Stage, events: Sequence[str]) -> Iterator[str]:
    """The persons of rows that give way."""
    if table.gives_way(stage):
        for name in events:
            yield f"SELECT person_id FROM all_{name} SEMI JOIN ({table.LEAVING}) l USING (part_id, place)"


def _spans(events: Sequence[str], until: str) -> Iterator[str]:
    for name in events:
        dates = TABLES[name].dates
        assert dates is not None
        yield SPAN.format(name=name, first=dates[0], last=dates[1], since=FIRST_DAY, until=until)
