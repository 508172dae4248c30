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
from isthmus.records.decisions import Draft
from isthmus.records.models import Decision

NONE = "none"  # what a table says of a code that has no concept


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


def demand_concepts(choices: Iterable[Choice], known: Mapping[int, Concept]) -> None:
    """Raise InputError when a choice names a concept that the vocabulary lacks, or that is not standard."""
    for one in choices:
        for concept in one.concepts:
            if concept not in known:
                raise InputError(
                    f"{one.system} {one.code}: concept {concept} is not in the vocabulary. Choose one that is, or load "
                    "the vocabulary that has it."
                )
            if not known[concept].standard:
                raise InputError(
                    f"{one.system} {one.code}: concept {concept} is not a standard concept. Choose the one it maps to; "
                    "or, of a list of your own, load it with `standard: yes`, which makes its codes standard concepts."
                )


def read_choices(rows: Iterable[Mapping[str, str]], items: Sequence[Item]) -> list[Choice]:
    """The rows of a filled-in table, by column; rows without concept ids are open still and left out.

    Raises InputError naming the line of what cannot be understood.
    """
    wordings = {(one.system, one.code): one.wording for one in items}
    found: dict[tuple[str, str], Choice] = {}
    for line, row in enumerate(rows, start=2):
        told = (row.get("concept_ids") or "").strip()
        if not told:
            continue
        system, code = (row.get("system") or "").strip(), (row.get("code") or "").strip()
        if not system or not code:
            raise InputError(f"line {line} names no system or no code. Take both from the exported table.")
        if (system, code) in found:
            raise InputError(f"line {line} decides {system} {code} again. Keep one line.")
        wording = wordings.get((system, code)) or (row.get("name") or "").strip() or code
        found[system, code] = Choice(system, code, wording, _concepts(told, line), (row.get("reason") or "").strip())
    return list(found.values())


def _concepts(told: str, line: int) -> tuple[int, ...]:
    if told.lower() == NONE:
        return ()
    words = told.replace(";", " ").replace(",", " ").replace("+", " ").split()
    if not all(word.isascii() and word.isdigit() and int(word) > 0 for word in words):
        raise InputError(
            f"line {line}: concept_ids holds what is no concept id. Write numbers, blanks between them, or '{NONE}'."
        )
    return tuple(dict.fromkeys(int(word) for word in words))


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
