"""Pages of resources under a grant: each is one question of the gate's session, which is in the log first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from isthmus.gate.committee.application import Grant
from isthmus.gate.office.session import Granted, open_granted
from isthmus.serving.api.caller import Caller
from isthmus.serving.api.delivery import columns_of
from isthmus.serving.api.fhir import reading, search, statement
from isthmus.serving.api.fhir.mapping import Resource, resources
from isthmus.serving.api.fhir.statement import Mark, Page
from isthmus.serving.api.grants import in_force, own
from isthmus.serving.api.problem import Problem

CHANGED = 5000  # resources that a search since a moment names


@dataclass(frozen=True, slots=True)
class Found:
    """A page as it was found: resources, how many match in all, and where the next page begins, if there is one."""

    resources: Sequence[dict[str, Any]]
    total: int
    next: Mark | None


@dataclass(frozen=True, slots=True)
class Desk:
    """Who asks, under which grant, on which edition."""

    by: Caller
    grant: Grant
    edition: int

    def session(self) -> Granted:
        """A session of the gate."""
        return open_granted(
            self.by.office, self.by.house.opened.lake, self.by.account, self.grant.id, kind=min(self.grant.kinds),
            edition=self.edition,
        )  # fmt: skip

    def asked(self, sql: str) -> pa.Table:
        """The rows of a statement under the grant."""
        with self.by.house.desks.one():
            return self.session().sql(sql)


def desk(by: Caller, grant: str, edition: int | None = None) -> Desk:
    """A desk under a grant of the caller's that is in force; on the newest edition unless another is named."""
    held = in_force(by, own(by, grant))
    numbers = by.house.opened.lake.editions.numbers()
    if not numbers or (edition is not None and edition not in numbers):
        raise Problem("unknown", "there is no such edition. `GET /api/v1/editions` lists them.")
    return Desk(by, held, numbers[-1] if edition is None else edition)


def held(at: Desk, kind: str) -> tuple[Resource, frozenset[str]]:
    """A type of resource with the columns of it that the grant holds. Raises Problem where it cannot be served."""
    found = resources().get(kind)
    if found is None:
        raise Problem("unknown", f"'{kind[:60]}' is not served here. Served are {', '.join(resources())}.")
    columns = statement.held_by(at.grant, found)
    if not columns:
        needed = ", ".join(sorted({found.id, *found.needs}))
        raise Problem("refused", f"the grant does not hold what a {kind} needs of {found.table}: {needed}.")
    return found, columns


def one(at: Desk, kind: str, name: str) -> dict[str, Any]:
    """One resource by its id."""
    resource, columns = held(at, kind)
    asked = search.read(resource, [("_id", name), ("_count", "1")], columns, 1)
    rows = at.asked(Page(resource, columns, asked, None).sql).to_pylist()
    if not rows:
        raise Problem("unknown", f"there is no such {kind} under this grant.")
    return reading.read(resource, rows[0], columns, at.edition)


def page(by: Caller, grant: str, kind: str, asked: Sequence[tuple[str, str]]) -> Found:
    """A page of a search."""
    at = desk(by, grant)
    resource, columns = held(at, kind)
    read = search.read(resource, asked, columns, by.house.limits.longest)
    bound = statement.bound(at.grant, resource, asked)
    mark = statement.decoded(read.page, bound) if read.page else None
    at = desk(by, grant, mark.edition) if mark else at
    wanted = Page(resource, columns, read, mark, ids=_since(at, resource, read.since) if read.since else None)
    if read.count == 0:
        return Found([], int(at.asked(wanted.counting)[statement.MATCHED][0].as_py()), None)
    rows = at.asked(wanted.sql).to_pylist()
    here = rows[0][statement.MATCHED] if rows else 0
    total = mark.total if mark else here
    last = rows[-1] if rows and here > len(rows) else None
    after = Mark(bound, at.edition, last[statement.KEY], last[resource.id], total) if last else None
    return Found([reading.read(resource, row, columns, at.edition) for row in rows], total, after)


def changed(at: Desk, resource: Resource, before: int) -> tuple[list[str], list[str]]:
    """Ids of resources that came or changed, and of those that are gone, since an edition."""
    if before == at.edition:
        return [], []
    ids: dict[str, set[str]] = {"added": set(), "removed": set()}
    beside: set[str] = set()  # whose row of a table that is joined came or left, as the death of a person
    joined = [one for one, column in resource.joins.items() if column == resource.id and columns_of(at.grant, one)]
    with at.by.house.desks.one():
        rows = at.session().changes(resource.table, before)
        for table in joined:
            beside |= set(at.session().changes(table, before)[resource.id].to_pylist())
    for said, name in zip(rows["change"].to_pylist(), rows[resource.id].to_pylist(), strict=True):
        ids[said].add(name)
    gone = ids["removed"] - ids["added"]
    return sorted(ids["added"] | (beside - gone)), sorted(gone)


def edition_at(at: Desk, moment: str, *, just_before: bool = False) -> int:
    """The edition that stood at a moment, or just before it; 0 where there was none yet.

    Editions are dated to the second: one of the moment itself stands at it, and not just before it.
    """
    try:
        when = datetime.fromisoformat(moment)
    except ValueError:
        raise Problem("wrong", "a moment is written as 2026-11-29T08:00:00Z.") from None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    editions = at.by.house.opened.lake.editions
    stood = 0
    for number in editions.numbers():
        published = datetime.fromisoformat(str(editions.get(number).body["published_at"]))
        if number <= at.edition and (published < when or (published == when and not just_before)):
            stood = number
    return stood


def _since(at: Desk, resource: Resource, said: str) -> list[str] | None:
    """The ids that `_lastUpdated` names; None where all are meant."""
    sign, moment = (said[:2], said[2:]) if said[:2] in {"ge", "gt"} else ("", said)
    if not sign:
        raise Problem(
            "wrong", "`_lastUpdated` takes ge or gt and a moment here: what came since the edition before it."
        )
    before = edition_at(at, moment, just_before=sign == "ge")
    if before == 0:
        return None
    found, _ = changed(at, resource, before)
    if len(found) > CHANGED:
        raise Problem("wrong", f"more than {CHANGED:,} came since then. Use `$export` with `_since`, or take all anew.")
    return found


def unpaged(resource: Resource, columns: frozenset[str], count: int, *, skip: int, ids: list[str] | None) -> Page:
    """A part of all resources of a type, for a file of an export."""
    read = search.read(resource, [], columns, count)
    return Page(resource, columns, replace(read, count=count), None, ids=ids, skip=skip)
