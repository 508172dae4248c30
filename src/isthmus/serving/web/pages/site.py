"""One site: its feeds, its deliveries, its quarantine with replay, and why it is held back, if it is."""

from typing import Any

from isthmus.base.errors import PartialError, RefusedError
from isthmus.base.progress import Progress
from isthmus.flow.datamap.held import OUTCOMES
from isthmus.flow.replay import replay
from isthmus.flow.workspace import Site, Workspace
from isthmus.serving.page.tokens import LIGHT
from isthmus.serving.web import counted
from isthmus.serving.web.shell import specs
from isthmus.serving.web.shell.chart import Chart
from isthmus.serving.web.shell.page import Asked, Missing, Page, View
from isthmus.serving.web.shell.table import Column, Source, Table

HUES = tuple(LIGHT[one] for one in ("c1", "c6", "c2", "c4", "c5"))  # of the outcomes, as the style sheet has them
NEWEST = 50  # deliveries that are shown
MAY = frozenset({"steward", "platform", "administrator"})


def view(told: Asked) -> View:
    """What is shown of a site."""
    site, w = chosen(told), told.w
    seen = counted.edition_of(told.house, told.edition)
    number = seen.number if seen else None
    tables = (_feeds(told, site, number), _quarantine(told, site, told.house.edition), _deliveries(told, site))
    row = next((one for one in seen.sites if one["name"] == site.name), None) if seen else None
    values: dict[str, Any] = {
        "site": site, "row": row, "held": site.name in counted.held_back(told.house), "outcomes": OUTCOMES,
        "worse": counted.worse(told.house, site.name), "mends": told.mends(site.name),
        "may": _may(told, site), "done": "done" in told.query,
        "bars": _bars(tables[0], told), "last": _last(told, row),
    }  # fmt: skip
    drawn = Chart("feeds", "feeds", f"{site.title or site.name}: {w('feeds')}", specs.stacked(
        "name", {one: w(f"outcome.{one}") for one in OUTCOMES}, count=w("col.records"), across=True,
        hues=HUES))  # fmt: skip
    return View(site.title or site.name, w("lead", site=site.name), tables, values,
                ((w("page.sites"), "/sites"), (site.title or site.name, "")), charts=(drawn,))  # fmt: skip


def _last(told: Asked, row: dict[str, Any] | None) -> Any:
    """The last day of what a site has delivered, as it may be shown."""
    if row is None:
        return None
    return told.mask.latest(row["last"], few=isinstance(told.mask.count(row["people"]), str))


def chosen(told: Asked) -> Site:
    """The site of the address. Raises Missing with those of a like name."""
    sites = {one.name: one for one in told.house.workspace.sites()}
    name = told.path["site"]
    if name not in sites:
        raise Missing(told.w("missing", name=name), {key: f"/sites/{key}" for key in sites if key[:1] == name[:1]})
    return sites[name]


def replayed(told: Asked) -> str:
    """Map the quarantined records of a site again, beside the requests; the page of runs tells how far it is."""
    site = chosen(told)
    told.visitor.demanded()
    if not _may(told, site):
        raise RefusedError(
            "quarantine is replayed by a steward of the site, the platform or an administrator. Ask one."
        )

    def work(workspace: Workspace, run: Progress) -> None:
        report = replay(workspace, site=site.name, reason=told.form.get("reason") or None, progress=run)
        if report.failed:
            raise PartialError("; ".join(report.failed.values()))

    if not told.house.run_beside(f"replay {site.name}", work):
        raise RefusedError("a run is under way; one process writes at a time. Follow it under lineage and runs.")
    return "/runs/now"


def _may(told: Asked, site: Site) -> bool:
    account = told.visitor.account
    if account is None or not MAY & told.visitor.roles:
        return False
    return site.name in account.sites or bool({"platform", "administrator"} & told.visitor.roles)


def _feeds(told: Asked, site: Site, number: int | None) -> Table:
    known = counted.map_of(told.house, told.edition)
    there = [one for one in known.feeds if one.site == site.name] if known else []
    rows: list[dict[str, Any]] = [
        {"name": one.name, "pack": one.pack, "files": one.files, "size": round(one.size / 1e6, 2),
         "received": one.received, "last": one.last, "records": one.records, **one.outcomes,
         "mapped_share": (one.outcomes["mapped"], one.records) if one.records else None}
        for one in there
    ]  # fmt: skip
    empty = {"files": 0, "size": 0.0, "received": None, "last": None, "records": 0, "mapped_share": None}
    rows += [{"name": one.name, "pack": one.pack, **empty, **dict.fromkeys(OUTCOMES, 0)}
             for one in site.feeds if one.name not in {fed.name for fed in there}]  # fmt: skip
    columns = (Column("name", note="pack"), Column("files", "tally"), Column("received", "moment"),
               Column("last", "latest"), Column("records", "count"), *(Column(one, "count") for one in OUTCOMES),
               Column("mapped_share", "share"))  # fmt: skip
    return Table(
        "feeds",
        columns,
        rows,
        Source(told.w("feeds.says"), number, sum(fed.records for fed in there), lineage="/lineage"),
    )


def _bars(feeds: Table, told: Asked) -> list[dict[str, Any]]:
    """Of each feed what became of its records, as pieces of a bar."""
    found = []
    for row in feeds.masked(told.mask).rows:
        counts = {name: row[name] for name in OUTCOMES if isinstance(row.get(name), int) and row[name]}
        whole, x, pieces = sum(counts.values()) or 1, 0.0, []
        for name, count in counts.items():
            width = max(0.6, 100 * count / whole)
            pieces.append(
                {"outcome": name, "x": round(x, 2), "width": round(max(0.0, min(width, 100 - x)), 2), "count": count}
            )
            x += width
        found.append({"name": row["name"], "pieces": pieces})
    return found


def _quarantine(told: Asked, site: Site, number: int | None) -> Table:
    rows = [
        {"kind": one.kind, "reason": one.reason, "records": one.records, "first_seen": one.first_seen,
         "last_seen": one.last_seen, "example": one.example}
        for one in counted.quarantine(told.house) if one.site == site.name
    ]  # fmt: skip
    columns = (Column("reason"), Column("kind", "code"), Column("records", "count"), Column("first_seen", "day"),
               Column("last_seen", "day"), Column("example", "code"))  # fmt: skip
    return Table("quarantine", columns, rows, Source(told.w("quarantine.says"), number), empty="quarantine.none")


def _deliveries(told: Asked, site: Site) -> Table:
    records = told.house.workspace.records
    batches = {one.batch_id: one for one in records.batches()}
    own = [one for one in records.receipts() if one.site == site.name]
    rows = []
    for one in own[::-1]:
        batch = batches.get(one.batch_id or "")
        state = "waiting" if batch is None else "held" if batch.state == "committed" else batch.state
        edition = f"e{batch.edition:06d}" if batch is not None and batch.edition else ""
        rows.append({"received_at": one.received_at, "feed": one.feed, "file": one.name, "size": one.size,
                     "sha": one.sha256[:12], "state": state, "edition": edition})  # fmt: skip
    columns = (Column("received_at", "moment"), Column("feed"), Column("file"), Column("size", "tally"),
               Column("sha", "code"), Column("state", "state"), Column("edition"))  # fmt: skip
    return Table("deliveries", columns, rows, Source(told.w("deliveries.says"), None, len(own)), most=NEWEST)


PAGE = Page("site", "/sites/{site}", view, under="sites", acts={"replay": replayed}, pinned=True)
