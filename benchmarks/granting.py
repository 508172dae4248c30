"""A grant for a benchmark, given as a committee gives it."""

from collections.abc import Collection, Mapping
from datetime import timedelta

from isthmus.base.clock import now
from isthmus.flow.workspace import Workspace
from isthmus.gate.office import cases, people
from isthmus.gate.office.unit import Office

PERSON = "ann"
QUOTA = "\n[quota]\nrows = 1000000000\nseconds = 1000000\n"
"""A day's calls of a benchmark are those of a large hospital's year."""


def office_of(opened: Workspace) -> Office:
    """The office of a workspace."""
    return Office(opened.root, opened.records, opened.settings)


def granted(
    opened: Workspace, kind: str, sites: Collection[str], tables: Mapping[str, Collection[str]], *, grade: int
) -> str:
    """A grant for a kind of purpose, by which PERSON reads tables of sites; its identifier."""
    office = office_of(opened)
    with office.open():
        root = people.add(office, "root", ["administrator"], [], None, by=None)
        platform, ann, cai, dan = (
            people.add(office, name, [role], [], None, by=root)
            for name, role in (("platform", "platform"), (PERSON, "user"), ("cai", "committee"), ("dan", "committee"))
        )
        body = {
            "purpose": {"kinds": [kind]}, "summary": "What a grant costs", "sites": sorted(sites), "people": [PERSON],
            "tables": {name: sorted(columns) for name, columns in tables.items()}, "grade": grade,
            "until": (now() + timedelta(days=30)).isoformat(),
        }  # fmt: skip
        name = cases.apply(office, ann, body)
        for person, act, said in (
            (platform, "match", {"answers": dict.fromkeys(sites, "yes")}),
            (cai, "vote", {"favour": True, "reason": "of use"}), (dan, "vote", {"favour": True, "reason": "of use"}),
            (cai, "grant", {}),
        ):  # fmt: skip
            case = cases.do(office, cases.file(office, name), person, act, said)
    assert case.grant is not None
    return case.grant.id
