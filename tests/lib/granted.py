"""A workspace of patients that are not declared invented, with people in every role, and a grant or the way to one."""

import os
import shutil
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from isthmus.flow.ingest import ingest
from isthmus.flow.workspace import Workspace
from isthmus.gate.office import people
from isthmus.gate.office.session import Granted, open_granted
from isthmus.gate.office.unit import Office
from lib import harbour, workspace
from lib.command import Done, run
from lib.copies import copied

SITE = "h01"
UNTIL = "2027-06-30"
SCOPES = ("use", "ask", "release", "log", "people")
ROLES: Mapping[str, Sequence[str]] = {
    "root": ("administrator",), "platform": ("platform",), "ann": ("user",), "bo": ("user",), "cai": ("committee",),
    "dan": ("committee",), "eve": ("committee",), "stew": ("steward",), "chen": ("checker",), "chi": ("checker",),
    "aud": ("auditor",),
}  # fmt: skip
APPLICATION: Mapping[str, Any] = {
    "people": ["ann", "bo"],
    "purpose": {"kinds": ["HMB"], "not_for_profit": True, "non_commercial": True},
    "summary": "How long liver patients stay",
    "sites": [SITE],
    "tables": {
        "person": ["person_id", "gender_concept_id", "year_of_birth"],
        "visit_occurrence": ["visit_occurrence_id", "person_id", "visit_concept_id", "visit_start_date"],
    },
    "until": UNTIL,
}


@dataclass(slots=True)
class House:
    """The workspace's folder, everybody's token, and what was opened so far."""

    root: Path
    tokens: dict[str, str] = field(default_factory=dict)
    case: str = ""
    grant: str = ""

    def run(self, who: str, *words: str | Path) -> Done:
        """A command as somebody: with the token in the environment, and `--as`."""
        with showing(self.tokens.get(who, "")):
            return run(*words, "--as", who)

    def copied(self, root: Path) -> "House":
        """A copy of all of it, for what is done to it."""
        shutil.copytree(self.root, root)
        return replace(self, root=root)

    def use(self, who: str, act: str, *words: str) -> Done:
        """An act in the case."""
        return self.run(who, "use", act, self.root, self.case, *words)

    def ask(self, sql: str, who: str = "ann", *words: str) -> Done:
        """A question under the grant."""
        return self.run(who, "ask", self.root, "--grant", self.grant, "--sql", sql, *words)


@contextmanager
def showing(token: str) -> Iterator[None]:
    """ISTHMUS_TOKEN for the length of a block."""
    before = os.environ.get("ISTHMUS_TOKEN")
    os.environ["ISTHMUS_TOKEN"] = token
    try:
        yield
    finally:
        del os.environ["ISTHMUS_TOKEN"]
        if before is not None:
            os.environ["ISTHMUS_TOKEN"] = before


def loaded(folder: Path, *, patients: int = 40, codes: Sequence[str] = ("HMB",), records: str = "") -> Workspace:
    """A workspace of the harbour hospital that is not declared synthetic; its site has stated conditions. `records` is
    the database of its records, if not its own."""
    harbour.deliver(folder / "in", number=1, patients=patients)
    opened = workspace.empty(folder / "ws", synthetic=False)
    if records:
        settings = opened.root / "isthmus.toml"
        settings.write_text(f'records = "{records}"\n' + settings.read_text(encoding="utf-8"), encoding="utf-8")
        opened = Workspace(opened.root)
    workspace.add(opened, harbour.feeds(folder / "packs", folder / "in"))
    opened.keep_site(replace(opened.site(SITE), conditions={"codes": list(codes)}))
    report = ingest(opened)
    assert not report.failed, report.failed
    return opened


def peopled(folder: Path, *, patients: int = 40, codes: Sequence[str] = ("HMB",), records: str = "") -> House:
    """The same with an account in every role."""
    if records:
        return staffed(loaded(folder, patients=patients, codes=codes, records=records))

    def make(original: Path) -> House:
        return staffed(loaded(original, patients=patients, codes=codes))

    return copied_house(("peopled", patients, tuple(codes)), make, folder)


def copied_house(key: Hashable, make: Callable[[Path], House], folder: Path) -> House:
    """A house of its own, with everybody's token as in every copy."""
    found: House = copied(key, make, folder)
    return replace(found, root=folder / "ws", tokens=dict(found.tokens))


def staffed(opened: Workspace, site: str = SITE) -> House:
    """An account in every role for a workspace; the steward speaks for a site."""
    office, house = Office(opened.root, opened.records, opened.settings), House(opened.root)
    first = None
    with office.open():
        for name, roles in ROLES.items():
            spoken_for = [site] if "steward" in roles else []
            made = people.add(office, name, roles, spoken_for, None, by=first)
            house.tokens[name] = people.token(office, name, SCOPES, 30, by=made)
            first = first or made
    return house


def applied(house: House, folder: Path, **changed: Any) -> House:
    """The same with an open application."""
    path = folder / "application.yaml"
    path.write_text(yaml.safe_dump({**APPLICATION, **changed}, allow_unicode=True))
    done = house.run("ann", "use", "apply", house.root, path, "--json")
    assert done.code == 0, done
    house.case = done.document()["case"]
    return house


def decided(house: House) -> House:
    """The same after the committee has granted it."""
    for who, act, *words in (("platform", "match"), ("cai", "vote", "--yes", "--reason", "of use"),
                             ("dan", "vote", "--yes", "--reason", "of use"), ("eve", "grant")):  # fmt: skip
        done = house.use(who, act, *words, "--json")
        assert done.code == 0, done
    house.grant = done.document()["grant"]
    return house


def session(house: House, who: str = "ann") -> Granted:
    """A session of somebody under the grant."""
    opened = Workspace(house.root)
    office = Office(opened.root, opened.records, opened.settings)
    account = office.accounts.get(who)
    assert account is not None
    return open_granted(office, opened.lake, account, house.grant)


def granted(folder: Path, *, patients: int = 40, **changed: Any) -> House:
    """A workspace with a grant in force."""

    def make(original: Path) -> House:
        return decided(applied(peopled(original, patients=patients), original, **changed))

    return copied_house(("granted", patients, yaml.safe_dump(changed)), make, folder)
