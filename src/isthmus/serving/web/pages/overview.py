"""The overview: is the data fresh and sound, and what waits for me."""

from isthmus.serving.web.counted import edition_of
from isthmus.serving.web.shell.page import Asked, Page, View
from isthmus.serving.web.shell.table import Column, Source, Table


def view(told: Asked) -> View:
    """What the overview shows."""
    seen = edition_of(told.house)
    w = told.w
    if seen is None:
        return View(w("none.title"), w("none.lead"), values={"seen": None})
    sites = Table("sites", (
        Column("title", note="site", link="address"), Column("state", "state"), Column("people", "count"),
        Column("received", "day"), Column("last", "day"), Column("records", "count"), Column("quarantined", "count"),
        Column("mapped", "share"),
    ), seen.sites, Source(w("sites.says"), seen.number, seen.records, lineage="/lineage"))  # fmt: skip
    months = Table("months", (Column("year"), *(Column(name, "count") for name in seen.domains)), seen.years,
                   Source(w("years.says"), seen.number, seen.rows, lineage="/lineage"))  # fmt: skip
    lead = w("lead", len(seen.sites), edition=f"e{seen.number:06d}", day=seen.published[:10])
    return View(w("title", len(seen.sites)), lead, (sites, months), {"seen": seen})


PAGE = Page("overview", "/", view, group="data", icon="home", key="o")
