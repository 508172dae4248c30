"""What to do next: which missing item at which hospital holds up most patients, and where it might be."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from isthmus.research.registries.item import Item
from isthmus.research.registries.pack import Pack
from isthmus.research.registries.plan import Plan, domains

LIKE, SHORTEST = 0.5, 2
KEPT = 3  # names that are shown of one item at one hospital
SCHEMA = pa.schema(
    {
        "item": pa.string(), "en": pa.string(), "zh": pa.string(), "need": pa.string(), "site": pa.string(),
        "patients": pa.int64(), "missing": pa.int64(), "share": pa.float64(), "blocked": pa.int64(),
        "blocked_alone": pa.int64(), "last_core": pa.int64(), "found_but": pa.string(), "may_be": pa.string(),
    }
)  # fmt: skip
OPEN = """
    SELECT site, '{table}' AS found_in, {source_value} AS code, count(*) AS n FROM {table}
    WHERE {concept} = 0 AND {source_value} IS NOT NULL GROUP BY 1, 2, 3
"""
PIECES = re.compile(r"[a-z0-9]+|[\u4e00-\u9fff]+")


@dataclass(frozen=True, slots=True)
class OpenCode:
    """A source code without a concept: its site, table and rows, and the name that stands beside it, if one does."""

    site: str
    table: str
    code: str
    name: str
    rows: int

    @property
    def wording(self) -> str:
        """What is compared with the names of items."""
        return self.name or self.code


def open_codes(rows: pa.Table) -> list[OpenCode]:
    """The rows of the statement `open_statement`."""
    return [OpenCode(row["site"], row["found_in"], row["code"], "", row["n"]) for row in rows.to_pylist()]


def open_statement() -> str:
    """The statement of source codes without a concept: `site, found_in, code, n`."""
    arms = [
        OPEN.format(table=one["table"], source_value=one["source_value"], concept=one["concept"])
        for one in domains() if one["source_value"] and one["domain"] not in ("visit", "specimen")
    ]  # fmt: skip
    return "\nUNION ALL\n".join(arms) + "\nORDER BY site, n DESC, found_in, code"


def worklist(
    plan: Plan, counts: Mapping[str, pa.Table], codes: Sequence[OpenCode], patients: Mapping[str, int]
) -> pa.Table:  # fmt: skip
    """Items of patients that are missing at a site, those that hold up most patients first.

    `blocked`: patients in whom a derived item is missing for want of it, `blocked_alone`: for want of nothing else;
    `last_core`: patients who lack no other core item. `found_but`: why rows that were found could not be taken;
    `may_be`: codes of that site without a concept whose names are like the item's.
    """
    names = list(plan.pack.items)
    blocked = {(row["item"], row["site"]): row for row in counts["blocked"].to_pylist()}
    reasons: dict[tuple[int, str], list[str]] = defaultdict(list)
    for row in counts["reason"].to_pylist():
        reasons[row["item"], row["site"]].append(f"{row['reason']}: {row['n']}")
    found = [
        _row(plan.pack.items[names[row["item"] - 1]], row, blocked, reasons, patients)
        for row in counts["last"].to_pylist() if row["missing"]
    ]  # fmt: skip
    like = _likes([plan.pack.items[name] for name in {row["item"] for row in found}], codes, plan.pack)
    for row in found:
        site = row["site"] if plan.pack.hospital == "site" else ""
        row["may_be"] = "; ".join(like.get((row["item"], site), ()))
    found.sort(key=lambda row: (
        -row["blocked_alone"], -row["last_core"], -row["blocked"], -row["missing"], row["item"], row["site"]
    ))  # fmt: skip
    return pa.Table.from_pylist(found, schema=SCHEMA)


def _row(
    item: Item, row: Mapping[str, Any], blocked: Mapping[tuple[int, str], Mapping[str, int]],
    reasons: Mapping[tuple[int, str], Sequence[str]], patients: Mapping[str, int],
) -> dict[str, Any]:  # fmt: skip
    key = row["item"], row["site"]
    whole = patients[row["site"]]
    held = blocked.get(key, {"blocked": 0, "alone": 0})
    return {
        "item": item.name, "en": item.names["en"], "zh": item.names["zh"], "need": item.need, "site": row["site"],
        "patients": whole, "missing": row["missing"], "share": row["missing"] / whole if whole else None,
        "blocked": held["blocked"], "blocked_alone": held["alone"], "last_core": row["last_core"],
        "found_but": "; ".join(reasons.get(key, ())), "may_be": "",
    }  # fmt: skip


def _likes(items: Iterable[Item], codes: Sequence[OpenCode], pack: Pack) -> dict[tuple[str, str], list[str]]:
    """By item and site the names of open codes that are like one of the item's, the most like first."""
    grams = {one.wording: _grams(one.wording) for one in codes}
    holding: dict[str, set[str]] = defaultdict(set)
    for written, own in grams.items():
        for gram in own:
            holding[gram].add(written)
    by_text: dict[str, list[OpenCode]] = defaultdict(list)
    for one in codes:
        by_text[one.wording].append(one)
    found: dict[tuple[str, str], list[tuple[float, int, str]]] = defaultdict(list)
    for item in items:
        for written, score in _like(item, grams, holding).items():
            for one in by_text[written]:
                code = f"{one.code}, " if one.name else ""
                found[item.name, one.site if pack.hospital == "site" else ""].append(
                    (-score, -one.rows, f"{written} ({code}{one.table}, {one.rows} rows)")
                )
    return {key: [said for _, _, said in sorted(rows)[:KEPT]] for key, rows in found.items()}


def _like(item: Item, grams: Mapping[str, set[str]], holding: Mapping[str, set[str]]) -> dict[str, float]:
    scores: dict[str, float] = {}
    for name in (item.names["en"], item.names["zh"], item.name.replace("_", " ")):
        own = _grams(name)
        near = {written for gram in own for written in holding.get(gram, ())}
        for written in near:
            shared = len(own & grams[written])
            # What one of the two says wholly counts as much as what both say.
            score = max(shared / len(own | grams[written]), 0.9 * shared / min(len(own), len(grams[written])))
            if score >= LIKE and shared >= min(SHORTEST, len(own)):
                scores[written] = max(scores.get(written, 0.0), score)
    return scores


def _grams(text: str) -> set[str]:
    """Words of letters and digits whole, Chinese by pairs."""
    found: set[str] = set()
    for piece in PIECES.findall(text.casefold()):
        if piece[0] < "\u4e00":
            found.add(piece)
        else:
            found.update(piece[at : at + 2] for at in range(max(1, len(piece) - 1)))
    return found
