"""An application bound to its manifest: what it gives is what the manifest lists, and every call finds its handler."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from isthmus.apps.contract.application import Application, Asked, Context, Job, Page, Route, Service, Told
from isthmus.apps.contract.event import HOOKS, Event
from isthmus.apps.contract.manifest import Manifest
from isthmus.base.errors import InputError, UsageError

API = "api/"
BRACES = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an application. `kind`: answer, service, feedback, event or job; `name`: of service, hook or job."""

    kind: str
    name: str = ""
    asked: Asked | None = None
    event: Event | None = None


class Bound:
    """An application with its manifest. Raises InputError where it gives what the manifest does not list, or less."""

    def __init__(self, application: Application, manifest: Manifest) -> None:
        self.manifest = manifest
        self._application = application
        self.pages: Mapping[str, Page] = _by("pages", application.pages(), manifest.pages, lambda one: one.path)
        self.services: Mapping[str, Service] = _by(
            "services", application.services(), manifest.services, lambda one: one.id
        )
        self.jobs: Mapping[str, Job] = _by("jobs", application.jobs(), manifest.jobs, lambda one: one.name)
        routes: Mapping[str, Route] = _by(
            "routes", application.routes(), manifest.routes, lambda one: f"{one.method} {one.path}"
        )
        self._routes = [(one.method, _pattern(one.path), one) for one in routes.values()]
        for hook in HOOKS:
            told = getattr(type(application), hook) is not getattr(Application, hook)
            if told != (hook in manifest.hooks):
                one, other = ("has a method", "does not list it") if told else ("has no method", "lists it")
                raise InputError(f"{manifest.app}: the application {one} `{hook}`, the manifest {other} under `hooks`.")

    def call(self, call: Call, at: Context) -> Any:
        """What the application says: a Told of an answer, cards of a service, nothing of feedback, event or job."""
        if call.kind == "answer":
            assert call.asked is not None
            return self._answer(call.asked, at)
        if call.kind == "event":
            return getattr(self._application, call.name)(call.event, at)
        if call.kind == "job":
            return self.jobs[call.name].run(at)
        service = self.services[call.name]
        assert call.asked is not None
        if call.kind == "feedback":
            return service.feedback(call.asked, at) if service.feedback else None
        return service.handle(call.asked, at)

    def _answer(self, asked: Asked, at: Context) -> Told:
        if not asked.path.startswith(API):
            page = self.pages.get(asked.path)
            return page.handle(asked, at) if page else Told(status=404, body={"error": "there is no such page"})
        for method, pattern, route in self._routes:
            found = pattern.fullmatch(asked.path.removeprefix(API))
            if found and method == asked.method:
                return route.handle(replace(asked, named=found.groupdict()), at)
        return Told(status=404, body={"error": "there is no such route"})


def _by(what: str, given: Sequence[Any], listed: Sequence[str], name: Any) -> Mapping[str, Any]:
    found = {name(one): one for one in given}
    if set(found) != set(listed):
        more, less = sorted(set(found) - set(listed)), sorted(set(listed) - set(found))
        said = f"gives {more[0]}, which" if more else f"does not give {less[0]}, which"
        raise InputError(
            f"the application {said} the manifest {'does not list' if more else 'lists'} under `{what}`. Make the two "
            "say the same."
        )
    return MappingProxyType(found)


def _pattern(path: str) -> re.Pattern[str]:
    pieces = BRACES.split(path)
    if len(set(pieces[1::2])) < len(pieces[1::2]):
        raise UsageError(f"the route {path} names a part twice. Give each part a name of its own.")
    return re.compile("".join(f"(?P<{one}>[^/]+)" if at % 2 else re.escape(one) for at, one in enumerate(pieces)))
