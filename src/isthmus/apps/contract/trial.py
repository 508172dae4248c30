"""An application on trial: its own tests run it over rows that they made up, with the real gate and real records."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from isthmus.apps.contract.application import Asked, Context, Told
from isthmus.apps.contract.bound import Bound, Call
from isthmus.apps.contract.event import HOOKS, Event
from isthmus.apps.contract.package import bound
from isthmus.apps.contract.records import Rows
from isthmus.apps.contract.schema import steps_of
from isthmus.base.clock import now
from isthmus.base.errors import UsageError
from isthmus.flow.invented import SITE, invented
from isthmus.flow.workspace import Workspace
from isthmus.gate.declared import Invented
from isthmus.records.own import Own
from isthmus.research.registries.aside import left_out
from isthmus.research.registries.enrolment.said import last


class Tried(Invented):
    """The session of a trial: over rows that were made up, with what was said of their cases."""

    def __init__(self, opened: Workspace, columns: Mapping[str, frozenset[str]]) -> None:
        edition = opened.lake.editions.current()
        assert edition is not None  # it was published before
        super().__init__(opened.lake, edition, columns)
        self.workspace = opened

    @property
    def stands(self) -> tuple[str, int]:
        """No grant, and the number of the last word about cases and consents."""
        return "", last(self.workspace)

    def left_out(self, registry: str = "", people: int = 1) -> frozenset[int]:
        """Who is left out of what is told of many."""
        return left_out(self.workspace, None, registry, people)


class Trial:
    """A workspace for the length of a block, and what an application does in it.

        with Trial(Path("my_app"), {"person": [{"person_id": 1, "year_of_birth": 1950}]}) as trial:
            assert trial.get("api/elders").body == [1]

    `folder` is the one of `app.yaml`; the package is loaded from it, or `package` names an installed one. `tables` are
    rows of the CDM, see `isthmus.flow.invented`. `settings` differ from their defaults. What the application hands to
    intake is in `learnt`, by kind.
    """

    def __init__(
        self,
        folder: Path,
        tables: Mapping[str, Rows] | None = None,
        *,
        package: str = "",
        settings: Mapping[str, Any] | None = None,
        site: str = SITE,
        at: datetime | None = None,
    ) -> None:
        self._folder, self._tables, self._site, self._at = folder, tables or {}, site, at
        self.bound: Bound = bound(folder, package)
        known = self.bound.manifest.settings
        for name in settings or {}:
            if name not in known:
                raise UsageError(f"the manifest has no setting '{name}'. Settings: {', '.join(known) or 'none'}.")
        given = {name: known[name].admitted(value) for name, value in (settings or {}).items()}
        self.settings = {name: one.default for name, one in known.items()} | given
        self.learnt: dict[str, list[dict[str, Any]]] = {}
        self._scratch = TemporaryDirectory()

    def __enter__(self) -> Self:
        root = Path(self._scratch.name)
        opened = invented(root / "ws", self._tables, site=self._site)
        self._session = Tried(opened, self.bound.manifest.reads)
        self._own = Own(f"sqlite:///{root / 'own.db'}", self.bound.manifest.app, steps_of(self._folder))
        self._own.migrate()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._own.close()
        self._scratch.cleanup()

    def context(self, language: str = "en", site: str | None = None) -> Context:
        """What a call is handed."""
        where = self._site if site is None else site
        return Context(
            session=self._session, records=self._own.of(where), settings=self.settings, learnt=self._learn,
            now=self._at or now(), site=where, language=language,
        )  # fmt: skip

    def get(self, path: str, language: str = "en", **query: str) -> Told:
        """The answer of a page, or of a route whose path begins with api/."""
        return self._answer(Asked(path=path, query=query, language=language, site=self._site))

    def post(self, path: str, body: Any, language: str = "en") -> Told:
        """The answer of a route to a body."""
        return self._answer(Asked(method="POST", path=path, body=body, language=language, site=self._site))

    def serve(self, service: str, body: Any, language: str = "en") -> Any:
        """What a service of CDS Hooks gives for a request: cards, or a Told."""
        asked = Asked(method="POST", path=service, body=body, language=language, site=self._site)
        return self.bound.call(Call("service", service, asked), self.context(language))

    def feedback(self, service: str, body: Any) -> None:
        """Tell a service what became of its cards."""
        asked = Asked(method="POST", path=service, body=body, site=self._site)
        self.bound.call(Call("feedback", service, asked), self.context())

    def tell(self, event: Event) -> None:
        """Tell the application of an event."""
        (hook,) = (name for name, kind in HOOKS.items() if isinstance(event, kind))
        self.bound.call(Call("event", hook, event=event), self.context(site=getattr(event, "site", "")))

    def run(self, job: str) -> None:
        """Run a job."""
        self.bound.call(Call("job", job), self.context(site=""))

    def _answer(self, asked: Asked) -> Told:
        told: Told = self.bound.call(Call("answer", asked=asked), self.context(asked.language))
        return told

    def _learn(self, kind: str, rows: Rows) -> None:
        self.learnt.setdefault(kind, []).extend(dict(row) for row in rows)
