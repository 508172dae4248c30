"""What an edition holds, counted once for all pages that show it: sites, years, and sums."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from isthmus.cdm.tables import TABLES
from isthmus.flow.datamap.held import DataMap, held
from isthmus.serving.web.house import House

DOMAINS = ("measurement", "drug_exposure", "condition_occurrence", "procedure_occurrence", "observation")


@dataclass(frozen=True, slots=True)
class Seen:
    """An edition at a glance."""

    number: int
    published: str
    sites: Sequence[dict[str, Any]]
    years: Sequence[dict[str, Any]]
    domains: Sequence[str]
    people: int
    rows: int
    records: int
    mapped: float
    quarantined: int


def map_of(house: House) -> DataMap | None:
    """The map of the newest edition, None before the first."""
    number = house.edition
    return None if number is None else house.once(("map", number), lambda: held(house.workspace, edition=number))


def edition_of(house: House) -> Seen | None:
    """The newest edition at a glance, None before the first."""
    known = map_of(house)
    return None if known is None else house.once(("seen", known.edition.number), lambda: _seen(known))


def _seen(known: DataMap) -> Seen:
    sites = [_site(known, name, title) for name, title in known.titles.items()]
    records = sum(one["records"] for one in sites)
    mapped = sum(fed.outcomes["mapped"] for fed in known.feeds)
    person = known.table("person")
    return Seen(
        number=known.edition.number, published=str(known.edition.body["published_at"]), sites=sites, years=(),
        domains=DOMAINS, people=person.extent.rows if person else 0,
        rows=sum(one.extent.rows for one in known.tables if one.name in TABLES and "" not in one.sites),
        records=records, mapped=mapped / records if records else 0.0,
        quarantined=sum(one["quarantined"] for one in sites),
    )  # fmt: skip


def _site(known: DataMap, name: str, title: str) -> dict[str, Any]:
    feeds = [one for one in known.feeds if one.site == name]
    records = sum(one.records for one in feeds)
    person = known.table("person")
    return {
        "title": title, "site": name, "address": f"/sites/{name}", "state": "delivered" if records else "none",
        "people": person.sites[name].rows if person and name in person.sites else 0,
        "received": max((one.received for one in feeds if one.received), default=None),
        "last": max((one.last for one in feeds if one.last), default=None), "records": records,
        "quarantined": sum(one.outcomes["quarantined"] for one in feeds),
        "mapped": sum(one.outcomes["mapped"] for one in feeds) / records if records else None,
    }  # fmt: skip
