"""The names and addresses of the pages of the side bar, for the search."""

from collections.abc import Mapping

from isthmus.serving.web.shell.page import Asked

ADDRESSES: Mapping[str, str] = {
    "overview": "/", "sites": "/sites", "lineage": "/lineage", "quality": "/quality", "codes": "/codes",
    "linkage": "/linkage", "catalogue": "/catalogue", "registries": "/registries", "patients": "/patients",
    "cohorts": "/cohorts", "query": "/query", "requests": "/requests", "airlock": "/airlock", "log": "/log",
    "applications": "/applications", "administration": "/administration",
}  # fmt: skip


def places(told: Asked) -> Mapping[str, str]:
    """What pages are called in the language of who asks, with their addresses."""
    return {told.w(f"page.{name}"): address for name, address in ADDRESSES.items()}
