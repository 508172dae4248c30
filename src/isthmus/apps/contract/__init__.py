"""All that an application may import of Isthmus: this module and those beside it.

An application is a package with a manifest `app.yaml` and a subclass of `Application`. It is told of events, answers
pages, routes and services, and runs jobs; every time it is handed a `Context`, and it keeps nothing between two calls
but its own records. Its reads go through `Context.session`, which holds what its manifest and its grant hold, and no
more. A tutorial is docs/how-to/build-an-application.md.
"""

from isthmus.apps.contract.application import (
    Application,
    Asked,
    Cards,
    Context,
    Handle,
    Job,
    Page,
    Route,
    Service,
    Told,
)
from isthmus.apps.contract.event import HOOKS, Event, Landed, Opened, Passed, Published, Ready, Received
from isthmus.apps.contract.manifest import CONTRACT, Manifest, Setting, manifest_of
from isthmus.apps.contract.records import Records, Rows, Within
from isthmus.apps.contract.session import Session, named, tables
from isthmus.base.errors import InputError, IsthmusError, PackError, RefusedError, UsageError

__all__ = [
    "CONTRACT", "HOOKS", "Application", "Asked", "Cards", "Context", "Event", "Handle", "InputError", "IsthmusError",
    "Job", "Landed", "Manifest", "Opened", "PackError", "Page", "Passed", "Published", "Ready", "Received", "Records",
    "RefusedError", "Route", "Rows", "Service", "Session", "Setting", "Told", "UsageError", "Within", "manifest_of",
    "named", "tables",
]  # fmt: skip
