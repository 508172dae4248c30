"""Decision support as an application: its services, and what its people look at and switch."""

from collections.abc import Sequence

from isthmus.apps.advice.hooks.service import services
from isthmus.apps.contract import Application, Service


class Advice(Application):
    """Rules over one patient, at the hooks of CDS Hooks 2."""

    def services(self) -> Sequence[Service]:
        """One service for each hook."""
        return services()
