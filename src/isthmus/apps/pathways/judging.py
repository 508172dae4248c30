"""Judge the pathways of an installation once an edition, and keep what pages and cards need of it.

Patients' data change with an edition only, so that a card is a look into what was judged, not an evaluation.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from isthmus.apps.contract import Context, Rows
from isthmus.apps.contract.research import Desk
from isthmus.apps.pathways.evaluate import Evaluation, evaluate
from isthmus.apps.pathways.pack import Pack
from isthmus.apps.pathways.page import fragment
from isthmus.apps.pathways.report import Justified, Report, Row, day_of, report
from isthmus.apps.pathways.speech import LANGUAGES
from isthmus.apps.pathways.statements import CAUSES, NOT_ASSESSABLE, NOT_FOLLOWED, STATES, VIOLATED

MOST = 1_000_000
BATCH = 5_000
EVIDENCE = 6
"""Rows of evidence that are kept of one open step."""


def current(pack: Pack, at: Context) -> Mapping[str, Any]:
    """The summary of a pathway on the edition that is read: it is judged if nobody has yet by this pack, and again
    where people have given a reason since, or have said who is a case or who has withdrawn."""
    kept = _kept(pack, at)
    if kept is None or kept["said"] != at.session.stands[1] or _given_since(pack.name, kept["at"], at):
        return judge(pack, at)
    return dict(kept["summary"])


def open_steps(pack: Pack, person: int, at: Context) -> list[Row]:
    """The open steps of a patient in the edition that is read; the pathway is judged if nobody has yet by this pack.

    Who opens a patient does not wait until everybody is judged again for what was said since: reasons are looked up by
    whoever tells steps, who has withdrawn has none, and who comes back has none until the next judging.
    """
    kept = _kept(pack, at)
    if kept is None:
        judge(pack, at)
        kept = {"site": at.site}
    elif kept["said"] != at.session.stands[1] and person in at.session.left_out(*pack.cases):
        return []
    where = {"pathway": pack.name, "person": person, "site": kept["site"]}
    return at.records.find("open_step", where, order=("due", "rule"), most=MOST)


def _kept(pack: Pack, at: Context) -> dict[str, Any] | None:
    """What was judged by a pack on this edition under this grant, if it was: for the whole installation, or the site
    that asks.

    Rows of both may be there, and say the same; which of them are read is that of the row `judged` that is found.
    """
    where = {
        "pathway": pack.name, "digest": pack.digest, "edition": at.session.edition, "grant": at.session.stands[0],
        "site": ["", at.site],
    }  # fmt: skip
    kept = at.records.find("judged", where, order=("site",), most=1)
    return kept[0] if kept else None


def _given_since(pathway: str, moment: datetime, at: Context) -> bool:
    last = at.records.find("deviation", {"pathway": pathway}, order=("-at",), most=1)
    return bool(last) and last[0]["at"] >= moment


def judge(pack: Pack, at: Context) -> Mapping[str, Any]:
    """Judge a pathway, and keep summary, pages and open steps."""
    grant, said = at.session.stands
    pathway = pack.name
    found = report(_evaluated(pack, at), at.session.edition, justified(pathway, at))
    at.records.remove("open_step", {"pathway": pathway, "site": at.site})
    for rows in _batched(_open(found)):
        at.records.add("open_step", rows)
    pages = [
        {"pathway": pathway, "language": language, "edition": found.edition, "page": str(fragment(found, language))}
        for language in LANGUAGES
    ]
    at.records.add("shown", pages)
    summary = summed(found)
    made = {"pathway": pathway, "edition": found.edition, "summary": summary, "at": at.now}
    at.records.add("judged", [made | {"grant": grant, "said": said, "digest": pack.digest}])
    return summary


def page(pack: Pack, language: str, at: Context) -> str:
    """The page of a pathway in a language."""
    current(pack, at)
    kept = _kept(pack, at)
    assert kept is not None  # it is current
    shown = at.records.find("shown", {"pathway": pack.name, "language": language, "site": kept["site"]}, most=1)
    return str(shown[0]["page"])


def justified(pathway: str, at: Context) -> Justified:
    """The deviations that somebody gave a reason for."""
    rows = at.records.find("deviation", {"pathway": pathway}, most=MOST)
    return {
        (row["person"], row["rule"], row["begins"]): {
            "reason": row["reason"], "by": row["by"], "at": row["at"].date().isoformat(),
        }
        for row in rows
    }  # fmt: skip


def summed(found: Report) -> Row:
    """A report as values for JSON."""
    pack = found.evaluation.pack
    return {
        "pathway": pack.name, "version": pack.version, "digest": pack.digest, "edition": found.edition,
        "title": dict(pack.titles), "episodes": len(found.patients),
        "rules": [
            {"rule": one.rule.name, "names": dict(one.rule.names), **one.states, "justified": one.justified,
             "causes": dict(one.causes), "source": one.rule.source, "strength": one.rule.strength}
            for one in found.rules
        ],
    }  # fmt: skip


def _evaluated(pack: Pack, at: Context) -> Evaluation:
    without = at.session.left_out(*pack.cases)
    done: list[Evaluation] = []

    def work(desk: Desk) -> pa.Table:
        done.append(evaluate(desk, pack, without=without))
        return done[0].results

    said = f"every rule of the pathway {pack.name}, version {pack.version}, for every patient on it"
    at.session.steps(said, work)
    return done[0]


def _open(found: Report) -> Iterator[Row]:
    """What is violated, and what may still be done: the follow-up has not reached its last day."""
    evaluation = found.evaluation
    names = {one.number: one.name for one in evaluation.pack.rules.values()}
    begun = {row["episode"]: row["day"] for row in evaluation.episodes.to_pylist()}
    proofs = _evidence(evaluation)
    for row in evaluation.results.to_pylist():
        waits = row["state"] == NOT_ASSESSABLE and row["cause"] == NOT_FOLLOWED and row["due"] is not None
        if row["state"] == VIOLATED or waits:
            yield {
                "pathway": evaluation.pack.name, "rule": names[row["rule"]], "person": row["person_id"],
                "begins": day_of(begun[row["episode"]]), "state": STATES[row["state"]], "cause": CAUSES[row["cause"]],
                "opened": _day(row["day"]), "due": _day(row["due"]),
                "evidence": proofs[row["episode"], row["rule"]][:EVIDENCE],
            }  # fmt: skip


def _evidence(evaluation: Evaluation) -> dict[tuple[int, int], list[Row]]:
    steps = {one.number: one.name for one in evaluation.pack.steps.values()}
    found: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in evaluation.evidence.to_pylist():
        proof = {
            "step": steps[row["step"]], "day": day_of(row["day"]).isoformat(), "table": row["table"],
            "id": str(row["row_id"]), "site": row["site"], "role": row["role"],
        }  # fmt: skip
        found[row["episode"], row["rule"]].append(proof)
    return found


def _day(day: int | None) -> date | None:
    return None if day is None else day_of(day)


def _batched(rows: Iterator[Row]) -> Iterator[Rows]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
