"""Decision support as an application: its services, and what its people look at and switch."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from isthmus.apps.advice.firing.history import History
from isthmus.apps.advice.hooks.service import services
from isthmus.apps.advice.looks.pages import pages
from isthmus.apps.advice.looks.routes import routes
from isthmus.apps.advice.pack.base import base_of
from isthmus.apps.advice.search.library import renew
from isthmus.apps.contract import Application, Context, Job, Page, Route, Service

EVERY = timedelta(minutes=10)
LONGEST = 3600.0
"""Seconds that taking documents in may last: 100,000 abstracts take some minutes."""


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

    def jobs(self) -> Sequence[Job]:
        """Taking in documents that are new in the library; writing old feedback to its cards."""
        return [
            Job(name="library", every=EVERY, run=_library, seconds=LONGEST),
            Job(name="answers", every=EVERY, run=_answers, seconds=LONGEST),
        ]


def _answers(at: Context) -> None:
    history = History(at.records, base_of(at))
    while history.catch_up():
        pass


def _library(at: Context) -> None:
    if at.settings["library"]:
        renew(Path(str(at.settings["library"])), at)
