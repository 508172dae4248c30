"""The values of an evidence pack: what each rule and item was asked, what holds, and where an example stands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from isthmus.flow.datamap.held import chosen
from isthmus.flow.places import Places
from isthmus.flow.rules.grading import PASS, Dimension, Graded, Requirement, dimensions, graded, requirements
from isthmus.flow.rules.judge import Judged, Outcome, Point, Rule, judged
from isthmus.flow.workspace import Workspace

SHARED = ("map", "findings")  # what speaks of a requirement beside items and rules


@dataclass(frozen=True, slots=True)
class Ruled:
    """A rule with what became of it, and where examples stand: feed, file, line; never a value."""

    set_name: str
    title: dict[str, str]
    rule: Rule
    outcome: Outcome
    places: Sequence[tuple[str, str, int | None, int]]


@dataclass(frozen=True, slots=True)
class Scored:
    """Points of the front page's score: how many records lost them; None where they cannot be judged."""

    point: Point
    lost: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a rating asks, with the items and rules that speak of it, and how many of those that were asked pass."""

    requirement: Requirement
    speaking: Sequence[str]
    asked: int
    passed: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of a site in an edition. `score` is the mean of points that front pages keep, of `judged`, of
    `whole`; None where no front page was delivered."""

    site: str
    title: str
    synthetic: bool
    edition: int
    published: str
    rules: Sequence[Ruled]
    points: Sequence[Scored]
    pages: int
    score: float | None
    judged: float
    whole: int
    items: Sequence[Graded]
    dimensions: Sequence[Dimension]
    asked: Sequence[Asked]


def evidence(workspace: Workspace, site: str, *, edition: int | None = None) -> Evidence:
    """The evidence of a site in an edition, the current one by default.

    :raises InputError: before the first edition, or for a site that is not registered.
    """
    found = chosen(workspace, edition)
    registered = workspace.site(site)
    sets = judged(workspace, site, edition=found.number)
    items = graded(workspace, site, sets, edition=found.number)
    rules = list(_ruled(sets, Places(workspace, found, site)))
    page = next((one for one in sets if one.rules.points), None)
    points = [
        Scored(point, page.lost_at.get(place)) for place, point in enumerate(page.rules.points)
    ] if page else []  # fmt: skip
    return Evidence(
        site, registered.title or site, workspace.synthetic, found.number, str(found.body["published_at"])[:10], rules,
        points, page.records if page else 0, page.score if page else None, page.judged if page else 0.0,
        page.rules.whole if page else 0, items, dimensions(items),
        [_asked(one, items, rules) for one in requirements()],
    )  # fmt: skip


def _ruled(sets: Sequence[Judged], places: Places) -> Iterator[Ruled]:
    for found in sets:
        for rule in found.rules.rules:
            outcome = found.outcomes[rule.rule_id]
            led = [(*places.file(at.part_id), places.at(at.part_id, at.place)[0], at.rows) for at in outcome.places]
            yield Ruled(found.name, dict(found.rules.title), rule, outcome, led)


def _asked(one: Requirement, items: Sequence[Graded], rules: Sequence[Ruled]) -> Asked:
    told = [(item.item_id, item.ratio) for item in items]
    told += [(ruled.rule.rule_id, ruled.outcome.ratio) for ruled in rules if ruled.rule.rule_id not in dict(told)]
    speaking = [
        (name, ratio)
        for name, ratio in told
        if ratio is not None and any(name.startswith(word) for word in one.evidence)
    ]
    shared = [word for word in one.evidence if word in SHARED]
    passed = sum(ratio >= PASS for _, ratio in speaking)
    return Asked(one, [*(name for name, _ in speaking), *shared], len(speaking), passed)
