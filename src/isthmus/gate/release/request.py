"""A request for release: its files are looked at by people until they leave, or do not. A fold over events.

open → submitted → approved → released        submitted → returned → submitted        submitted → rejected
open, submitted, returned → withdrawn         a changed file takes back what was said of it
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from types import MappingProxyType
from typing import Literal

from isthmus.base.errors import RefusedError
from isthmus.gate.release.rules import Answer, Rules

Said = Literal["approve", "change", "reject"]
FROM = {
    "put": {"open", "returned"},
    "submit": {"open", "returned"},
    "withdraw": {"open", "submitted", "returned"},
    "say": {"submitted"},
    "approve": {"submitted"},
    "return": {"submitted"},
    "reject": {"submitted"},
    "release": {"approved"},
}
BECOMES = {
    "submit": "submitted",
    "withdraw": "withdrawn",
    "approve": "approved",
    "return": "returned",
    "reject": "rejected",
    "release": "released",
}
AUTHORS = frozenset({"put", "submit", "withdraw"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """put: a file with its content's hash and the machine's answer. say: what a checker says of a file, and why."""

    act: str
    by: str
    path: str = ""
    content: str = ""
    machine: Answer = "review"
    said: Said = "change"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request after its events. `people` of the grant cannot check it; `said` by path and checker."""

    people: frozenset[str]
    state: str = "open"
    author: str = ""
    files: Mapping[str, tuple[str, Answer]] = field(default_factory=dict)
    said: Mapping[tuple[str, str], Said] = field(default_factory=dict)

    def approvals(self, path: str) -> int:
        """How many checkers approve of a file as it is now."""
        return sum(one == "approve" for (file, _), one in self.said.items() if file == path)


def step(request: Request, event: Event, rules: Rules) -> Request:
    """The request after one more event. Raises RefusedError, which says why and what next."""
    if why := _refusal(request, event, rules):
        raise RefusedError(why)
    match event.act:
        case "put":
            files = {**request.files, event.path: (event.content, event.machine)}
            said = {key: one for key, one in request.said.items() if key[0] != event.path}
            return replace(
                request, author=request.author or event.by, files=MappingProxyType(files), said=MappingProxyType(said)
            )
        case "say":
            return replace(request, said=MappingProxyType({**request.said, (event.path, event.by): event.said}))
        case _:
            return replace(request, state=BECOMES[event.act])


def fold(people: Iterable[str], events: Iterable[Event], rules: Rules) -> Request:
    """The request after all its events. Raises RefusedError at the first that was not allowed."""
    return reduce(lambda request, event: step(request, event, rules), events, Request(people=frozenset(people)))


def _refusal(request: Request, event: Event, rules: Rules) -> str | None:
    if event.act not in FROM:
        return f"there is no act '{event.act}'. Known are {', '.join(FROM)}."
    if request.state not in FROM[event.act]:
        return f"the request is {request.state}, which allows no '{event.act}'. Open another request."
    if event.act in AUTHORS:
        return _by_author(request, event)
    if event.by in request.people:
        return f"{event.by} is one of the people of the grant, and does not check its releases. Ask another checker."
    if event.act == "say":
        return _of_file(request, event)
    return _of_all(request, event, rules)


def _by_author(request: Request, event: Event) -> str | None:
    if event.by not in request.people:
        return f"{event.by} is not one of the people of the grant. One of them asks for release."
    if event.act == "withdraw" and request.author and request.author != event.by:
        return f"the request is {request.author}'s. Its author withdraws it."
    if event.act == "submit":
        if not request.files:
            return "there is no file in the request. Put one in."
        failed = sorted(path for path, (_, answer) in request.files.items() if answer == "fail")
        if failed:
            return f"the check found faults in {', '.join(failed)}. Mend them as its reasons say, and put them again."
    return None


def _of_file(request: Request, event: Event) -> str | None:
    if event.path not in request.files:
        return f"there is no file '{event.path}' in the request. Name one of its files."
    if event.said != "approve" and not event.reason.strip():
        return "who does not approve of a file says why. Add a reason."
    return None


def _of_all(request: Request, event: Event, rules: Rules) -> str | None:
    short = sorted(path for path in request.files if request.approvals(path) < rules.checkers)
    against = [one for one in request.said.values() if one != "approve"]
    if event.act in {"approve", "release"} and (short or against):
        where = ", ".join(short) or "a file of which a checker does not approve"
        return (
            f"{rules.checkers} checkers have to approve of every file, and no one may object: {where}. Wait for them."
        )
    if event.act in {"return", "reject"} and not event.reason.strip():
        return "who does not let a request pass says why. Add a reason."
    return None
