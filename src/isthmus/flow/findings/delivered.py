"""Findings about delivered records: broken rules of the front page, settlement list, laboratory reports and orders."""

from collections.abc import Iterator, Sequence

from isthmus.flow.places import Places
from isthmus.flow.rules.judge import Judged, Outcome, judged
from isthmus.flow.rules.plan import NO_COLUMN
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.quality.findings.finding import Finding, Place
from isthmus.quality.rules.catalogue import Rule

EMPTY, LACKING = "rules.empty", "rules.lacking"
TOLD_ELSEWHERE = ("G.lab.dictionary",)  # codes that wait for a meaning are told by code system


def of_rules(workspace: Workspace, edition: Edition, site: str, places: Places) -> Iterator[Finding]:
    """One for each rule that a record breaks; required fields that no record fills, or no file has, are one each."""
    for found in judged(workspace, site, edition=edition.number):
        broken = [(rule, found.outcomes[rule.rule_id]) for rule in found.rules.rules]
        empty = [(rule, one) for rule, one in broken if _is_required(rule) and one.asked and one.wrong == one.asked]
        lacking = [rule.field for rule, one in broken if _is_required(rule) and tuple(one.why[:1]) == (NO_COLUMN,)]
        led = [Place(*places.file(at.part_id), at.rows) for at in (empty[0][1].places if empty else ())]
        yield from _together(site, found, EMPTY, [rule.field for rule, _ in empty], led)
        yield from _together(site, found, LACKING, lacking, [])
        for rule, one in broken:
            if one.wrong and (rule, one) not in empty and rule.rule_id not in TOLD_ELSEWHERE:
                yield Finding(site, f"{found.name}.{rule.rule_id}", "", one.wrong, one.asked, field=rule.field,
                              places=tuple(_led(one, rule, places)))  # fmt: skip


def _is_required(rule: Rule) -> bool:
    return rule.type == "required"


def _together(site: str, found: Judged, kind: str, fields: Sequence[str], led: Sequence[Place]) -> Iterator[Finding]:
    """One finding about several fields."""
    if fields:
        named = sorted(set(fields))
        rows = found.records if kind == EMPTY else 0
        yield Finding(site, kind, found.name, rows, table=found.name, value=str(len(named)), detail=", ".join(named),
                      places=tuple(led))  # fmt: skip


def _led(one: Outcome, rule: Rule, places: Places) -> Iterator[Place]:
    for at in one.places:
        feed, file = places.file(at.part_id)
        line, sheet = places.at(at.part_id, at.place)
        yield Place(feed, file, at.rows, line, (rule.field,), sheet=sheet)
