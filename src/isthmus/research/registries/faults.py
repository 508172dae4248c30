"""What is wrong in a pack, gathered, so that its author sees every fault of a reading at once."""

from isthmus.base.errors import PackError

SHOWN = 25


class Faults:
    """Faults as they are found: `file:line: item: what is wrong. What to do.`"""

    def __init__(self) -> None:
        self._found: list[str] = []

    def add(self, place: str, what: str, mend: str) -> None:
        """Note one fault."""
        self.note(f"{place}: {what} {mend}")

    def note(self, said: str) -> None:
        """Note a fault that is told already."""
        if said not in self._found:
            self._found.append(said)

    def tell(self) -> None:
        """Raise PackError with what was found, one line a fault, if anything was."""
        if self._found:
            more = len(self._found) - SHOWN
            tail = [f"… and {more} more faults."] if more > 0 else []
            raise PackError("\n".join([*self._found[:SHOWN], *tail]))
