"""All pages, in the order of the side bar. A new page is one more line here."""

from collections.abc import Sequence

from isthmus.serving.web.pages import (
    administration,
    airlock,
    catalogue,
    codes,
    cohorts,
    lineage,
    linkage,
    log,
    overview,
    patients,
    quality,
    query,
    registries,
    requests,
    site,
    sites,
)
from isthmus.serving.web.shell.page import Page

PAGES: Sequence[Page] = (
    overview.PAGE, sites.PAGE, site.PAGE, *lineage.PAGES, *quality.PAGES, *codes.PAGES, *linkage.PAGES,
    *catalogue.PAGES, *registries.PAGES, *patients.PAGES, *cohorts.PAGES, query.PAGE, *requests.PAGES,
    *airlock.PAGES, *log.PAGES, *administration.PAGES,
)  # fmt: skip
