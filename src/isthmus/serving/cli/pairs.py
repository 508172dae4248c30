"""One-key review of pairs of records: both side by side, why they wait, a key, and the decision is durable."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table
from rich.text import Text

from isthmus.base.errors import UsageError
from isthmus.flow.link import Waiting, decide
from isthmus.flow.workspace import Workspace
from isthmus.records.models import Decision
from isthmus.serving.cli.keys import Keys

HELP = "y one person   n two people   s skip   r reason   u undo   q quit"
REASON = "looked at in review"


@dataclass(slots=True)
class Tally:
    """What a review came to. `second`: verdicts that wait for another person."""

    same: int = 0
    apart: int = 0
    second: int = 0
    skipped: int = 0
    undone: int = 0


@dataclass(slots=True)
class Review:
    """A session over some pairs. A pair that is one person now is only parted once a second person says so."""

    workspace: Workspace
    pairs: Sequence[Waiting]
    keys: Keys
    console: Console
    author: str
    reason: str = REASON
    tally: Tally = field(default_factory=Tally)
    _at: int = 0
    _made: list[tuple[int, Decision, str]] = field(default_factory=list)

    def run(self) -> Tally:
        """Until the list is at its end, or `q`."""
        acts: dict[str, Callable[[], None]] = {
            "y": self._same, "n": self._apart, "s": self._skip, "r": self._why, "u": self._undo,
        }  # fmt: skip
        self._show()
        while self.pairs:
            key = self.keys.key()
            over = self._at >= len(self.pairs)
            if key in ("", "q") or (over and key != "u"):
                break
            acts.get(key, lambda: self._say(HELP))()
        return self.tally

    def _same(self) -> None:
        self._decide(True, "same")

    def _apart(self) -> None:
        one = self.pairs[self._at]
        self._decide(False, "second" if one.joined and not one.asked else "apart")

    def _decide(self, same: bool, counted: str) -> None:
        one = self.pairs[self._at]
        try:
            made = decide(
                self.workspace, one.pair, same=same, joined=one.joined, author=self.author,
                reason=self.reason or REASON,
            )  # fmt: skip
        except UsageError as error:
            self._say(str(error), "yellow")
            return
        self._made.append((self._at, made, counted))
        setattr(self.tally, counted, getattr(self.tally, counted) + 1)
        if counted == "second":
            self._say("They are one person until somebody else says the same.", "yellow")
        self._next()

    def _skip(self) -> None:
        self.tally.skipped += 1
        self._next()

    def _why(self) -> None:
        self.reason = self.keys.line("Reason, for the decisions from here on: ") or REASON

    def _undo(self) -> None:
        if not self._made:
            self._say("Nothing was decided in this session yet.")
            return
        self._at, made, counted = self._made.pop()
        self.workspace.decisions.revoke(made.decision_id, author=self.author, reason="undone in review")
        setattr(self.tally, counted, getattr(self.tally, counted) - 1)
        self.tally.undone += 1
        self._show()

    def _next(self) -> None:
        self._at += 1
        self._show()

    def _show(self) -> None:
        if self._at >= len(self.pairs):
            self._say(
                "That was the last pair. u takes the last decision back, any other key ends." if self.pairs else ""
            )
            return
        one = self.pairs[self._at]
        if self.console.is_terminal:
            self.console.clear()
        chance = "" if one.probability is None else f" · probability {one.probability:.3f}"
        now = "one person now" if one.joined else "two people now"
        self._say(f"\n{self._at + 1} of {len(self.pairs)} · {one.why}{chance} · {now}", "dim")
        if one.asked:
            self._say(one.asked, "yellow")
        table = Table(box=None, padding=(0, 2))
        for name in ("", str(one.pair[0]), str(one.pair[1])):
            table.add_column(name)
        for name in dict.fromkeys([*one.left, *one.right]):
            left, right = one.left.get(name, ""), one.right.get(name, "")
            table.add_row(name, Text(str(left)), Text(str(right)), style="" if left == right else "yellow")
        self.console.print(table)
        for step in one.steps:
            self._say(
                f"  {step['comparison']:<14}{step['weight']:+8.1f}  {step['total']:+8.1f}  {step['outcome']}", "dim"
            )
        self._say(HELP, "dim")

    def _say(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style=style), soft_wrap=True)
