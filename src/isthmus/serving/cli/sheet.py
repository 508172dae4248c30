"""The work list as a table that a terminologist fills in with a spreadsheet program, and reads back."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from isthmus.base.errors import InputError
from isthmus.flow.worklist.decide import BY
from isthmus.flow.worklist.items import Item
from isthmus.flow.worklist.mappers import Candidate

FILLED = ("system", "code", "name", "variants", "table", "column", "rows", "sites", "concept_ids", "reason")
SHOWN = 5  # candidates in the table


def written(items: Sequence[Item], candidates: Sequence[Sequence[Candidate]]) -> bytes:
    """UTF-8 with a byte order mark, so that spreadsheet programs read Chinese; `concept_ids` and `reason` are empty."""
    text = io.StringIO(newline="")
    sheet = csv.writer(text)
    sheet.writerow([*FILLED, *(f"candidate_{number}" for number in range(1, SHOWN + 1))])
    for item, found in zip(items, candidates, strict=True):
        told = [
            f"{one.concept_id} {one.name} [{one.vocabulary} {one.code}] ({one.told}; {one.evidence}){BY}{one.mapper}"
            for one in found[:SHOWN]
        ]
        sheet.writerow(
            [
                item.system,
                item.code,
                item.name,
                item.variants,
                item.table,
                item.column,
                item.rows,
                " ".join(item.sites),
                "",
                "",
                *told,
            ]
        )
    return text.getvalue().encode("utf-8-sig")


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a filled-in table, however the spreadsheet program wrote it: UTF-8 or GB18030, with `,`, `;` or tabs.

    Raises InputError when the file is none.
    """
    try:
        raw = path.read_bytes()
    except OSError as wrong:
        raise InputError(f"{path} cannot be read: {wrong.strerror}. Name the table that was filled in.") from None
    text = _decoded(raw, path)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    missing = [name for name in ("system", "code", "concept_ids") if name not in (reader.fieldnames or ())]
    if missing:
        raise InputError(
            f"{path.name} has no column {', '.join(missing)} in its first line. Fill in what `--export` wrote."
        )
    return [{name: value or "" for name, value in row.items() if isinstance(name, str)} for row in reader]


def _decoded(raw: bytes, path: Path) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputError(f"{path.name} is neither UTF-8 nor GB18030. Save it as CSV UTF-8.")
