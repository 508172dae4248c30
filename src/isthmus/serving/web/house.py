"""One opened workspace as the workbench has it: its parts, and what was counted of its editions, once (`memory.py`)."""

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path

from isthmus.apps.manager.running import Manager
from isthmus.base.errors import IsthmusError
from isthmus.base.progress import Progress
from isthmus.flow.hold import HeldError
from isthmus.flow.workspace import Workspace
from isthmus.gate.office import cases
from isthmus.gate.office.cases import File
from isthmus.gate.office.unit import Office
from isthmus.records.commits import Commits
from isthmus.serving.web.answers import Answers
from isthmus.serving.web.fresh import Fresh
from isthmus.serving.web.lanes import Lanes
from isthmus.serving.web.memory import Memory
from isthmus.serving.web.runs import Run
from isthmus.serving.web.sessions import Sessions

PATIENCE = 5.0  # seconds that the workbench waits for applications to start; the rest of them start meanwhile


class House:
    """The workspace, its office, who has signed in, and a memory of what editions hold."""

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(root)
        self.office = Office(root, self.workspace.records, self.workspace.settings)
        self.sessions = Sessions()
        self.answers = Answers()
        self.lanes = Lanes()
        self.manager = Manager(self.workspace, seconds=PATIENCE)
        self.fresh = Fresh(self._stamp)
        self.memory = Memory()
        self.run: Run | None = None
        self.after: list[Callable[[House], object]] = []
        self._commits = Commits(self.workspace.records)
        self._listed: tuple[int, list[int]] = (0, [])
        self._cases: dict[str, File] = {}
        self._guard = threading.Lock()
        self._acting = threading.Lock()

    @property
    def synthetic(self) -> bool:
        """Whether all patients are invented."""
        return self.workspace.synthetic

    @property
    def edition(self) -> int | None:
        """The number of the newest edition, None before the first."""
        numbers = self.numbers()
        return numbers[-1] if numbers else None

    def numbers(self) -> list[int]:
        """The numbers of all editions, listed again when something came into their folder."""
        changed = _changed(self.workspace.lake.editions.folder)
        if not changed:
            return []
        if self._listed[0] != changed:
            self._listed = (changed, self.workspace.lake.editions.numbers())
        return self._listed[1]

    def digest(self, edition: int) -> str:
        """The digest of an edition's manifest."""
        return self.memory.once(("digest", edition), lambda: self.workspace.lake.editions.get(edition).digest)

    def cases(self) -> list[File]:
        """All cases of the committee, oldest first."""
        return self.fresh.of("cases", lambda: cases.files(self.office, self._cases))

    @contextmanager
    def acting(self) -> Iterator[Office]:
        """The office, opened for one act; others of this process wait."""
        with self._acting, self.office.open():
            yield self.office

    def begin(self, run: Run) -> bool:
        """Make a run the one that pages follow; False while another is under way."""
        with self._guard:
            if self.run is not None and not self.run.over:
                return False
            self.run = run
            return True

    def run_beside(self, title: str, work: Callable[[Workspace, Progress], object]) -> bool:
        """Begin work beside the requests, which pages follow; False while another is under way.

        What `after` holds is done when it has ended.
        """
        run = Run(title)
        if not self.begin(run):
            return False

        def done() -> None:
            try:
                work(self.workspace, run)
                run.end()
            except HeldError as held:
                run.end(held)
            except IsthmusError as error:
                run.end(str(error))
            except Exception as error:  # told without its text, which may hold data
                run.end(
                    f"something unforeseen happened ({type(error).__name__}). What was landed is kept. Run the same on "
                    "the command line with --debug, and report it."
                )
            for one in self.after:
                one(self)

        threading.Thread(target=done, name=title, daemon=True).start()
        return True

    def _stamp(self) -> Hashable:
        """Equal as long as nothing has changed of which pages are made; None where the records cannot tell it."""
        committed = self._commits.number()
        if committed is None:
            return None
        root, run = self.workspace.root, self.run
        folders = (self.workspace.lake.editions.folder, root, root / "sites", root / "cohorts")
        return committed, self.memory.counted, run, run is not None and run.over, *map(_changed, folders)

    def close(self) -> None:
        """Begin nothing more."""
        self._commits.close()
        self.manager.close()
        self.lanes.close()
        self.memory.close()


def _changed(folder: Path) -> int:
    """When something came into a folder or left it, 0 where there is none."""
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
