"""The records of one kind that a site delivered, read again from the landing in lots of equal columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from isthmus.base.errors import IsthmusError, Unreadable
from isthmus.flow.rules.plan import named
from isthmus.flow.workspace import Workspace
from isthmus.intake import archive, formats
from isthmus.intake.record import Batch, Format
from isthmus.lake.edition import Edition
from isthmus.mapping.expression import columns_of, parse_scalar
from isthmus.mapping.pack import Pack, Record
from isthmus.quality.rules.catalogue import RuleSet, sets
from isthmus.records.models import Part, Receipt

# A lot has so many rows at most, and so many values: what judges wide records takes room for every column.
ROWS, VALUES = 65_536, 24_000_000


@dataclass(frozen=True, slots=True)
class Lot:
    """Records with equal columns, beside them `_part` and `_place`; and the pack that reads them."""

    pack: Pack
    rows: pa.Table


def lots(workspace: Workspace, edition: Edition, site: str, rules: RuleSet) -> Iterator[Lot]:
    """The records of a rule set among the deliveries of a site that are in an edition."""
    inside = {
        one.batch_id for one in workspace.records.batches() if (one.edition or edition.number + 1) <= edition.number
    }
    receipts = {one.receipt_id: one for one in workspace.records.receipts() if one.site == site}
    parts = [one for one in workspace.records.parts(list(receipts)) if one.batch_id in inside and one.format]
    for feed in workspace.site(site).feeds:
        try:
            pack = workspace.pack(feed.pack)
        except IsthmusError:  # a pack that was taken away hides its feed, and not the others
            continue
        wanted = [one for one in pack.records if _set_of(one) is rules]
        own = [one for one in parts if receipts[one.receipt_id].feed == feed.name]
        if wanted:
            yield from _of_feed(workspace, pack, wanted, own, receipts)


def _set_of(record: Record) -> RuleSet | None:
    """The first rule set all of whose columns a record of a pack knows."""
    texts = [text for text in record.texts() if text]
    names = {name for text in texts for name in columns_of(parse_scalar(text, record.place))} - set(record.let)
    names |= set(record.columns) | {other for others in record.columns.values() for other in others}
    known = sorted(names | set(record.optional))
    return next((one for one in sets().values() if set(one.needs) <= set(named(one, known))), None)


def _of_feed(
    workspace: Workspace, pack: Pack, wanted: list[Record], parts: list[Part], receipts: Mapping[int, Receipt]
) -> Iterator[Lot]:
    waiting: dict[tuple[str, ...], list[pa.Table]] = {}
    for part in parts:
        if not any(one.reads(part.member, one.kind) for one in wanted):
            continue
        receipt = receipts[part.receipt_id]
        # What the pack takes for nothing (a dash) is an answer to a rule: "not applicable", where a field is required.
        options = {name: value for name, value in part.options.items() if name != "nulls"}
        try:
            held = archive.member(workspace.lake.landing.path(receipt.sha256), part.member, receipt.name)
            for item in formats.read(held, Format(part.format, options)):
                if isinstance(item, Batch) and pack.record_of(part.member, item.kind) in wanted and item.rows.num_rows:
                    rows = item.rows.append_column("_part", pa.array(np.full(item.rows.num_rows, part.part_id)))
                    key = tuple(f"{one.name} {one.type}" for one in rows.schema)
                    waiting.setdefault(key, []).append(rows)
                    # However many layouts there are, no more waits than fits into a lot.
                    while _is_full(waiting):
                        most = max(waiting, key=lambda one: _values(waiting[one]))
                        yield Lot(pack, pa.concat_tables(waiting.pop(most)))
        except Unreadable:  # it waits in quarantine, and has no record to judge
            continue
    for tables in waiting.values():
        yield Lot(pack, pa.concat_tables(tables))


def _is_full(waiting: Mapping[tuple[str, ...], list[pa.Table]]) -> bool:
    return (
        sum(map(_values, waiting.values())) >= VALUES
        or sum(one.num_rows for tables in waiting.values() for one in tables) >= ROWS
    )


def _values(tables: list[pa.Table]) -> int:
    return sum(one.num_rows * one.num_columns for one in tables)
