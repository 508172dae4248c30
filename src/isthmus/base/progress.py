"""How long work tells where it is, without knowing who looks."""

from typing import Protocol


class Progress(Protocol):
    """Receives steps of long work. `total` and `done` are in the unit that `unit` names."""

    def start(self, task: str, *, total: int | None = None, unit: str = "") -> None: ...

    def advance(self, task: str, done: int = 1) -> None: ...

    def finish(self, task: str) -> None: ...


class Silence:
    """Progress that nobody watches."""

    def start(self, task: str, *, total: int | None = None, unit: str = "") -> None:
        pass

    def advance(self, task: str, done: int = 1) -> None:
        pass

    def finish(self, task: str) -> None:
        pass
