"""What an edition holds, counted once for all pages that show it: sites, years, sums, findings and what waits."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isthmus.cdm.tables import TABLES
from isthmus.flow import lists
from isthmus.flow.datamap.find import find
from isthmus.flow.datamap.held import DataMap, held
from isthmus.flow.datamap.lineage import edges
from isthmus.flow.findings.life import Lived, lived
from isthmus.flow.hold import Worse
from isthmus.flow.hold import worse as worse_of
from isthmus.flow.profile import describe, profile
from isthmus.flow.quality import Quality, quality
from isthmus.flow.worklist import items as worklist
from isthmus.flow.worklist.items import Item
from isthmus.records.decisions import mark
from isthmus.records.store import since
from isthmus.serving.web.house import House

DOMAINS = ("measurement", "drug_exposure", "condition_occurrence", "procedure_occurrence", "observation")
YEARS = 16  # that are shown


@dataclass(frozen=True, slots=True)
class Seen:
    """An edition at a glance. `sites` are rows for a table."""

    number: int
    published: str
    sites: Sequence[dict[str, Any]]
    people: int
    rows: int
    records: int
    mapped: int
    quarantined: int
    files: int
    feeds: int


def map_of(house: House, edition: int | None = None) -> DataMap | None:
    """The map of an edition (the newest by default), None before the first."""
    number = edition or house.edition
    return None if number is None else house.memory.once(("map", number), lambda: held(house.workspace, edition=number))


def edition_of(house: House, edition: int | None = None) -> Seen | None:
    """An edition (the newest by default) at a glance, None before the first. Who is held back is so at present."""
    known = map_of(house, edition)
    if known is None:
        return None
    late = tuple(sorted(held_back(house))) if known.edition.number == house.edition else ()
    return house.memory.once(("seen", known.edition.number, late), lambda: _seen(house, known, late))


def held_back(house: House) -> Mapping[str, str]:
    """The sites whose last batch is mapped and in no edition, each with the time since when.

    While a run is under way batches are in none for a moment; then no site is called held back.
    """
    if house.run is not None and not house.run.over:
        return {}

    def look() -> Mapping[str, str]:
        waiting = since(house.workspace.records, "committed")
        return {
            name: f"{at:%Y-%m-%d %H:%M}" for name, at in waiting.items() if house.workspace.site(name).worse is not None
        }

    return house.fresh.of("held back", look)


def worse(house: House, site: str) -> Sequence[Worse] | None:
    """What holds a site back; None while it is judged."""
    waiting = [one.batch_id for one in house.workspace.records.batches("committed") if one.site == site]
    if not waiting:
        return ()
    return house.memory.later(("worse", house.edition, *waiting), lambda: worse_of(house.workspace, site))


def past(house: House) -> list[lists.Published]:
    """All editions, oldest first."""
    return house.memory.once(("editions", house.edition), lambda: lists.editions(house.workspace))


def years(house: House, edition: int | None = None) -> list[dict[str, Any]] | None:
    """Rows of an edition by year, a column for each domain; None while they are counted."""
    number = edition or house.edition

    def count() -> list[dict[str, Any]]:
        told = describe(house.workspace, profile(house.workspace, edition=number))["years"]
        found: dict[int, dict[str, Any]] = defaultdict(lambda: dict.fromkeys(DOMAINS, 0))
        for one in told:
            if one["table"] in DOMAINS:
                found[one["year"]][one["table"]] = one["records"]
        return [{"year": year, **found[year]} for year in sorted(found)][-YEARS:]

    return house.memory.later(("years", number), count) if number else []


def findings(house: House) -> list[Lived] | None:
    """The findings with their lives; None while they are gathered. What people say is looked at anew each time."""
    number = house.edition
    if number is None:
        return []
    if house.memory.later(("findings", number), lambda: bool(lived(house.workspace))) is None:
        return None
    last = mark(house.workspace.decisions, "finding")
    return house.memory.once(("lived", number, last), lambda: lived(house.workspace))


def checks(house: House, edition: int | None = None) -> Quality | None:
    """The results of the checks of an edition, None while they are computed."""
    number = edition or house.edition
    return (
        None
        if number is None
        else house.memory.later(("quality", number), lambda: quality(house.workspace, edition=number))
    )


def checked(house: House, edition: int | None = None) -> tuple[int, int] | None:
    """How many checks of an edition passed, and how many were asked; None while they are computed."""
    found = checks(house, edition)
    if found is None:
        return None
    counts = house.memory.once(
        ("checked", edition or house.edition), lambda: Counter(one.status for one in found.results)
    )
    return counts["passed"], counts["passed"] + counts["failed"]


def quarantine(house: House) -> list[lists.Waiting]:
    """What is in quarantine, by site, kind and reason."""
    return house.memory.once(("quarantine", house.edition), lambda: lists.quarantine(house.workspace))


def open_codes(house: House) -> list[Item]:
    """The codes that wait for a concept."""
    last = mark(house.workspace.decisions, "term")
    return house.memory.once(("codes", house.edition, last), lambda: worklist.items(house.workspace))


def prepare(house: House) -> None:
    """Count what pages wait for, so that the first reader does not."""
    if edition_of(house) is not None:
        for count in (past, quarantine, open_codes):
            count(house)


def warm(house: House) -> bool:
    """Count what pages wait for, and begin to count what they show later; whether all of it is there.

    Raises what stood against a count; it is begun anew the next time.
    """
    prepare(house)
    known = map_of(house)
    if known is None:
        return True
    shown: list[object] = [
        years(house),
        checks(house),
        findings(house),
        *(worse(house, site) for site in held_back(house)),
    ]
    shown.append(house.memory.later(("edges", house.edition), lambda: edges(house.workspace)))
    shown.append(house.memory.later(("index", house.edition), lambda: bool(find(house.workspace, known, "x"))))
    return all(one is not None for one in shown)


def _seen(house: House, known: DataMap, late: Sequence[str]) -> Seen:
    sites = [_site(known, name, title, "held" if name in late else "") for name, title in known.titles.items()]
    person = known.table("person")
    return Seen(
        number=known.edition.number, published=str(known.edition.body["published_at"]), sites=sites,
        people=person.extent.rows if person else 0,
        rows=sum(one.extent.rows for one in known.tables if one.name in TABLES and "" not in one.sites),
        records=sum(one["records"] for one in sites), mapped=sum(one.outcomes["mapped"] for one in known.feeds),
        quarantined=sum(one["quarantined"] for one in sites), files=sum(one.files for one in known.feeds),
        feeds=len(known.feeds),
    )  # fmt: skip


def _site(known: DataMap, name: str, title: str, state: str) -> dict[str, Any]:
    feeds = [one for one in known.feeds if one.site == name]
    records = sum(one.records for one in feeds)
    person = known.table("person")
    return {
        "title": title, "site": name if title != name else "", "address": f"/sites/{name}", "name": name,
        "state": state or ("delivered" if records else "none"), "feeds": len(feeds),
        "people": person.sites[name].rows if person and name in person.sites else 0,
        "received": max((one.received for one in feeds if one.received), default=None),
        "last": max((one.last for one in feeds if one.last), default=None), "records": records,
        "files": sum(one.files for one in feeds), "quarantined": sum(one.outcomes["quarantined"] for one in feeds),
        "mapped": (sum(one.outcomes["mapped"] for one in feeds), records) if records else None,
    }  # fmt: skip
