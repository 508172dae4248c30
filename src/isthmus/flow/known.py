"""Records that were delivered before: repeated ones are counted and left, newer ones take the place of older ones.

Works on the temporary tables `source` (a chunk of records), `ledger` (what is known of this site, this batch's own
records among them) and `gone` (records that give way), and leaves in `source` what is to be mapped.
"""

from collections.abc import Callable

from isthmus.flow.statement import literal, query
from isthmus.lake.engine import Engine

CONFLICT = "conflict: same key, other content"

# Within the chunk, of records with one key: the greatest version, then the latest delivery, then the last in the file.
RANKED = """
    SELECT s._part, s._place, s._print, s._version AS version, row_number() OVER w AS rank,
        first_value(s._print) OVER w AS winner, first_value(s._version) OVER w AS newest
    FROM source s
    SEMI JOIN (SELECT _record FROM source GROUP BY _record HAVING count(*) > 1) d USING (_record)
    WINDOW w AS (
        PARTITION BY s._record ORDER BY s._version DESC NULLS LAST, s._seq DESC, s._place DESC
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    )
"""
# Whether there are any such, for a small part of what ranking them costs.
REPEATED = "SELECT count(*) - count(DISTINCT _record) AS n FROM source"
# Against what was landed before.
KNOWN = """
    SELECT s._part, s._place, l.part_id AS old_part, l.place AS old_place, s._print = l.print AS same,
        coalesce(s._version < l.version, l.version IS NOT NULL AND s._version IS NULL) AS older,
        coalesce(s._version > l.version, s._version IS NOT NULL) AS newer
    FROM (
        SELECT record_id, print, version, part_id, place FROM ledger
        WHERE kind = {kind} AND outcome IN ('mapped', 'kept', 'quarantined')
    ) l
    JOIN source s ON s._record = l.record_id
    ANTI JOIN gone g ON g.part_id = l.part_id AND g.place = l.place
"""
# What of the chunk is not mapped: said before word for word, or older than what is known.
ASIDE = """
    SELECT _part, _place, CASE WHEN _print = winner THEN 'duplicate' ELSE 'superseded' END AS outcome,
        coalesce(version < newest, newest IS NOT NULL) AS older
    FROM ranked WHERE rank > 1
    UNION ALL
    SELECT _part, _place, CASE WHEN same THEN 'duplicate' ELSE 'superseded' END AS outcome, older
    FROM known ANTI JOIN (SELECT _part, _place FROM ranked WHERE rank > 1) r USING (_part, _place)
    WHERE same OR older
"""
GIVING_WAY = f"""
    SELECT DISTINCT old_part AS part_id, old_place AS place,
        CASE WHEN newer THEN 'newer version' ELSE '{CONFLICT}' END AS reason
    FROM known ANTI JOIN aside USING (_part, _place)
"""
# Superseded records stand in the ledger beside their successor; repeated ones are only counted.
SUPERSEDED = f"""
    SELECT {{kind}} AS kind, s._record AS record_id, s._print AS print, s._version AS version, s._part AS part_id,
        s._place AS place, CAST({{mapping_id}} AS BIGINT) AS mapping_id, a.outcome,
        CASE WHEN a.older THEN 'older version' ELSE '{CONFLICT}' END AS reason
    FROM source s JOIN aside a USING (_part, _place) WHERE a.outcome = 'superseded'
"""


def set_aside(engine: Engine, kind: str, *, first: bool, mapping_id: int, count: Callable[[str], None]) -> None:
    """Take what is known or outdated out of `source`, and note in `gone` what the rest supersedes.

    `first`: no record of this kind is in the ledger. `count` is handed the statement that counts what was set aside, by
    part, kind and outcome.
    """
    repeated = engine.rows(query(REPEATED))["n"][0].as_py()
    if first and not repeated:
        return
    known = engine.create("known", query(KNOWN.format(kind=literal(kind))))
    if not repeated and not known:
        return
    engine.create("ranked", query(RANKED))
    engine.create("aside", query(ASIDE))
    engine.insert("gone", query(GIVING_WAY))
    engine.insert("stage_record", query(SUPERSEDED.format(kind=literal(kind), mapping_id=mapping_id)))
    count(f"SELECT _part AS part_id, {literal(kind)} AS kind, outcome, count(*) AS n FROM aside GROUP BY ALL")
    engine.create("source", query("SELECT * FROM source ANTI JOIN aside USING (_part, _place)"))
