"""The findings of an edition, of all its sites: gathered once and kept with it."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.resources import files
from typing import Any

import msgspec
import numpy as np
import orjson

from isthmus.base.errors import InputError
from isthmus.base.progress import Progress, Silence
from isthmus.cdm.tables import TABLES
from isthmus.flow import units
from isthmus.flow.checked import of_checks
from isthmus.flow.columns import source_columns
from isthmus.flow.failing import failures
from isthmus.flow.findings.delivered import of_rules
from isthmus.flow.findings.plausible import learnt, of_outliers, shares
from isthmus.flow.findings.unlisted import without_unlisted
from isthmus.flow.findings.whole import replaced
from isthmus.flow.persons import Several, persons, several
from isthmus.flow.places import Places
from isthmus.flow.quality import Quality, files_of, quality
from isthmus.flow.schema import schema_of
from isthmus.flow.stage import NO_RULE
from isthmus.flow.statement import query
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.mapping.units.detect import detect
from isthmus.mapping.units.readings import UNKNOWN
from isthmus.quality.checks import catalogue
from isthmus.quality.findings.finding import Finding, Place, kinds, worst_first
from isthmus.quality.findings.silence import silent
from isthmus.quality.plausible import limits
from isthmus.quality.rules import catalogue as rules

FORM = 9
MUCH_MORE = 0.5  # of rows: how much emptier than the usual hospital's a field is that is said to be never filled
FILES = 3  # that are named
QUARANTINE = """
    SELECT kind, split_part(reason, ':', 1) AS class, reason, part_id, count(*) AS rows, min(place) AS place,
        arg_min(record_id, place) AS record_id
    FROM record WHERE outcome = 'quarantined' GROUP BY ALL ORDER BY rows DESC, part_id
"""
CHANGED = "SELECT part_id, count(*) AS rows FROM record WHERE outcome = 'superseded' GROUP BY part_id"
# A kind of record that is replaced more often than this is a state that is told again and again, and no contradiction.
OFTEN = 0.2
ASIDE = f"""
    SELECT * FROM (
        SELECT kind, part_id, 'conflicts' AS told, count(*) FILTER (WHERE outcome = 'superseded') AS rows,
            min(place) FILTER (WHERE outcome = 'superseded') AS place,
            arg_min(record_id, place) FILTER (WHERE outcome = 'superseded') AS record_id, count(*) AS among
        FROM record GROUP BY kind, part_id HAVING rows BETWEEN 1 AND {OFTEN} * count(*)
        UNION ALL
        SELECT kind, part_id, 'kept', count(*) FILTER (WHERE {{empty}}) AS rows, min(place) FILTER (WHERE {{empty}}),
            arg_min(record_id, place) FILTER (WHERE {{empty}}), count(*)
        FROM record GROUP BY kind, part_id HAVING rows BETWEEN 1 AND {OFTEN} * count(*)
    ) ORDER BY rows DESC, told, part_id
"""
EMPTY = f"outcome = 'kept' AND reason = '{NO_RULE}'"
CODES = """
    SELECT system, "table", "column", count(*) AS rows, part_id, min(place) AS place
    FROM coding WHERE concept_id = 0 AND decision_id IS NULL
    GROUP BY system, "table", "column", part_id ORDER BY rows DESC, part_id
"""
# Persons are counted, not rows: tests come in panels and drugs in courses, so their rows are no Poisson counts.
DAYS = """
    SELECT datediff('day', DATE '1970-01-01', CAST("{day}" AS DATE)) AS day, part_id, count(DISTINCT person_id) AS rows
    FROM "{table}"
    WHERE "{day}" IS NOT NULL AND CAST("{day}" AS DATE) <= DATE '{until}' GROUP BY ALL
"""
# Emptiness is told where other sites do better, see `_never_filled`; of two checks that ask the same, one is told.
TOLD_ELSEWHERE = ("measureValueCompleteness", "plausibleDuringLife", "plausibleGender")
WATCHED = ("visit_occurrence", "measurement", "condition_occurrence", "drug_exposure")


def findings(
    workspace: Workspace, *, edition: int | None = None, progress: Progress | None = None
) -> Mapping[str, list[Finding]]:
    """The findings of every site in an edition (the current one by default), the worst first.

    Raises InputError before the first edition.
    """
    chosen = workspace.lake.editions.current() if edition is None else workspace.lake.editions.get(edition)
    if chosen is None:
        raise InputError("nothing is published yet, so nothing was found. Run `isthmus ingest` first.")
    name = f"findings-{_digest()}"
    kept = workspace.lake.editions.kept(chosen, name)
    if kept is not None:
        told = msgspec.json.decode(kept, type=dict[str, list[dict[str, Any]]])
        return {site: [_read(one) for one in listed] for site, listed in told.items()}
    found = _gathered(workspace, chosen, progress or Silence())
    content = orjson.dumps({site: [asdict(one) for one in listed] for site, listed in found.items()})
    with suppress(OSError):  # where only reading is allowed, they are gathered again the next time
        workspace.lake.editions.keep(chosen, name, content)
    return found


def _digest() -> str:
    """What tells one state of what is looked for from another."""
    words = (files("isthmus.quality.findings") / "words.yaml").read_bytes()
    checks = (catalogue.digest("5.3"), catalogue.digest("5.4"), rules.digest(), limits.digest())
    told = b"\0".join([str(FORM).encode(), words, *(one.encode() for one in checks)])
    return hashlib.sha256(told).hexdigest()[:12]


def _read(told: dict[str, Any]) -> Finding:
    return Finding(**{**told, "places": tuple(Place(**one) for one in told["places"])})


def _gathered(workspace: Workspace, edition: Edition, progress: Progress) -> dict[str, list[Finding]]:
    sites = [site.name for site in workspace.sites()]
    progress.start("findings", total=len(sites), unit="sites")
    judged, found = {}, dict[str, list[Finding]]()
    for site in sites:
        places = Places(workspace, edition, site)
        judged[site] = quality(workspace, edition=edition.number, site=site)
        found[site] = [
            *_of_checks(workspace, judged[site], places), *_of_records(workspace, edition, site, places),
            *_of_repeats(workspace, edition, site), *_of_codes(workspace, edition, site, places),
            *_of_silence(workspace, edition, site, places), *of_rules(workspace, edition, site, places),
            *learnt(workspace, edition, site, places), *_of_persons(workspace, edition, site, places),
        ]  # fmt: skip
        progress.advance("findings")
    outliers = of_outliers(workspace, edition, shares(workspace, edition, sites))
    for one in (*_of_units(workspace, edition), *_never_filled(judged, workspace), *outliers):
        if one.site in found:
            found[one.site].append(one)
    progress.finish("findings")
    return {site: worst_first(listed) for site, listed in found.items()}


def _of_checks(workspace: Workspace, found: Quality, places: Places) -> Iterator[Finding]:
    """Failed checks of the site's own tables."""
    listed = [
        one
        for one in failures(found, None)
        if TABLES[one.table].group != "vocabulary" and one.name not in TOLD_ELSEWHERE
    ]
    yield from of_checks(workspace, found, without_unlisted(workspace, found, listed), places)


def _of_records(workspace: Workspace, edition: Edition, site: str, places: Places) -> Iterator[Finding]:
    """Records in quarantine, by feed and reason; those that contradict another of their number, or give no row.

    Of a file that came again in whole those in quarantine are told that its newest delivery has.
    """
    with workspace.lake.engine() as engine:
        engine.view("record", files_of(workspace, edition, "record", site), empty=schema_of("record"))
        asked = (QUARANTINE, ASIDE.format(empty=EMPTY), CHANGED)
        waiting, aside, changed = (engine.rows(query(sql)).to_pylist() for sql in asked)
    again = replaced(workspace, edition, site, {row["part_id"]: row["rows"] for row in changed})
    waiting = [row for row in waiting if row["part_id"] not in again]
    for (feed, name, reason), rows in _by_feed(waiting, places, "kind", "reason"):
        kind, detail = _reason(rows[0]["class"], reason)
        columns = [detail] if kind == "quarantine.undecodable" else places.record(feed, name, detail)
        yield _of_rows(site, kind, f"{feed}/{name}/{reason}", rows, places, detail=detail, columns=tuple(columns))
    for (feed, name, told), rows in _by_feed(aside, places, "kind", "told"):
        yield _of_rows(site, told, f"{feed}/{name}", rows, places, detail=name)


def _by_feed(
    rows: Sequence[Mapping[str, Any]], places: Places, *names: str
) -> Iterator[tuple[tuple[str, ...], list[Mapping[str, Any]]]]:
    """Rows of parts gathered by feed and some of their values: a fault is one, in however many files it stands."""
    found: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault((places.file(row["part_id"])[0], *(row[name] for name in names)), []).append(row)
    yield from sorted(found.items())


def _of_rows(
    site: str, kind: str, key: str, rows: Sequence[Mapping[str, Any]], places: Places, *, detail: str,
    columns: tuple[str, ...] = (),
) -> Finding:  # fmt: skip
    """A finding about records, with the files that most of them are in."""
    led = []
    for row in rows[:FILES]:
        feed, file = places.file(row["part_id"])
        line, sheet = places.at(row["part_id"], row["place"])
        led.append(Place(feed, file, row["rows"], line, columns, "record", row["record_id"], sheet))
    among = sum(row.get("among") or 0 for row in rows)
    return Finding(site, kind, key, sum(row["rows"] for row in rows), among, detail=detail, places=tuple(led))


def _reason(name: str, reason: str) -> tuple[str, str]:
    """The kind of a reason of quarantine, and what is told of it."""
    detail = reason.partition(":")[2].strip()
    if detail == "unreadable or missing":
        return "quarantine.unreadable", name
    if name == "undecodable":
        return f"quarantine.{name}", ", ".join(detail.split("'")[1:2])
    if f"quarantine.{name}" in kinds():
        return f"quarantine.{name}", detail
    return "quarantine.other", reason


def _of_repeats(workspace: Workspace, edition: Edition, site: str) -> Iterator[Finding]:
    """Records that came again with the same content, by feed."""
    batches = {
        one.batch_id for one in workspace.records.batches() if one.edition is not None and one.edition <= edition.number
    }
    receipts = {one.receipt_id: one for one in workspace.records.receipts() if one.site == site}
    counts: dict[str, dict[str, int]] = {}
    of: dict[str, int] = {}
    for part in workspace.records.parts(list(receipts)):
        own = receipts[part.receipt_id]
        if part.batch_id in batches:
            again = sum(outcomes.get("duplicate", 0) for outcomes in part.account.values())
            of[own.feed] = of.get(own.feed, 0) + sum(sum(outcomes.values()) for outcomes in part.account.values())
            if again:
                files_of_feed = counts.setdefault(own.feed, {})
                name = part.member or own.name
                files_of_feed[name] = files_of_feed.get(name, 0) + again
    for feed, again_in in sorted(counts.items()):
        most = sorted(again_in.items(), key=lambda one: (-one[1], one[0]))[:FILES]
        led = tuple(Place(feed, file, rows) for file, rows in most)
        yield Finding(site, "repeats", feed, sum(again_in.values()), of[feed], places=led)


def _of_codes(workspace: Workspace, edition: Edition, site: str, places: Places) -> Iterator[Finding]:
    """Codes that wait for a meaning, by code system and column."""
    with workspace.lake.engine() as engine:
        engine.view("coding", files_of(workspace, edition, "coding", site), empty=schema_of("coding"))
        rows = engine.rows(query(CODES)).to_pylist()
    grouped: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault((row["system"], row["table"], row["column"]), []).append(row)
    for (system, table, column), listed in sorted(grouped.items()):
        led = []
        for row in listed[:FILES]:
            feed, file = places.file(row["part_id"])
            line, sheet = places.at(row["part_id"], row["place"])
            named = places.columns(feed, table, column, file, sheet)
            led.append(Place(feed, file, row["rows"], line, named, table, sheet=sheet))
        count = sum(row["rows"] for row in listed)
        yield Finding(site, "codes", f"{system}/{table}/{column}", count, table=table, field=column,
                      detail=system.removeprefix("list:"), places=tuple(led))  # fmt: skip


def _of_persons(workspace: Workspace, edition: Edition, site: str, places: Places) -> Iterator[Finding]:
    """Persons with several numbers in one system of numbers of the site, as the linkage joins them."""
    numbers = persons(workspace, edition).at(site).numbers
    grouped: dict[str, list[Several]] = {}
    for one in several(workspace, edition, site):
        grouped.setdefault(one.keyspace, []).append(one)
    for keyspace, listed in grouped.items():
        led = []
        for one in listed[:FILES]:
            feed, file = places.file(one.part_id)
            line, sheet = places.at(one.part_id, one.place)
            columns = places.columns(feed, "person", "person_source_value", file, sheet)
            led.append(Place(feed, file, one.rows, line, columns, "person", one.person_id, sheet))
        yield Finding(site, "several", keyspace, sum(one.rows for one in listed), numbers, "person", "person_id",
                      detail=keyspace, places=tuple(led))  # fmt: skip


def _of_silence(workspace: Workspace, edition: Edition, site: str, places: Places) -> Iterator[Finding]:
    """Days without a row of a feed that usually has many."""
    until = str(edition.body["published_at"])[:10]
    for table in WATCHED:
        day = next(iter(TABLES[table].dates or ()))
        with workspace.lake.engine() as engine:
            engine.view(table, files_of(workspace, edition, table, site), empty=schema_of(table))
            rows = engine.rows(query(DAYS.format(table=table, day=day, until=until))).to_pylist()
        by_feed: dict[str, dict[int, int]] = {}
        for row in rows:
            counts = by_feed.setdefault(places.file(row["part_id"])[0], {})
            counts[row["day"]] = counts.get(row["day"], 0) + row["rows"]
        for feed, counts in sorted(by_feed.items()):
            for gap in silent(np.array(list(counts)), np.array(list(counts.values()))):
                value = f"{gap.first}" if gap.days == 1 else f"{gap.first} – {gap.last}"
                led = Place(feed, "", 0, columns=places.columns(feed, table, day, ""), table=table)
                yield Finding(site, "silence", f"{feed}/{table}/{gap.first}", gap.days, table=table, field=day,
                              value=value, detail=f"{gap.usual:g}", places=(led,))  # fmt: skip


def _of_units(workspace: Workspace, edition: Edition) -> Iterator[Finding]:
    """What the detector of wrong units proposes and nobody has decided yet, by analyte and unit."""
    table = units.published(workspace, edition)
    detected = detect(table)
    waiting = {one.proposal_id: one for one in units.stated(workspace, detected) if one.state == "open"}
    about = table.take(detected.rows["row"]).select(["home", "part_id", "place"])
    about = about.append_column("proposal_id", detected.rows["proposal_id"]).sort_by("place")
    named = {one["proposal_id"]: one["found"] for one in detected.proposals.to_pylist() if one["found"] != UNKNOWN}
    grouped: dict[tuple[str, str, str], dict[int, dict[int, None]]] = {}
    fitting: dict[tuple[str, str, str], set[str]] = {}
    for row in about.to_pylist():
        one = waiting.get(row["proposal_id"])
        if one is not None:
            parts = grouped.setdefault((row["home"], one.analyte, one.unit), {})
            parts.setdefault(row["part_id"], {})[row["place"]] = None
            if one.proposal_id in named:
                fitting.setdefault((row["home"], one.analyte, one.unit), set()).add(named[one.proposal_id])
    for (site, analyte, unit), parts in sorted(grouped.items()):
        places = Places(workspace, edition, site)
        led = []
        for part, found in sorted(parts.items(), key=lambda one: -len(one[1]))[:FILES]:
            feed, file = places.file(part)
            line, sheet = places.at(part, next(iter(found)))
            columns = places.columns(feed, "measurement", "value_as_number", file, sheet)
            led.append(Place(feed, file, len(found), line, columns, "measurement", sheet=sheet))
        named_units = fitting.get((site, analyte, unit), set())
        fit = sorted(named_units - {unit} or named_units)
        yield Finding(
            site, "units" if fit else "units.none", f"{analyte}/{unit}", sum(map(len, parts.values())),
            table="measurement", field="value_as_number", value=", ".join(fit), detail=f"{analyte} [{unit}]",
            places=tuple(led),
        )  # fmt: skip


def _never_filled(judged: Mapping[str, Quality], workspace: Workspace) -> Iterator[Finding]:
    """Fields that a site leaves empty and the usual site fills."""
    shares: dict[str, dict[str, Any]] = {}
    for site, found in judged.items():
        for one in found.results:
            if one.check.type.name == "measureValueCompleteness" and one.counts and one.counts.of:
                shares.setdefault(one.check.check_id, {})[site] = one
    for check_id, by_site in shares.items():
        for site, one in by_site.items():
            others = [other.share for name, other in by_site.items() if name != site]
            if len(others) > 1 and one.share == 1.0 and 1.0 - float(np.median(others)) >= MUCH_MORE:
                check = one.check
                yield Finding(site, "never", check_id, one.counts.violated, one.counts.of, check.table, check.field,
                              places=tuple(_fillers(workspace, site, check.table, check.field)))  # fmt: skip


def _fillers(workspace: Workspace, site: str, table: str, field: str) -> Iterator[Place]:
    """The feeds of a site whose packs would fill a field."""
    for feed in workspace.site(site).feeds:
        columns = source_columns(workspace.pack(feed.pack), table, field)
        if columns:
            yield Place(feed.name, "", 0, columns=tuple(columns), table=table)
