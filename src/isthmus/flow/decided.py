"""What was decided about codes, as a pack at a site sees it: looked up before its lists and vocabularies."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from isthmus.base.identity import digest63
from isthmus.mapping.coding import subjects
from isthmus.mapping.pack import Pack
from isthmus.records.models import Decision

TERM = "term"
DECIDED = pa.schema(
    [("system", pa.string()), ("code", pa.string()), ("n", pa.int64()), ("concept_id", pa.int64()),
     ("first", pa.int64()), ("decision_id", pa.int64())]
)  # fmt: skip
SUBJECT = pa.schema([("name", pa.string()), ("subject", pa.string())])


@dataclass(frozen=True, slots=True)
class Decided:
    """Decisions on codes that concern one pack at one site. `digest` is "" where there are none.

    A code with several concepts has a row for each, counted by `n` from 0; `several` says whether any code has.
    """

    rows: pa.Table
    digest: str
    several: bool


NOTHING = Decided(DECIDED.empty_table(), "", several=False)


def concerning(standing: Sequence[Decision], site: str, pack: Pack) -> Decided:
    """The standing decisions on codes of the systems that a pack looks up, under every name they have in it.

    A decision of the site goes before one for all sites. What is no list or vocabulary of the pack is taken as records
    name it (a URI); lists of other packs are left out.
    """
    names: dict[str, list[str]] = {}
    for name, subject in subjects(pack).items():
        names.setdefault(subject, []).append(name)
    found: dict[tuple[str, str], Decision] = {}
    for one in sorted(standing, key=lambda one: (one.site != "", one.sequence)):
        if (
            one.kind == TERM
            and one.site in ("", site)
            and (one.subject in names or not one.subject.startswith("list:"))
        ):
            found[(one.subject, one.key)] = one
    rows = [
        {"system": name, "code": key, "n": n, "concept_id": concept, "first": _concepts(one)[0],
         "decision_id": one.decision_id}
        for (subject, key), one in sorted(found.items())
        for name in sorted(names.get(subject, [subject]))
        for n, concept in enumerate(_concepts(one))
    ]  # fmt: skip
    words = [f"{row['system']}\0{row['code']}\0{row['concept_id']}\0{row['decision_id']}" for row in rows]
    digest = f"{digest63(*words):016x}" if words else ""
    return Decided(pa.Table.from_pylist(rows, schema=DECIDED), digest, several=any(row["n"] for row in rows))


def named(pack: Pack) -> pa.Table:
    """What decisions call each system that the pack knows, by its name (schema SUBJECT)."""
    rows = [{"name": name, "subject": subject} for name, subject in sorted(subjects(pack).items())]
    return pa.Table.from_pylist(rows, schema=SUBJECT)


def _concepts(decision: Decision) -> list[int]:
    """The concepts of a code; one that has none is mapped to 0."""
    return [int(concept) for concept in decision.answer] or [0]
