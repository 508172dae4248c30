"""What applications are told when a run has ended: what landed, and which edition was published."""

from concurrent.futures import TimeoutError as LateError
from concurrent.futures import wait

from isthmus.apps.contract import Event, Landed, Published
from isthmus.apps.manager.running import Manager
from isthmus.base.errors import IsthmusError
from isthmus.flow.ingest import Report
from isthmus.flow.workspace import Workspace
from isthmus.records.applications import Applications

SECONDS = 600.0  # that applications may take together


def told(opened: Workspace, report: Report) -> None:
    """Tell the enabled applications what a run brought; what one of them could not do is a note of the report."""
    if not any(state.version for state in Applications(opened.records).changes().values()):
        return
    landed = [Landed(site, one.feed, one.new) for site, feeds in report.landed.items() for one in feeds if one.new]
    sites = tuple(sorted({event.site for event in landed}))
    events: list[Event] = [*landed, *([Published(report.edition.number, sites)] if report.edition else [])]
    if not events:
        return
    manager = Manager(opened)
    try:
        report.notes += [f"{one.app} is not running: {one.fault}" for one in manager.standing() if one.fault]
        calls = [call for event in events for call in manager.tell(event)]
        wait(calls, SECONDS)
        for call in calls:
            try:
                call.result(0)
            except LateError:
                report.notes.append("An application was told of what is new, and has not come to an end with it yet.")
            except IsthmusError as error:
                report.notes.append(f"An application could not do what it does with what is new: {error}.")
    finally:
        manager.close()
