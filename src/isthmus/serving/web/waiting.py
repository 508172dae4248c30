"""What waits for whom: votes, sites that are held back, findings, codes; and the three steps of a first visit."""

from collections.abc import Iterator, Mapping
from typing import Any

from isthmus.gate.office.cases import File
from isthmus.serving.web import counted
from isthmus.serving.web.house import House
from isthmus.serving.web.shell.page import Asked
from isthmus.serving.web.visitor import Visitor

LINKED = "demonstration"


def votes(house: House, visitor: Visitor) -> list[File]:
    """The cases that wait for votes: for somebody of the committee those they may still vote on, else all."""
    found = [one for one in house.cases() if one.case.phase == "review"]
    if "committee" not in visitor.roles:
        return found
    return [one for one in found if visitor.name not in one.case.votes and visitor.name not in one.case.beneficiaries]


def counts(house: House, visitor: Visitor) -> Mapping[str, int]:
    """How many things wait, by the name of the page where they wait."""
    return {"requests": len(votes(house, visitor)), "sites": len(counted.held_back(house))}


def things(told: Asked) -> Iterator[dict[str, Any]]:
    """What waits, the pressing first: state, words, where to go."""
    w, house = told.w, told.house
    for site, since in counted.held_back(house).items():
        yield {"state": "held", "text": w("wait.held", site=house.workspace.site(site).title),
               "note": w("wait.held.note", since=since), "address": f"/sites/{site}"}  # fmt: skip
    for one in votes(house, told.visitor):
        yield {"state": "waiting", "text": w("wait.vote", case=short(one.id)), "note": one.asked.summary,
               "address": f"/requests/{short(one.id)}"}  # fmt: skip
    listed = counted.findings(house)
    if listed:
        fatal = sum(one.finding.grade == "fatal" and one.state == "open" for one in listed)
        if fatal:
            yield {"state": "new", "text": w("wait.findings", fatal), "note": w("wait.findings.note"),
                   "address": "/quality/findings?grade=fatal"}  # fmt: skip
    codes = counted.open_codes(house)
    if codes:
        rows = told.mask.count(sum(one.rows for one in codes))
        yield {"state": "new", "text": w("wait.codes", len(codes)),
               "note": w("wait.codes.note", rows=f"{rows:,}" if isinstance(rows, int) else rows),
               "address": "/codes"}  # fmt: skip


def steps(told: Asked) -> list[dict[str, str]]:
    """The three steps that lead a newcomer through a demonstration; none elsewhere."""
    if LINKED not in told.house.workspace.settings or not told.house.synthetic:
        return []
    held = next(iter(counted.held_back(told.house)), "")
    case = next(iter(votes(told.house, told.visitor)), None)
    found = (
        ("fault", "fault.note" if held else "fault.soon", f"/sites/{held}" if held else "/runs/now"),
        ("source", "source.note", f"/sites/{held}#quarantine" if held else "/lineage"),
        ("vote", "vote.note", f"/requests/{short(case.id)}" if case else "/requests"),
    )
    return [
        {"text": told.w(f"step.{name}"), "note": told.w(f"step.{note}"), "address": where}
        for name, note, where in found
    ]  # fmt: skip


def short(name: str) -> str:
    """An identifier without the prefix of the house, as addresses have it."""
    return name.rpartition("/")[2]
