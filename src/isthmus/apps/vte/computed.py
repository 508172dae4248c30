"""The assessment that data give, of all stays at once: the group, the risk of bleeding, and who lacks prophylaxis."""

from collections.abc import Mapping
from typing import Any

from isthmus.apps.contract.research import Desk, find_score, step
from isthmus.apps.vte.evidence.definition import Definition
from isthmus.apps.vte.evidence.steps import grade, tell
from isthmus.apps.vte.matrix import groups

BLEEDING = {"padua": "bleeding_medical", "caprini": "bleeding_surgical"}
# An alert: the group is raised and neither means was given. Where that cannot be told, there is none.
COMPUTED = """
    SELECT m.moment, m.visit, m.person_id, m.site, CASE WHEN {surgical} THEN 'caprini' ELSE 'padua' END AS scale,
        CASE WHEN {surgical} THEN c.value ELSE p.value END AS points,
        CASE WHEN {surgical} THEN c.missing ELSE p.missing END AS missing, {risk} AS risk,
        CASE WHEN {surgical} THEN s.grade ELSE b.grade END AS bleeding,
        coalesce({risk} IN ('moderate', 'high') AND NOT d.drug AND NOT d.mechanical, FALSE) AS alert
    FROM moment m JOIN fact_told f ON f.moment = m.moment
    JOIN graded_padua p ON p.moment = m.moment JOIN graded_caprini c ON c.moment = m.moment
    JOIN graded_bleeding_medical b ON b.moment = m.moment JOIN graded_bleeding_surgical s ON s.moment = m.moment
    JOIN deed d ON d.moment = m.moment
"""


def compute(desk: Desk, made: Definition, settings: Mapping[str, Any]) -> None:
    """Make `computed` of the stays in `moment` with what was done in `deed` (see `stay.py`), at each stay's end."""
    profile = settings["profile"]
    scores = {"padua": "padua", "caprini": profile, **{name: name for name in BLEEDING.values()}}
    needed = {item for name in scores.values() for item in find_score(name).inputs}
    items = [name for name in made.items if name in needed]
    said = {"cancer_hormones_count": bool(settings["cancer_hormones_count"])}
    tell(desk, made, items, said, settings["never"])
    for name, score in scores.items():
        desk.make(f"graded_{name}", grade(score))
    scale = settings["scale"]
    surgical = {"padua": "FALSE", "caprini": "TRUE"}.get(scale, "coalesce(f.operation, FALSE)")
    risk = f"CASE WHEN {surgical} THEN {_group(profile, 'c')} ELSE {_group('padua', 'p')} END"
    desk.make("computed", step(COMPUTED.format(surgical=surgical, risk=risk)))
    desk.drop(*(f"graded_{name}" for name in scores))


def _group(score: str, table: str) -> str:
    branches = "".join(f" WHEN '{one}' THEN '{risk}'" for (name, one), risk in groups().items() if name == score)
    return f"CASE {table}.grade{branches} END"
