"""One-key review of the work list: an item, its candidates with evidence, a key, and the decision is durable."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table
from rich.text import Text

from isthmus.flow.worklist.automatic import asked
from isthmus.flow.worklist.decide import choice, decide
from isthmus.flow.worklist.items import Item
from isthmus.flow.worklist.mappers import Candidate, Mappers
from isthmus.flow.workspace import Workspace
from isthmus.records.models import Decision
from isthmus.serving.cli.keys import Keys

BLOCK = 50  # items whose candidates are looked up together
HELP = "1-9 choose   m several   n none   s skip   / search   r reason   t scope   u undo   q quit"


@dataclass(slots=True)
class Tally:
    """What a review came to."""

    decided: int = 0
    none: int = 0
    skipped: int = 0
    undone: int = 0
    rows: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Review:
    """A session over some items; `site` '' makes decisions for all sites."""

    workspace: Workspace
    bench: Mappers
    items: Sequence[Item]
    keys: Keys
    console: Console
    author: str
    site: str = ""
    reason: str = ""
    tally: Tally = field(default_factory=Tally)
    _at: int = 0
    _shown: list[Candidate] = field(default_factory=list)
    _ready: dict[int, list[Candidate]] = field(default_factory=dict)
    _made: list[tuple[int, Decision]] = field(default_factory=list)
    _local: str = ""

    def run(self) -> Tally:
        """Until the list is at its end, or `q`."""
        started = time.monotonic()
        self._local = self.site
        acts: dict[str, Callable[[], None]] = {
            "m": self._several, "n": self._none, "s": self._skip, "/": self._search, "r": self._why,
            "t": self._scope, "u": self._undo,
        }  # fmt: skip
        self._show()
        while self.items:
            key = self.keys.key()
            over = self._at >= len(self.items)
            if key in ("", "q") or (over and key != "u"):
                break
            if key.isdigit() and 1 <= int(key) <= len(self._shown):
                self._choose([self._shown[int(key) - 1]])
            elif key in acts:
                acts[key]()
            else:
                self._say(HELP)
        self.tally.seconds = round(time.monotonic() - started, 1)
        return self.tally

    def _several(self) -> None:
        told = self.keys.line("Numbers of the candidates that are meant together, 1 3: ")
        numbers = [int(word) for word in told.replace(",", " ").split() if word.isdigit()]
        if numbers and all(1 <= one <= len(self._shown) for one in numbers):
            self._choose([self._shown[one - 1] for one in dict.fromkeys(numbers)])
        else:
            self._say("No such candidates; nothing was decided.")

    def _none(self) -> None:
        self.tally.none += 1
        self._choose([])

    def _skip(self) -> None:
        self.tally.skipped += 1
        self._next()

    def _search(self) -> None:
        text = self.keys.line("Search: ")
        item = self.items[self._at]
        found = self.bench.search(text, asked(item).domains) if text else []
        if found:
            self._shown = found
            self._draw(item)
        else:
            self._say(f"Nothing in the vocabulary is called so for {item.column}.")

    def _why(self) -> None:
        self.reason = self.keys.line("Reason, for the decisions from here on: ")

    def _scope(self) -> None:
        """For one site, or for all: the site is the one asked for, or the only one that has the code."""
        item = self.items[self._at]
        one = self._local or (item.sites[0] if len(item.sites) == 1 else "")
        if self.site or not one:
            self.site = ""
        else:
            self.site = one
        self._say(f"Decisions are for {self.site or 'all sites'}.")

    def _undo(self) -> None:
        if not self._made:
            self._say("Nothing was decided in this session yet.")
            return
        self._at, decision = self._made.pop()
        item = self.items[self._at]
        self.workspace.decisions.revoke(decision.decision_id, author=self.author, reason="undone in review")
        self.tally.undone += 1
        self.tally.decided -= 1
        self.tally.none -= not decision.answer
        self.tally.rows -= item.rows
        self._say(f"Revoked: {item.wording}.")
        self._show()

    def _choose(self, chosen: Sequence[Candidate]) -> None:
        item = self.items[self._at]
        proposed = "; ".join(dict.fromkeys(one.mapper for one in chosen))
        one = choice(item, [one.concept_id for one in chosen], reason=self.reason, model=proposed)
        (decision,) = decide(self.workspace, [one], author=self.author, site=self.site)
        self._made.append((self._at, decision))
        self.bench.remember(decision)
        self.tally.decided += 1
        self.tally.rows += item.rows
        names = " + ".join(f"{one.concept_id} {one.name}" for one in chosen) or "no concept"
        self._say(f"{item.wording} → {names}")
        self._next()

    def _next(self) -> None:
        self._at += 1
        self._show()

    def _show(self) -> None:
        if self._at >= len(self.items):
            self._say("That was the last item. u takes the last decision back, any other key ends.")
            return
        if self._at not in self._ready:
            block = range(self._at, min(self._at + BLOCK, len(self.items)))
            found = self.bench.candidates([asked(self.items[at]) for at in block])
            self._ready |= dict(zip(block, found, strict=True))
        self._shown = self._ready[self._at]
        self._draw(self.items[self._at])

    def _draw(self, item: Item) -> None:
        if self.console.is_terminal:
            self.console.clear()
        scope = self.site or "all sites"
        head = (
            f"\n{self._at + 1} of {len(self.items)} · {self.tally.decided} decided, {self.tally.rows:,} rows · {scope}"
        )
        self._say(head, "dim")
        self._say(f"{item.wording}" + (f"   {item.code}" if item.name else "") + f"   {item.system}", "bold")
        self._say(f"{item.table}.{item.column} · {item.rows:,} rows · {', '.join(item.sites)}")
        if item.variants > 1:
            several = f"{item.variants} different names stand beside this code; this is the most frequent one."
            self._say(f"{several} A decision is for all of them.", "yellow")
        if not self._shown:
            self._say("No candidate. / searches, n says that there is none, s skips.")
        table = Table(show_header=False, box=None, padding=(0, 1))
        for number, one in enumerate(self._shown, start=1):
            cells = (str(number), one.name, str(one.concept_id), f"{one.vocabulary} {one.code}", one.told, one.evidence)
            table.add_row(*(Text(cell) for cell in cells))
        self.console.print(table)
        self._say(HELP, "dim")

    def _say(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style=style), soft_wrap=True)
