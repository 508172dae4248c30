"""How many people the patient numbers of an edition are: by site, and of all sites together, as the linkage joins them.

Every row of a site names one of the site's own numbers. A hospital with three systems has three numbers of one patient,
and a patient of three hospitals has at least three.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from isthmus.base.errors import IsthmusError
from isthmus.flow.quality import files_of
from isthmus.flow.schema import PERSON_ALIAS, schema_of
from isthmus.flow.statement import literal, query
from isthmus.flow.workspace import Feed, Workspace
from isthmus.lake.edition import Edition
from isthmus.lake.engine import Engine
from isthmus.records.store import origins

JOINED = """
    SELECT p.person_id, p.site, p.part_id, p.place, coalesce(a.person, p.person_id) AS person
    FROM person p LEFT JOIN person_alias a ON a.person_id = p.person_id
"""
BY_SITE = """
    SELECT site, CAST(sum(numbers) AS BIGINT) AS numbers, count(*) AS persons,
        count(*) FILTER (sites > 1) AS elsewhere
    FROM (
        SELECT *, count(*) OVER (PARTITION BY person) AS sites
        FROM (SELECT site, person, count(*) AS numbers FROM joined GROUP BY site, person)
    ) GROUP BY site ORDER BY site
"""
ALL = "SELECT count(DISTINCT person) AS persons FROM joined"
# Each of the numbers that one person has in one system of numbers of a site.
SEVERAL = """
    SELECT keyspace, part_id, count(*) AS rows, min(place) AS place, arg_min(person_id, place) AS person_id
    FROM (
        SELECT j.*, s.keyspace, count(*) OVER (PARTITION BY s.keyspace, j.person) AS numbers
        FROM joined j JOIN system s USING (part_id) WHERE j.site = {site}
    ) WHERE numbers > 1 GROUP BY keyspace, part_id ORDER BY keyspace, rows DESC, part_id
"""


@dataclass(frozen=True, slots=True)
class AtSite:
    """A site's patient numbers, the persons they are, and how many of these another site knows too."""

    site: str
    numbers: int
    persons: int
    elsewhere: int


@dataclass(frozen=True, slots=True)
class Persons:
    """The patient numbers of an edition and the persons they are; the same count where nothing is linked yet."""

    is_linked: bool
    numbers: int
    persons: int
    sites: Sequence[AtSite]

    def at(self, site: str) -> AtSite:
        """Those of a site; of one without patients, zeros."""
        return next((one for one in self.sites if one.site == site), AtSite(site, 0, 0, 0))

    def told(self, site: str = "", small: int = 0) -> Mapping[str, Any]:
        """As a document: whether anybody is linked, the counts of all or of one site; None for one up to `small`."""
        whole = {"numbers": self.numbers, "persons": self.persons, "sites": [asdict(one) for one in self.sites]}
        counts = asdict(self.at(site)) if site else whole
        return {"linked": self.is_linked, **_above(counts, small)}


@dataclass(frozen=True, slots=True)
class Several:
    """Of persons with several numbers in one system of a site: those numbers that a part brought, and the first."""

    keyspace: str
    part_id: int
    rows: int
    place: int
    person_id: int


def persons(workspace: Workspace, edition: Edition) -> Persons:
    """The persons of an edition, as its own linkage joins them: two statements over two narrow tables."""
    with workspace.lake.engine() as engine:
        _join(engine, workspace, edition)
        sites = [AtSite(**row) for row in engine.rows(query(BY_SITE)).to_pylist()]
        (whole,) = engine.rows(query(ALL)).to_pylist()
    numbers = sum(one.numbers for one in sites)
    return Persons(bool(edition.files("person_link")), numbers, whole["persons"], sites)


def several(workspace: Workspace, edition: Edition, site: str) -> Iterator[Several]:
    """Numbers of persons who have more than one in the same system of a site; nothing where nobody was linked."""
    if not edition.files("person_link"):
        return
    with workspace.lake.engine() as engine:
        _join(engine, workspace, edition)
        asked = query(f"SELECT DISTINCT part_id FROM joined WHERE site = {literal(site)}")
        parts = engine.rows(asked).column(0).to_pylist()
        spaces = {feed.name: _keyspace(workspace, feed) for feed in workspace.site(site).feeds}
        feeds = {part: receipt.feed for part, (_, receipt) in origins(workspace.records, set(parts)).items()}
        known = [(part, spaces[feed]) for part, feed in feeds.items() if spaces.get(feed)]
        system = {"part_id": pa.array([part for part, _ in known], pa.int64()),
                  "keyspace": pa.array([space for _, space in known], pa.string())}  # fmt: skip
        engine.load("system", pa.table(system))
        yield from [Several(**row) for row in engine.rows(query(SEVERAL.format(site=literal(site)))).to_pylist()]


def _join(engine: Engine, workspace: Workspace, edition: Edition) -> None:
    engine.view("person", files_of(workspace, edition, "person"), empty=schema_of("person"))
    engine.view("person_alias", files_of(workspace, edition, "person_alias"), empty=PERSON_ALIAS)
    engine.create("joined", query(JOINED))


def _keyspace(workspace: Workspace, feed: Feed) -> str:
    """The system of numbers that a feed's patients are of; empty for a pack that was taken away."""
    try:
        return workspace.pack(feed.pack).keyspace
    except IsthmusError:
        return ""


def _above(counts: Mapping[str, Any], small: int) -> dict[str, Any]:
    """Counts that may be shown: 0, and those above `small`."""
    found: dict[str, Any] = {}
    for name, value in counts.items():
        if isinstance(value, list):
            found[name] = [_above(one, small) for one in value]
        else:
            found[name] = None if isinstance(value, int) and 0 < value <= small else value
    return found
