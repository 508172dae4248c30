"""Registries of real patients under a grant: counted beside the requests, in one question that the log has.

What is kept is what may be shown to whoever asked: sums, and curves of groups that are large enough. Rows of patients
are counted where the grant lends them and go nowhere. A ruling on a case, another edition or another pack makes it
anew; it is shown for as long as the grant holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from isthmus.base.errors import RefusedError
from isthmus.gate.desk import Desk
from isthmus.research.registries.build import Registry, build
from isthmus.research.registries.enrolment.said import lasts
from isthmus.research.registries.pack import Pack
from isthmus.serving.page.words import LANGUAGES
from isthmus.serving.registered import SMALL, manifest
from isthmus.serving.registries.enrolling import Enrolling
from isthmus.serving.registries.held import Held
from isthmus.serving.shown import Mask
from isthmus.serving.web import granted
from isthmus.serving.web.outlook import Outlook, outlook
from isthmus.serving.web.shell.page import Asked
from isthmus.serving.web.waiting import short


@dataclass(frozen=True, slots=True)
class Survey:
    """What is shown of a registry under a grant: manifest, small tables, curves by figure and language."""

    about: Mapping[str, Any]
    tables: Mapping[str, Sequence[Mapping[str, Any]]]
    outlooks: Mapping[tuple[str, str], Outlook]
    lacking: Mapping[str, Sequence[str]]


def named(told: Asked) -> str:
    """The grant that address or form names, if it is in force and of whoever asks; the only one they have; else ''."""
    mine = [short(one.id) for one in granted.in_force(told)]
    asked = told.form.get("grant") or told.query.get("grant", "")
    return asked if asked in mine else mine[0] if not asked and len(mine) == 1 else ""


def of(told: Asked, pack: Pack) -> Survey | None:
    """What was counted of a registry under the grant that is named, if it was; nothing is asked here."""
    grant = named(told)
    if not grant or told.house.edition is None:
        return None
    key = _key(told, pack, grant)
    known: Survey | None = told.house.memory.known(key)
    return known or (
        told.house.memory.later(key, lambda: _surveyed(told, pack, grant)) if told.house.memory.begun(key) else None
    )


def begun(told: Asked, pack: Pack) -> bool:
    """Whether it is being counted."""
    grant = named(told)
    return bool(grant) and told.house.memory.begun(_key(told, pack, grant))


def begin(told: Asked, pack: Pack) -> str:
    """Begin to count under the grant that a form names; its name. Raises RefusedError for none of theirs."""
    told.visitor.demanded()
    grant = named(told)
    if not grant:
        raise RefusedError(
            "a registry of real patients is built under a grant in force of yours. Name one, or apply: /requests/new."
        )
    told.house.memory.later(_key(told, pack, grant), lambda: _surveyed(told, pack, grant))
    return grant


def _kind(told: Asked) -> str:
    return told.form.get("kind") or told.query.get("kind", "")


def _key(told: Asked, pack: Pack, grant: str) -> tuple[Any, ...]:
    last = lasts(told.house.workspace).get(pack.name, 0)
    return ("survey", told.visitor.name, grant, _kind(told), told.house.edition, pack.name, pack.digest, last)


def _surveyed(told: Asked, pack: Pack, grant: str) -> Survey:
    opened = told.house.workspace
    session = granted.session(told, grant, kind=_kind(told), edition=told.house.edition)
    until = lasts(opened).get(pack.name, 0)
    said = Enrolling(opened, pack, session).said(until)
    done: list[tuple[Registry, Mapping[str, Sequence[str]], dict[tuple[str, str], Outlook]]] = []

    def work(desk: Desk) -> dict[str, pa.Table]:
        pieces: dict[str, list[pa.Table]] = {}

        def sink(name: str, rows: pa.Table) -> None:
            if name in SMALL or name == "endpoint" or (name in pack.groups and pack.groups[name].row == "patient"):
                pieces.setdefault(name, []).append(rows)

        built = build(desk, pack, sink, codes=(), rulings=said)
        tables = {name: pa.concat_tables(found) for name, found in pieces.items()}
        held = Held(Path(), pack, manifest(session, built, until), synthetic=False, tables=tables)
        done.append((built, desk.lacking, _outlooks(held, told.mask)))
        return {name: tables[name] for name in SMALL if name in tables}

    taken = session.steps(f"registry {pack.name} {pack.version} ({pack.digest})", work, sparse=True)
    built, lacking, outlooks = done[0]
    small = {name: rows.to_pylist() for name, rows in taken.items()}
    return Survey(manifest(session, built, until), small, outlooks, lacking)


def _outlooks(held: Held, mask: Mask) -> dict[tuple[str, str], Outlook]:
    figures = [one for one in held.pack.figures if one.kind == "survival"] if held.about["patients"] else []
    return {(one.name, language): outlook(held, one, language, mask) for one in figures for language in LANGUAGES}
