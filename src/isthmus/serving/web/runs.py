"""Work that runs in this process, as pages can follow it: each step with how far it is."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.flow.hold import HeldError
from isthmus.serving.page.words import Speech


@dataclass(slots=True)
class Step:
    """A step: `total` and `done` in `unit`; no total where nobody knows it."""

    task: str
    total: int | None
    unit: str
    done: int = 0
    ended: bool = False

    def told(self, w: Speech) -> Mapping[str, Any]:
        """As a page shows it; `share` is in per cent, `task` the same in every language."""
        share = 100.0 if self.ended else 100.0 * self.done / self.total if self.total else 8.0
        amount = f"{self.done:,} / {self.total:,}" if self.total else f"{self.done:,}"
        where, _, what = self.task.rpartition(": ")
        return {
            "task": self.task, "called": " · ".join(one for one in (where, w.name("doing", what)) if one),
            "told": f"{amount} {w.name('unit', self.unit)}".strip() if self.done or self.total else "",
            "share": round(min(share, 100), 1), "state": "done" if self.ended else "running",
        }  # fmt: skip


class Run:
    """A run and its steps: it is told its progress (`isthmus.base.progress`) by the work, and read by pages."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.fault: str | HeldError = ""
        self._steps: dict[str, Step] = {}
        self._changed = threading.Condition()
        self._version = 0
        self._ended = False

    def start(self, task: str, *, total: int | None = None, unit: str = "") -> None:
        """A step begins."""
        with self._changed:
            self._steps[task] = Step(task, total, unit)
            self._tell()

    def advance(self, task: str, done: int = 1) -> None:
        """A step goes on."""
        with self._changed:
            if task in self._steps:
                self._steps[task].done += done
                self._tell()

    def finish(self, task: str) -> None:
        """A step is done."""
        with self._changed:
            if task in self._steps:
                self._steps[task].ended = True
                self._tell()

    def end(self, fault: str | HeldError = "") -> None:
        """The run is over; `fault` says why, where it failed. What is held back is told in the language of the page."""
        with self._changed:
            self.fault, self._ended = fault, True
            for step in self._steps.values():
                step.ended = step.ended or not fault
            self._tell()

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._ended

    def steps(self, w: Speech) -> list[Mapping[str, Any]]:
        """All steps as they are now, in a page's words."""
        with self._changed:
            return [one.told(w) for one in self._steps.values()]

    def told(self, w: Speech) -> Mapping[str, Any]:
        """The run as a page shows it."""
        what, _, where = self.title.partition(" ")
        title = " ".join(one for one in (w.name("work", what), where) if one)
        fault = self.fault.says(w.language, row=False) if isinstance(self.fault, HeldError) else self.fault
        return {"title": title, "over": self.over, "fault": fault, "steps": self.steps(w)}

    def after(self, version: int, seconds: float) -> int:
        """The number of the last change, as soon as it is later than `version`, or after so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > version or self._ended, seconds)
            return self._version

    def _tell(self) -> None:
        self._version += 1
        self._changed.notify_all()
