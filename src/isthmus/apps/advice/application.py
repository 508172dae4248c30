"""Decision support as an application: its services, and what its people look at and switch."""

from collections.abc import Sequence

from isthmus.apps.advice.hooks.service import services
from isthmus.apps.advice.looks.pages import pages
from isthmus.apps.advice.looks.routes import routes
from isthmus.apps.contract import Application, Page, Route, Service


class Advice(Application):
    """Rules over one patient, at the hooks of CDS Hooks 2."""

    def services(self) -> Sequence[Service]:
        """One service for each hook."""
        return services()

    def routes(self) -> Sequence[Route]:
        """Rules, switches, rates, the graph, the bench, a patient, a pack being written."""
        return routes()

    def pages(self) -> Sequence[Page]:
        """The rules, how they did, and the graph."""
        return pages()
