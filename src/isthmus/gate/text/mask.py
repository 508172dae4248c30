"""Identifiers in a column of texts, replaced by the kind of what stood there, as one expression over the whole column.

The recognisers run one after the other over what the former left. A mark is in small letters between brackets, so that
no recogniser takes it for a name. A text is masked as a whole; nothing is looked up for single rows.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import ibis.expr.types as ir

OWN = "person"  # the mark of what is known of the person whose text it is
_FOLDER = files("isthmus.gate.text")
_GROUP = re.compile(r"(?<!\\)\((?!\?)")
_LIST = re.compile(r"\{([a-z]{4,})\}")


@dataclass(frozen=True, slots=True)
class Recogniser:
    """One way to recognise a kind of identifier: an expression of RE2, and what is written in place of its finds."""

    kind: str
    pattern: str
    mark: str
    says: str


@cache
def recognisers() -> Sequence[Recogniser]:
    """All recognisers, in the order in which they run."""
    text = _FOLDER.joinpath("recogniser.csv").read_text(encoding="utf-8")
    return tuple(_recogniser(row) for row in csv.DictReader(text.splitlines()))


def masked(texts: ir.StringValue, own: ir.StringValue | None = None) -> ir.StringValue:
    """Texts without their identifiers; null for null. `own` has for each row an expression of what is known of its
    person (`isthmus.gate.text.own`), null where nothing is."""
    found = texts
    if own is not None:
        found = found.re_replace(own.fill_null(NOTHING), f"[{OWN}]")
    for one in recognisers():
        found = found.re_replace(one.pattern, one.mark)
    return found


NOTHING = r"[^\s\S]"
"""An expression that finds nothing."""


def _recogniser(row: Mapping[str, str]) -> Recogniser:
    parts = {name: _LIST.sub(lambda found: words(found[1]), row[name]) for name in ("before", "what", "after")}
    parts = {name: _GROUP.sub("(?:", part) for name, part in parts.items()}  # the groups are those around the parts
    pattern = f"({parts['before']})(?:{parts['what']})({parts['after']})"
    return Recogniser(row["kind"], pattern, rf"\1[{row['kind']}]\2", row["says"])


@cache
def words(name: str) -> str:
    """A list of words as a part of an expression, the longest first."""
    text = _FOLDER.joinpath("words.csv").read_text(encoding="utf-8")
    found = {row["list"]: row["words"].split() for row in csv.DictReader(text.splitlines())}[name]
    return (
        "(?:"
        + "|".join(re.escape(one).replace("_", r"\s") for one in sorted(found, key=lambda one: (-len(one), one)))
        + ")"
    )
