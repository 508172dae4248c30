"""The statements that find the events of all sets in one table: one text per domain, whatever is asked of it.

What they give: `set_id, person_id, event_id, start_day, end_day, visit, sort_day, counted`. Days are counted since
1970; an end that is null is `UNSEEN`, before any day, and a visit that is null is `NOWHERE`, so that every later
comparison is one of plain numbers.
"""

from isthmus.research.cohorts.catalogue import Attribute, Domain
from isthmus.research.cohorts.concepts import pair
from isthmus.research.cohorts.sets import ANYTHING, Asked

UNSEEN = -2_000_000_000
NOWHERE = -9_000_000_000_000_000_000
EPOCH = "DATE '1970-01-01'"
PERSON = "e.person_id % {chunks} = {chunk}{among}"
AMONG = " AND e.person_id IN (SELECT person_id FROM among)"
"""What a statement says beside the chunk where only some persons are looked at."""

PLAIN = """
    SELECT k.set_id, e.person_id, {id} AS event_id, {start} AS start_day, coalesce({end}, {unseen}) AS end_day,
        {visit} AS visit, {start} AS sort_day, CAST(NULL AS DOUBLE) AS counted
    FROM {table} e JOIN {pick} k ON {picked}
    WHERE {chosen}
"""
# Events as they are, then moved, then tested: `First` counts before anything is asked.
TESTED = """
    WITH hit AS (
        SELECT k.set_id AS wanted_id, e.*, {id} AS event_id, {start} AS first_day, {end} AS last_day, {nth} AS nth
        FROM {table} e JOIN {pick} k ON {picked}
        WHERE {chosen}
    ), moved AS (
        SELECT w.*, h.*, {moved_start} AS start_day, {moved_end} AS end_day
        FROM hit h JOIN {wanted} w ON w.set_id = h.wanted_id WHERE h.nth = 1
    ), c AS (
        SELECT *, {epoch} + start_day AS start_date, {epoch} + end_day AS end_date, {begin} AS said_start,
            {finish} AS said_end FROM moved
    )
    SELECT c.set_id, c.person_id, c.event_id, c.said_start AS start_day, coalesce(c.said_end, {unseen}) AS end_day,
        {visit} AS visit, c.start_day AS sort_day, {counted} AS counted
    FROM c {joins}
    WHERE {tests}
"""
# The same tests, of persons at index events.
OF_PERSONS = """
    WITH c AS (
        SELECT w.*, d.node, d.parent, i.person_id, i.key, i.start_day, i.end_day,
            {epoch} + i.start_day AS start_date, {epoch} + i.end_day AS end_date
        FROM event i JOIN demographic d ON d.ix = i.ix JOIN wanted_person w ON w.set_id = d.set_id
    )
    SELECT DISTINCT c.parent, c.node, c.person_id, c.key, 1 AS d
    FROM c JOIN person p ON p.person_id = c.person_id {joins}
    WHERE {tests}
"""
# Whether a set asks for the table is part of the key: as a condition beside it, every event would be looked up.
JOINS = {
    "p": "LEFT JOIN person p ON p.person_id = CASE WHEN c.uses_p THEN c.person_id END",
    "v": """LEFT JOIN visit_occurrence v ON v.visit_occurrence_id = CASE WHEN c.uses_v THEN c.visit_occurrence_id END
        AND v.person_id = c.person_id""",
    "r": "LEFT JOIN provider r ON r.provider_id = c.provider_id",
    "s": "LEFT JOIN care_site s ON s.care_site_id = CASE WHEN c.uses_s THEN c.care_site_id END",
}
PRESENT = {"p": "p.person_id", "v": "v.visit_occurrence_id", "s": "s.care_site_id"}


def days(date: str) -> str:
    """A date as days since 1970."""
    return f"CAST({date} - {EPOCH} AS INTEGER)"


def plain(domain: Domain, pick: str, chosen: str, *, sourced: bool) -> str:
    """Events of sets that ask for concepts only; `sourced` sets ask for source concepts too."""
    return PLAIN.format(
        **_columns(domain, sourced), visit=_visit(domain, "e"), pick=pick, chosen=_chosen(domain, chosen)
    )


def tested(domain: Domain, asked: Asked, *, pick: str, wanted: str, chosen: str, sourced: bool) -> str:
    """Events of sets that ask for more."""
    aliases = [
        alias for alias in JOINS if any(f"{alias}." in one.meaning for one in (*asked.attributes, *asked.counts))
    ]
    nth = "1"
    if asked.first:
        nth = f"row_number() OVER (PARTITION BY k.set_id, e.person_id ORDER BY {domain.start}, {_id(domain)})"
    start, end = "h.first_day", "h.last_day"
    if asked.adjusted:
        start, end = (
            f"CASE WHEN w.adjusted THEN CASE WHEN w.{name}_of_end THEN h.last_day ELSE h.first_day END + w.{name}_days "
            f"ELSE h.{own}_day END"
            for name, own in (("start", "first"), ("end", "last"))
        )
    begin, finish = "start_day", "end_day"
    if asked.period:  # the definition says itself from when to when
        begin, finish = "coalesce(period_start, start_day)", "coalesce(period_end, end_day)"
    return TESTED.format(
        **_columns(domain, sourced), visit=_visit(domain, "c"), pick=pick, wanted=wanted,
        chosen=_chosen(domain, chosen), nth=nth, moved_start=start, moved_end=end, epoch=EPOCH,
        begin=begin, finish=finish, counted=_counted(asked.counts),
        joins="\n".join(joins(aliases, asked.attributes)), tests="\n AND ".join(_tests(asked, aliases)),
    )  # fmt: skip


def of_persons(asked: Asked) -> str:
    """Index events whose person and dates are as wanted."""
    tests = conditions([], asked.attributes)
    return OF_PERSONS.format(epoch=EPOCH, joins="\n".join(joins([], asked.attributes)), tests="\n AND ".join(tests))


def joins(aliases: list[str], attributes: tuple[Attribute, ...]) -> list[str]:
    """What the tests of attributes look up beside the event, as LEFT JOINs."""
    lists = [
        f'LEFT JOIN listed "{one.name}" ON "{one.name}"."list" = c."{one.name}_list" '
        f'AND "{one.name}".concept_id = {one.meaning}'
        for one in attributes
        if one.kind in ("concepts", "selection", "codeset")
    ]
    return [JOINS[alias] for alias in aliases] + lists


def conditions(aliases: list[str], attributes: tuple[Attribute, ...]) -> list[str]:
    """The tests of attributes; one that a set does not want is null there and holds."""
    found = [f"(NOT c.uses_{alias} OR {PRESENT[alias]} IS NOT NULL)" for alias in aliases if alias in PRESENT]
    return [*found, *(f'(c."{one.name}_inside" IS NULL OR ({_test(one)}))' for one in attributes)] or ["TRUE"]


def _tests(asked: Asked, aliases: list[str]) -> list[str]:
    tests = conditions(aliases, asked.attributes)
    if asked.adjusted:
        tests.append("(NOT c.adjusted OR c.end_day >= c.start_day)")
    if asked.period:
        tests += [
            f"(c.{end} IS NULL OR (c.start_day <= c.{end} AND c.end_day >= c.{end}))"
            for end in ("period_start", "period_end")
        ]
    return tests


def _test(one: Attribute) -> str:
    value, name = f"({one.meaning})", one.name
    inside = f'c."{name}_inside"'
    match one.kind:
        case "text":
            return f'({value} LIKE c."{name}_like") = {inside}'
        case "flag":
            return f"{value} = {inside}"
        case "concepts" | "selection" | "codeset":
            return (
                f'CASE WHEN c."{name}_list" = {ANYTHING} THEN ({value} IS NOT NULL) = {inside} ELSE '
                f'("{name}".concept_id IS NOT NULL) = {inside} AND (c."{name}_none" OR {value} IS NOT NULL) END'
            )
    return f'({value} >= c."{name}_low" AND {value} <= c."{name}_high") = {inside}'


def _columns(domain: Domain, sourced: bool) -> dict[str, object]:
    concept, source = pair(domain)
    picked = f"k.concept = {concept}" + (f" AND k.source = {source}" if sourced else "")
    return {
        "table": domain.table, "id": _id(domain), "start": days(domain.start), "end": days(domain.end),
        "picked": picked, "unseen": UNSEEN,
    }  # fmt: skip


def _id(domain: Domain) -> str:
    return f"e.{domain.id}"


def _chosen(domain: Domain, chosen: str) -> str:
    return f"{domain.start} IS NOT NULL AND {chosen}"


def _visit(domain: Domain, alias: str) -> str:
    return f"coalesce({alias}.{domain.visit}, {NOWHERE})" if domain.visit else f"CAST({NOWHERE} AS BIGINT)"


def _counted(counts: tuple[Attribute, ...]) -> str:
    cases = " ".join(f"WHEN '{one.name}' THEN CAST({one.meaning} AS DOUBLE)" for one in counts)
    return f"CASE c.counted {cases} END" if cases else "CAST(NULL AS DOUBLE)"
