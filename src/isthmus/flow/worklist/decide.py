"""Deciding what open codes mean: one by one, from a table that was filled in, or taken over from another workspace."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from isthmus.base.errors import InputError, UsageError
from isthmus.flow.decided import TERM
from isthmus.flow.worklist.items import Item
from isthmus.flow.workspace import Workspace
from isthmus.mapping.candidates.candidate import Concept
from isthmus.mapping.candidates.domain import domains
from isthmus.records.decisions import Draft
from isthmus.records.models import Decision

NONE = "none"  # what a table says of a code that has no concept
BY = " · "  # in a table, stands before the mapper of a candidate
TOLD = 20  # faults of a table that are told


@dataclass(frozen=True, slots=True)
class Choice:
    """What is decided about a code: its concepts, together; none says that it has none."""

    system: str
    code: str
    wording: str
    concepts: tuple[int, ...]
    reason: str = ""
    model: str = ""
    confidence: float | None = None


def choice(item: Item, concepts: Sequence[int], *, reason: str = "", model: str = "") -> Choice:
    """What is decided about an item of the work list."""
    return Choice(item.system, item.code, item.wording, tuple(concepts), reason, model)


def decide(
    workspace: Workspace,
    choices: Sequence[Choice],
    *,
    author: str,
    site: str = "",
    how: str = "person",
    reason: str = "",
) -> list[Decision]:
    """Make the decisions, all or none; `site` '' is for all sites. Durable when this returns.

    `reason` is that of choices which have none of their own.
    """
    if not author.strip():
        raise UsageError("a decision needs an author. Name one with --author.")
    if site:
        workspace.site(site)
    drafts = [
        Draft(
            TERM, one.system, one.code, list(one.concepts), author, site=site, wording=one.wording, how=how,
            model=one.model, confidence=one.confidence, reason=one.reason or reason,
        )
        for one in choices
    ]  # fmt: skip
    return workspace.decisions.add(*drafts) if drafts else []


def demand_concepts(choices: Iterable[Choice], known: Mapping[int, Concept], items: Sequence[Item]) -> None:
    """Raise InputError, naming every choice at fault: of a concept that the vocabulary lacks, that is not standard, or
    is of another domain than the column of its code takes."""
    takes = {(one.system, one.code): domains().get(one.column, ()) for one in items}
    faults = [
        f"{one.system} {one.code}: {fault}"
        for one in choices for concept in one.concepts
        for fault in [_fault(concept, known.get(concept), takes.get((one.system, one.code), ()))] if fault
    ]  # fmt: skip
    if faults:
        more = [f"… and {len(faults) - TOLD} more."] if len(faults) > TOLD else []
        raise InputError("\n".join([*faults[:TOLD], *more]))


def _fault(concept: int, known: Concept | None, wanted: Sequence[str]) -> str:
    if known is None:
        return f"concept {concept} is not in the vocabulary. Choose one that is, or load the vocabulary that has it."
    if not known.standard:
        return (
            f"concept {concept} is not a standard concept. Choose the one it maps to; or, of a list of your own, load "
            "it with `standard: yes`, which makes its codes standard concepts."
        )
    if wanted and known.domain not in wanted:
        return f"concept {concept} {known.name} is of the domain {known.domain}; the column takes {', '.join(wanted)}."
    return ""


def read_choices(rows: Iterable[Mapping[str, str]], items: Sequence[Item]) -> list[Choice]:
    """The rows of a filled-in table, by column; rows without concept ids are open still and left out.

    `items` are the open codes: no others are decided. Raises InputError naming every line that cannot be understood.
    """
    waiting = {(one.system, one.code): one for one in items}
    found: dict[tuple[str, str], Choice] = {}
    faults: list[str] = []
    for line, row in enumerate(rows, start=2):
        told = (row.get("concept_ids") or "").strip()
        if not told:
            continue
        key = (row.get("system") or "").strip(), (row.get("code") or "").strip()
        fault = _row_fault(key, found, waiting, told)
        if fault:
            faults.append(f"line {line} {fault}")
            continue
        concepts = _concepts(told)
        reason = (row.get("reason") or "").strip()
        found[key] = Choice(*key, waiting[key].wording, concepts, reason, _proposed(row, concepts))
    if faults:
        more = [f"… and {len(faults) - TOLD} more."] if len(faults) > TOLD else []
        raise InputError("\n".join([*faults[:TOLD], *more]))
    return list(found.values())


def _row_fault(
    key: tuple[str, str], found: Mapping[tuple[str, str], Choice], waiting: Mapping[tuple[str, str], Item], told: str
) -> str:
    """What is wrong with a row of a filled-in table; an empty text where nothing is."""
    if not all(key):
        return "names no system or no code. Take both from the exported table."
    if key in found:
        return f"decides {' '.join(key)} again. Keep one line."
    if key not in waiting:
        return (
            f"decides {' '.join(key)}, which is no open code here. It is decided already (`isthmus decisions`), or a "
            "spreadsheet program has changed it: export again, and format the column as text."
        )
    if told.lower() != NONE and not all(_is_id(word) for word in _words(told)):
        return f"holds in concept_ids what is no concept id. Write numbers, blanks between them, or '{NONE}'."
    return ""


def _concepts(told: str) -> tuple[int, ...]:
    return () if told.lower() == NONE else tuple(dict.fromkeys(int(word) for word in _words(told)))


def _words(told: str) -> list[str]:
    return told.replace(";", " ").replace(",", " ").replace("+", " ").split()


def _is_id(word: str) -> bool:
    return word.isascii() and word.isdigit() and int(word) > 0


def _proposed(row: Mapping[str, str], concepts: Sequence[int]) -> str:
    """The mappers that proposed what was chosen, as the table's candidates name them."""
    cells = [value or "" for name, value in row.items() if name.startswith("candidate_")]
    by = [cell.rpartition(BY)[2] for cell in cells if BY in cell and cell.partition(" ")[0] in map(str, concepts)]
    return "; ".join(dict.fromkeys(by))


SHARED = ("kind", "site", "subject", "key", "wording", "answer", "how", "model", "confidence", "author", "made_at",
          "reason")  # fmt: skip


def shared(decisions: Sequence[Decision]) -> list[dict[str, Any]]:
    """Decisions as another workspace can read them."""
    return [
        {name: value.isoformat() if isinstance(value := getattr(one, name), datetime) else value for name in SHARED}
        for one in decisions
    ]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of decisions from elsewhere: made here, known already, in conflict with one of ours, or about a site
    that is not here."""

    made: int
    known: int
    conflicting: int
    elsewhere: int


def take_over(workspace: Workspace, rows: Sequence[Mapping[str, Any]]) -> Taken:
    """Make the decisions of another workspace here, with their authors and dates in the reason. Ours stand.

    Raises InputError for rows that are no decisions about terms.
    """
    ledger = workspace.decisions
    ours = {(one.site, one.subject, one.key): one.answer for one in ledger.standing(TERM)}
    sites = {"", *(site.name for site in workspace.sites())}
    drafts, counts = [], {"known": 0, "conflicting": 0, "elsewhere": 0}
    for number, row in enumerate(rows, start=1):
        draft = _draft(row, number)
        identity = (draft.site, draft.subject, draft.key)
        if draft.site not in sites:
            counts["elsewhere"] += 1
        elif identity in ours:
            counts["known" if sorted(ours[identity]) == sorted(draft.answer) else "conflicting"] += 1
        else:
            ours[identity] = draft.answer
            drafts.append(draft)
    if drafts:
        ledger.add(*drafts)
    return Taken(len(drafts), **counts)


def _draft(row: Mapping[str, Any], number: int) -> Draft:
    try:
        answer = [int(concept) for concept in row["answer"]]
        if row["kind"] != TERM or not (row["subject"] and row["key"] and row["author"]):
            raise ValueError
        dated = f"decided {str(row['made_at'])[:10]}"
        return Draft(
            TERM, str(row["subject"]), str(row["key"]), answer, str(row["author"]), site=str(row["site"]),
            wording=str(row["wording"]), how=str(row["how"]), model=str(row["model"]), confidence=row["confidence"],
            reason=f"{row['reason']} ({dated})" if row["reason"] else dated,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"entry {number} is no decision about a code. Give a file that `isthmus decisions WS --export` wrote."
        ) from None
