"""Cohorts that ask a registry: its patients of whom a condition over items, scores and stages holds.

However many such cohorts ask one registry, it is built once, and their conditions are columns of the one statement that
also looks for faults.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.gate.desk import Desk
from isthmus.research.cohorts.definition import Cohort, Registered
from isthmus.research.registries.build import build
from isthmus.research.registries.computed import check
from isthmus.research.registries.enrolment.ruling import Ruling
from isthmus.research.registries.faults import Faults
from isthmus.research.registries.names import Names
from isthmus.research.registries.pack import Pack, load
from isthmus.research.registries.rules import Rule


def with_members(
    desk: Desk, cohorts: Sequence[Cohort], roots: Sequence[Path] = (),
    rulings: Callable[[str], Sequence[Ruling]] = lambda registry: (),
) -> list[Cohort]:  # fmt: skip
    """The cohorts, those that ask a registry with their members: from the index to the last contact.

    :param roots: folders with packs of registries, beside those that come along.
    :param rulings: what people said of the cases of a registry, by its name.
    :raises PackError: a condition is wrong, or there is no such registry.
    """
    asked = [one for one in cohorts if isinstance(one, Registered)]
    members: dict[str, pa.Table] = {}
    for registry in dict.fromkeys(one.registry for one in asked):
        mine = [one for one in asked if one.registry == registry]
        members |= _members(desk, load(registry, roots), mine, rulings)
    return [replace(one, members=members[one.name]) if isinstance(one, Registered) else one for one in cohorts]


def _members(
    desk: Desk, pack: Pack, asked: Sequence[Registered], rulings: Callable[[str], Sequence[Ruling]]
) -> dict[str, pa.Table]:  # fmt: skip
    """Person, index and last contact of the patients of each cohort."""
    patients: list[pa.Table] = []
    found: list[pa.Table] = []

    def sink(name: str, rows: pa.Table) -> None:
        if name == "endpoint":
            patients.append(rows.select(["person_id", "index_date", "last_contact"]))
        elif name == "finding":
            found.append(rows.select(["person_id", "rule"]))

    build(desk, _asking(pack, asked), sink, codes=(), rulings=rulings(pack.name))
    stays = pa.concat_tables(patients).rename_columns(["person_id", "start_date", "end_date"])
    held = pa.concat_tables(found) if found else pa.table({"person_id": pa.array([], pa.int64()), "rule": []})
    return {
        one.name: stays.filter(
            pc.is_in(
                stays.column("person_id"), value_set=held.filter(pc.equal(held.column("rule"), one.name))["person_id"]
            )
        )
        for one in asked
    }


def _asking(pack: Pack, asked: Sequence[Registered]) -> Pack:
    """The pack with the conditions of cohorts in place of its own rules of quality."""
    names, faults = Names(pack.items, pack.groups, pack.formulas, pack.lists), Faults()
    checks = []
    for one in asked:
        rule = Rule(one.name, (), one.where, {}, {}, "note", one.place)
        checks.append(check(names, rule, faults, "cohort"))
    faults.tell()
    known = [one for one in checks if one is not None]
    return replace(pack, quality=[], computed=replace(pack.computed, checks=known))
