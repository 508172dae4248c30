"""A pack as REDCap's data dictionary: a form a group, a field an item that is not derived.

The columns and types are those of REDCap's own import ("Data Dictionary", 18 columns). The names of the fields are
those of the items, so that what the forms hold comes back as `PACK:item` (docs/how-to/make-a-registry.md).
"""

import csv
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path

from isthmus.base.durable import replaced
from isthmus.research.registries.item import Item
from isthmus.research.registries.pack import Pack

COLUMNS = (
    "Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
    "Choices, Calculations, OR Slider Labels", "Field Note", "Text Validation Type OR Show Slider Number",
    "Text Validation Min", "Text Validation Max", "Identifier?", "Branching Logic (Show field only if...)",
    "Required Field?", "Custom Alignment", "Question Number (surveys only)", "Matrix Group Name", "Matrix Ranking?",
    "Field Annotation",
)  # fmt: skip
KINDS = {
    "number": ("text", "number"), "whole": ("text", "integer"), "date": ("text", "date_ymd"), "text": ("text", ""),
    "choice": ("dropdown", ""), "yesno": ("radio", ""), "many": ("checkbox", ""),
}  # fmt: skip
YES_NO = (("yes", "yes / 是"), ("no", "no / 否"))
RECORD = "record_id"


def write(pack: Pack, path: Path) -> None:
    """Write the dictionary. Derived items are not asked, since the registry works them out."""
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    groups = [name for name in pack.groups if any(one.group == name for one in asked(pack))]
    if groups:
        first = ("text", "patient's number in the hospital / 患者编号", "y")
        writer.writerow(dict(zip(("Field Type", "Field Label", "Identifier?"), first, strict=True))
                        | {COLUMNS[0]: RECORD, COLUMNS[1]: groups[0]})  # fmt: skip
    for group in groups:
        for one in asked(pack):
            if one.group == group:
                writer.writerow(_row(pack, one))
    with replaced(path) as stream:
        stream.write(text.getvalue().encode("utf-8-sig"))


def asked(pack: Pack) -> Iterator[Item]:
    """The items that a form asks for."""
    return (one for one in pack.items.values() if not one.derived)


def _row(pack: Pack, one: Item) -> dict[str, str]:
    kind, checked = KINDS[one.type]
    return {
        COLUMNS[0]: one.name, COLUMNS[1]: one.group, "Field Type": kind, "Field Label": _both(one.names),
        COLUMNS[5]: _choices(pack, one), "Field Note": "" if one.unit in {"", "1"} else one.unit, COLUMNS[7]: checked,
        "Identifier?": "y" if any(each.what == "birth" for each in one.sources) else "",
        "Required Field?": "y" if one.need == "core" else "", "Field Annotation": f"{pack.name}:{one.name}",
    }  # fmt: skip


def _choices(pack: Pack, one: Item) -> str:
    codes = [(each.code, _both(each.names)) for each in pack.lists.get(one.list, ())]
    codes = codes or (list(YES_NO) if one.type == "yesno" else [])
    return " | ".join(f"{code}, {name.replace('|', '/')}" for code, name in codes)


def _both(names: Mapping[str, str]) -> str:
    return " / ".join(dict.fromkeys(one for one in (names.get("en", ""), names.get("zh", "")) if one))
