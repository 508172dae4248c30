"""What is remembered: calls, rules that fired and whether they were shown, feedback, switches; and how often which.

shown      the card was given to the caller
silenced   the rule was shown for the patient a short while ago
capped     there were as many cards as a call may have
silent     the rule is in silent mode: it fires and is counted, and nobody sees it
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from isthmus.apps.advice.firing.judge import Fired
from isthmus.apps.advice.pack.base import Base
from isthmus.apps.contract import InputError, Records, Within

MODES = ("on", "silent", "off")
OUTCOMES = ("shown", "silenced", "capped", "silent")
STANDING = ("rule", "mode", "at")
MOST = 100_000
LONGEST_COMMENT = 2000
AT_ONCE = 1000
"""Words about cards that are caught up with in one step."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """What becomes of the rules that fired in a call, each with the id that its card would have."""

    shown: tuple[tuple[UUID, Fired], ...]
    kept_back: tuple[tuple[UUID, Fired, str], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a service: the id that the caller gave, which service and hook, whom it is about, and who asks."""

    instance: str
    service: str
    hook: str
    person: str
    user: str
    day: date


@dataclass(frozen=True, slots=True)
class Rate:
    """How a rule did in a span: times fired, by outcome; of the cards shown, how many were answered, and how.

    `ignored` cards were shown and never answered. `override` is the share of answered cards that were set aside, None
    where none was answered. `days_off` and `days_silent`: days of the span in which the rule was switched so.
    """

    rule: str
    fired: int
    shown: int
    silenced: int
    capped: int
    silent: int
    accepted: int
    overridden: int
    ignored: int
    override: float | None
    reasons: Mapping[str, int]
    days_off: float
    days_silent: float


class History:
    """Reads and writes the records of one site; `site` "" is the whole installation, whose switches hold everywhere."""

    def __init__(self, records: Records, base: Base, site: str = "") -> None:
        self.records, self.base = records, base
        self._mine = sorted({"", site})

    def modes(self) -> dict[str, str]:
        """The mode of each rule that was ever switched: as it was switched last."""
        rows = self.records.find("mode", {"site": self._mine}, order=["at"], most=MOST)
        return {row["rule"]: row["mode"] for row in rows or self._switches()}

    def switch(self, rule: str, mode: str, why: str, by: str, now: datetime) -> None:
        """Switch a rule. Raises InputError for a rule or mode that there is not, or no reason."""
        if rule not in self.base.rules:
            raise InputError(f"there is no rule '{rule[:80]}'. `rules` lists them.")
        if mode not in MODES:
            raise InputError(f"a rule is {', '.join(MODES)}, and nothing else. Write one of these as `mode`.")
        if not why.strip():
            raise InputError("a switch needs a reason, which is kept. Write it as `why`.")
        row = {"number": uuid4().hex, "rule": rule, "mode": mode, "why": why[:LONGEST_COMMENT], "by": by, "at": now}
        self.records.add("switch", [row])
        kept = self.records.find("mode", {"site": self._mine}, most=1)
        # Where modes were not kept yet, those of all switches before are.
        self.records.add("mode", [{key: one[key] for key in STANDING} for one in ([row] if kept else self._switches())])

    def sort(
        self, fired: Sequence[Fired], person: str, modes: Mapping[str, str], now: datetime, *, cap: int
    ) -> Sorted:  # fmt: skip
        """Which of the rules that fired are shown. Those that are critical are never capped."""
        recent = self._recent(fired, person, now)
        shown: list[tuple[UUID, Fired]] = []
        kept: list[tuple[UUID, Fired, str]] = []
        for one in fired:
            key = uuid4()
            if modes.get(one.rule.name) == "silent":
                kept.append((key, one, "silent"))
            elif _silenced(one, recent, now):
                kept.append((key, one, "silenced"))
            elif len(shown) >= cap and one.rule.indicator != "critical":
                kept.append((key, one, "capped"))
            else:
                shown.append((key, one))
        return Sorted(tuple(shown), tuple(kept))

    def _recent(self, fired: Sequence[Fired], person: str, now: datetime) -> list[dict[str, Any]]:
        longest = max((one.rule.silence for one in fired), default=0)
        if not longest:
            return []
        where = {
            "person": person, "rule": [one.rule.name for one in fired], "at": Within(now - timedelta(days=longest)),
            "outcome": "shown",
        }  # fmt: skip
        return self.records.find("firing", where, most=MOST)

    def keep(self, call: Call, judged: int, open_rules: int, found: Sorted, now: datetime) -> None:
        """Remember a call and what fired in it, both or neither, under an id of ours: callers may give each call the
        same."""
        name = uuid4().hex
        firing = [(key, one, "shown") for key, one in found.shown] + list(found.kept_back)
        rows = [
            {
                "card": str(key), "call": name, "rule": one.rule.name, "version": one.rule.version,
                "pack": one.rule.pack, "indicator": one.rule.indicator, "person": call.person, "outcome": outcome,
                "made": made_of(one), "at": now,
            }
            for key, one, outcome in firing
        ]  # fmt: skip
        itself = {
            "call": name, "instance": call.instance, "service": call.service, "hook": call.hook, "person": call.person,
            "user": call.user, "fired": judged, "shown": len(found.shown), "open": open_rules, "day": call.day,
            "at": now,
        }  # fmt: skip
        self.records.add_all({"firing": rows, "call": [itself]})

    def answered(self, rows: Iterable[tuple[str, str, str, str, str, datetime]], now: datetime) -> int:
        """Remember feedback: card, outcome, reason, comment, suggestion, when it was done; how many were of our cards.

        A card that was never shown here is passed over: the specification lets callers send the same more than once.
        """
        told = list(rows)
        known = {
            row["card"]: row
            for row in self.records.find("firing", {"card": [one[0] for one in told]}, most=MOST)
            if row["outcome"] == "shown"
        }  # fmt: skip
        kept = [
            {
                "card": card, "rule": known[card]["rule"], "outcome": outcome, "reason": reason,
                "comment": comment[:LONGEST_COMMENT], "suggestion": suggestion, "done": done, "at": now,
                "counted": True,
            }
            for card, outcome, reason, comment, suggestion, done in told
            if card in known
        ]  # fmt: skip
        if kept:
            self.records.add("feedback", kept)
        for one in sorted(kept, key=lambda row: row["done"]):
            before = known[one["card"]]["answered"]
            if before is None or before <= one["done"]:
                values = {"answer": one["outcome"], "reason": one["reason"], "answered": one["done"]}
                self.records.change("firing", {"site": known[one["card"]]["site"], "card": one["card"]}, values)
        return len(kept)

    def catch_up(self) -> int:
        """Write words about cards to the cards, of those that came before cards kept them; how many there were.

        Called until there are none: rates count what the cards have. What ends in between is done again.
        """
        words = self.records.find("feedback", {"counted": None}, order=["done"], most=AT_ONCE)
        cards = self.records.find("firing", {"card": sorted({row["card"] for row in words})}, most=MOST)
        told = {row["card"]: row for row in cards if row["outcome"] == "shown"}
        for word in words:
            card = told.get(word["card"])
            if card is not None and (card["answered"] is None or card["answered"] <= word["done"]):
                card |= {"answer": word["outcome"], "reason": word["reason"], "answered": word["done"]}
        counted = [row | {"counted": True} for row in words]
        self.records.add_all({"firing": list(told.values()), "feedback": counted})
        return len(words)

    def rates(self, begin: datetime, end: datetime) -> list[Rate]:
        """How every rule did in a span, those with the most cards set aside first.

        All numbers are of what fired in the span: a card that was answered later was answered, and one whose answer
        came in the span and which was shown before it does not count.
        """
        counts: dict[str, Counter[str]] = {}
        reasons: dict[str, Counter[str]] = {}
        for row in self.records.count("firing", {"at": Within(begin, end)}, by=["rule", "outcome", "answer", "reason"]):
            of = counts.setdefault(row["rule"], Counter())
            of[row["outcome"]] += row["rows"]
            if row["outcome"] == "shown":
                of[row["answer"] or "ignored"] += row["rows"]
            if row["answer"] == "overridden":
                reasons.setdefault(row["rule"], Counter())[row["reason"] or ""] += row["rows"]
        switched = self._switched(begin, end)
        rates = [
            _rate(rule, counts.get(rule, Counter()), reasons.get(rule, {}), switched.get(rule, {}))
            for rule in sorted({*counts, *switched})
        ]
        return sorted(rates, key=lambda one: (-(one.override or 0.0), -one.shown, one.rule))

    def switches(self, begin: datetime, end: datetime) -> list[dict[str, Any]]:
        """Every switch of a span, the newest first: when, at which site ("" for all), which rule, how, why, by whom.

        The whole installation meets those of all sites.
        """
        rows = self.records.find("switch", {"at": Within(begin, end)}, order=["-at", "-number"], most=MOST)
        return [{name: row[name] for name in ("at", "site", "rule", "mode", "why", "by")} for row in rows]

    def _switched(self, begin: datetime, end: datetime) -> dict[str, dict[str, float]]:
        """Of each rule that was switched the days of the span in each mode."""
        found: dict[str, dict[str, float]] = {}
        state: dict[str, tuple[str, datetime]] = {}
        for row in self._switches():
            at = min(max(row["at"], begin), end)
            mode, since = state.get(row["rule"], ("on", begin))
            of = found.setdefault(row["rule"], {})
            of[mode] = of.get(mode, 0.0) + (at - since).total_seconds() / 86400
            state[row["rule"]] = (row["mode"], at)
        for rule, (mode, since) in state.items():
            found[rule][mode] = found[rule].get(mode, 0.0) + (end - since).total_seconds() / 86400
        return found

    def _switches(self) -> list[dict[str, Any]]:
        """Every switch that holds here, in order; of very many the newest."""
        rows = self.records.find("switch", {"site": self._mine}, order=["-at", "-number"], most=MOST)
        return rows[::-1]


def _rate(
    rule: str, counts: Mapping[str, int], reasons: Mapping[str, int], switched: Mapping[str, float]
) -> Rate:  # fmt: skip
    accepted, overridden = counts["accepted"], counts["overridden"]
    answered = accepted + overridden
    return Rate(
        rule, sum(counts[one] for one in OUTCOMES), counts["shown"], counts["silenced"], counts["capped"],
        counts["silent"], accepted, overridden, counts["ignored"], overridden / answered if answered else None, reasons,
        switched.get("off", 0.0), switched.get("silent", 0.0),
    )  # fmt: skip


def made_of(one: Fired) -> str:
    """What stands for the rows that made a rule fire."""
    text = ";".join(sorted(f"{row.table}/{row.id}" for row in one.rows))
    return sha256(text.encode()).hexdigest()[:16]


def _silenced(one: Fired, recent: Sequence[Mapping[str, Any]], now: datetime) -> bool:
    """Whether a rule was shown a short while ago in this version; of one that is critical, of the very same rows."""
    begin = now - timedelta(days=one.rule.silence)
    made = made_of(one)
    return any(
        row["rule"] == one.rule.name
        and row["version"] == one.rule.version
        and row["at"] > begin
        and (one.rule.indicator != "critical" or row["made"] == made)
        for row in recent
    )
