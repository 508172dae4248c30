"""Sites: what each delivered, when, and what became of it."""

from isthmus.serving.web import counted
from isthmus.serving.web.shell.page import Asked, Page, View
from isthmus.serving.web.shell.table import Column, Source, Table


def view(told: Asked) -> View:
    """All sites, and what is in quarantine at them."""
    w, seen = told.w, counted.edition_of(told.house, told.edition)
    known = {site.name: site for site in told.house.workspace.sites()}
    rows = list(seen.sites) if seen else []
    rows += [
        _bare(name, site.title, len(site.feeds))
        for name, site in known.items()
        if name not in {r["name"] for r in rows}
    ]
    number = seen.number if seen else None
    sites = Table("sites", (
        Column("title", note="site", link="address"), Column("state", "state"), Column("feeds", "tally"),
        Column("files", "tally"), Column("received", "moment"), Column("last", "latest"), Column("people", "count"),
        Column("records", "count"), Column("quarantined", "count"), Column("mapped", "share"),
    ), rows, Source(w("sites.says"), number, seen.records if seen else None, lineage="/lineage"),
    empty="none")  # fmt: skip
    reasons = Table("quarantine", (
        Column("site", link="address"), Column("kind", "code"), Column("reason"), Column("records", "count"),
        Column("first_seen", "day"), Column("example", "code"),
    ), [
        {"site": one.site, "address": f"/sites/{one.site}", "kind": one.kind, "reason": one.reason,
         "records": one.records, "first_seen": one.first_seen, "example": one.example}
        for one in counted.quarantine(told.house)
    ], Source(w("quarantine.says"), told.house.edition), empty="quarantine.none")  # fmt: skip
    return View(w("title"), w("lead", len(rows)), (sites, reasons))


def _bare(name: str, title: str, feeds: int) -> dict[str, object]:
    """A site of which nothing is in an edition."""
    return {
        "title": title, "site": name if title != name else "", "name": name, "address": f"/sites/{name}",
        "state": "none",
        "feeds": feeds, "files": 0, "received": None, "last": None, "people": 0, "records": 0, "quarantined": 0,
        "mapped": None,
    }  # fmt: skip


PAGE = Page("sites", "/sites", view, group="data", icon="site", key="s", steady=True, pinned=True)
