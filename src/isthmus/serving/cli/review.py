"""One-key review of the work list: an item, its candidates with evidence, a key, and the decision is durable."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from rich.console import Console
from rich.table import Table
from rich.text import Text

from isthmus.flow.worklist.automatic import asked
from isthmus.flow.worklist.decide import choice, decide
from isthmus.flow.worklist.items import Item
from isthmus.flow.worklist.mappers import SHOWN, Candidate, Mappers, writing
from isthmus.flow.workspace import Workspace
from isthmus.records.models import Decision
from isthmus.serving.cli.keys import Keys

BLOCK = 20  # items whose candidates are looked up together, those of the next block while a person reads
PATIENCE = 0.3  # seconds until it is said what is waited for
HELP = (
    "1-9 choose   + keep one, and more   = choose what is kept   m several   n none   s skip\n"
    "/ search   c candidates again   r reason   t scope   u undo   q quit"
)
NEAR = "≈"  # stands before what is only called nearly so


@dataclass(slots=True)
class Tally:
    """What a review came to."""

    decided: int = 0
    none: int = 0
    skipped: int = 0
    undone: int = 0
    rows: int = 0
    seconds: float = 0.0


class Ahead:
    """The candidates of the items, looked up a block ahead of who reviews."""

    def __init__(self, bench: Mappers, items: Sequence[Item]) -> None:
        self._bench = bench
        self._items = items
        self._worker = ThreadPoolExecutor(1)
        self._blocks: dict[int, Future[list[list[Candidate]]]] = {}

    def of(self, at: int, wait: Callable[[], None]) -> list[Candidate]:
        """The candidates of an item; `wait` is called once if they are not there yet."""
        number = at // BLOCK
        found = self._block(number)
        if (number + 1) * BLOCK < len(self._items):
            self._block(number + 1)
        try:
            return found.result(PATIENCE)[at % BLOCK]
        except TimeoutError:
            wait()
        return found.result()[at % BLOCK]

    def close(self) -> None:
        """Let go of what nobody will read."""
        self._worker.shutdown(cancel_futures=True)

    def _block(self, number: int) -> Future[list[list[Candidate]]]:
        if number not in self._blocks:
            items = self._items[number * BLOCK : (number + 1) * BLOCK]
            self._blocks[number] = self._worker.submit(self._bench.candidates, [asked(item) for item in items])
        return self._blocks[number]


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
    _kept: list[Candidate] = field(default_factory=list)
    _made: list[tuple[int, Decision]] = field(default_factory=list)
    _chosen: dict[str, list[Candidate]] = field(default_factory=dict)  # by wording
    _local: str = ""
    _ahead: Ahead = field(init=False)

    def run(self) -> Tally:
        """Until the list is at its end, or `q`."""
        started = time.monotonic()
        self._local = self.site
        self._ahead = Ahead(self.bench, self.items)
        try:
            self._review()
        finally:
            self._ahead.close()
        self.tally.seconds = round(time.monotonic() - started, 1)
        return self.tally

    def _review(self) -> None:
        acts: dict[str, Callable[[], None]] = {
            "+": self._keep, "=": self._together, "m": self._several, "n": self._none, "s": self._skip,
            "/": self._search, "c": self._again, "r": self._why, "t": self._scope, "u": self._undo,
        }  # fmt: skip
        self._show()
        while self.items:
            key = self.keys.key()
            over = self._at >= len(self.items)
            if key in ("", "q") or (over and key != "u"):
                break
            one = self._numbered(key)
            if one is not None:
                self._choose([*self._kept, one])
            elif key in acts:
                acts[key]()
            else:
                self._say(HELP)

    def _numbered(self, key: str) -> Candidate | None:
        """The candidate that is shown under a number."""
        return self._shown[int(key) - 1] if key.isdecimal() and 1 <= int(key) <= len(self._shown) else None

    def _keep(self) -> None:
        """Keep a candidate for a decision that has several; the next search adds to it."""
        one = self._numbered(self.keys.key())
        if one is None:
            self._say("No such candidate. + and its number keep one.")
            return
        self._kept = [*(kept for kept in self._kept if kept.concept_id != one.concept_id), one]
        self._draw(self.items[self._at])

    def _together(self) -> None:
        if self._kept:
            self._choose(self._kept)
        else:
            self._say("Nothing is kept yet. + and a number keep a candidate.")

    def _several(self) -> None:
        told = self.keys.line("Numbers of the candidates that are meant together, 1 3: ")
        chosen = [self._numbered(word) for word in told.replace(",", " ").split()]
        found = [one for one in chosen if one is not None]
        if found and len(found) == len(chosen):
            self._choose([*self._kept, *found])
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
        elif text:
            self._say(f"Nothing in the vocabulary is called so for {item.column}.")
        else:
            self._again()

    def _again(self) -> None:
        """What was proposed at first, after a search."""
        self._shown = self._proposed()
        self._draw(self.items[self._at])

    def _proposed(self) -> list[Candidate]:
        """What the mappers propose; before it, what the same wording was given in this session."""
        item = self.items[self._at]
        found = self._ahead.of(self._at, lambda: self._say("Looking up candidates …", "dim"))
        told = [one for one in self._chosen.get(writing(item.wording), ()) if asked(item).takes(one.domain)]
        known = {one.concept_id for one in told}
        return [*told, *(one for one in found if one.concept_id not in known)][:SHOWN]

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
        self._chosen.pop(writing(item.wording), None)
        self.workspace.decisions.revoke(decision.decision_id, author=self.author, reason="undone in review")
        self.tally.undone += 1
        self.tally.decided -= 1
        self.tally.none -= not decision.answer
        self.tally.rows -= item.rows
        self._say(f"Revoked: {item.wording}.")
        self._show()

    def _choose(self, chosen: Sequence[Candidate]) -> None:
        item = self.items[self._at]
        chosen = list({one.concept_id: one for one in chosen}.values())
        proposed = "; ".join(dict.fromkeys(one.mapper for one in chosen))
        one = choice(item, [one.concept_id for one in chosen], reason=self.reason, model=proposed)
        (decision,) = decide(self.workspace, [one], author=self.author, site=self.site)
        self._made.append((self._at, decision))
        told = f"decided just now for {item.system} {item.code}"
        self._chosen[writing(item.wording)] = [replace(two, evidence=told) for two in chosen]
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
        self._kept = []
        if self._at >= len(self.items):
            self._say("That was the last item. u takes the last decision back, any other key ends.")
            return
        self._again()

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
            name = f"{NEAR} {one.name}" if one.near else one.name
            cells = (str(number), name, str(one.concept_id), f"{one.vocabulary} {one.code}", one.told, one.evidence)
            table.add_row(*(Text(cell) for cell in cells), style="yellow" if one.near else "")
        self.console.print(table)
        if any(one.near for one in self._shown):
            self._say(f"{NEAR} is only called nearly so, and may be something else.", "yellow")
        if self._kept:
            self._say("Kept: " + " + ".join(f"{one.concept_id} {one.name}" for one in self._kept), "bold")
        self._say(HELP, "dim")

    def _say(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style=style), soft_wrap=True)
