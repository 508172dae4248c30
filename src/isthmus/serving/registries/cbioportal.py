"""A registry as a study folder of cBioPortal: clinical data of patients and samples, and timelines.

Formats: docs.cbioportal.org, "File Formats": four header rows above the names of clinical attributes, `OS_STATUS` and
its like as `0:…`/`1:…`, days of timelines counted from the diagnosis. Items that are dates become such days too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from isthmus.base.durable import replaced
from isthmus.research.registries.item import Item
from isthmus.serving.registries.kept import KEYS, Kept

MONTH = 365.25 / 12
PRIORITIES = {"core": "20", "wanted": "10", "optional": "1"}
STATUS = {"os": ("0:LIVING", "1:DECEASED"), "dss": ("0:ALIVE OR DEAD TUMOR FREE", "1:DEAD WITH TUMOR")}
OTHER = ("0:CENSORED", "1:EVENT")
CLINICAL, NUMBERS = "CLINICAL", ("number", "whole")
DAYS = ("days from the diagnosis", "DAYS")


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column of clinical data: its name there, how it is called and described, NUMBER or STRING, and its place."""

    name: str
    title: str
    about: str
    kind: str
    priority: str
    values: pa.ChunkedArray


def write(kept: Kept, folder: Path) -> None:
    """Write the study folder."""
    folder.mkdir(parents=True, exist_ok=True)
    study = f"{kept.pack.name.replace('-', '_')}_isthmus_{kept.about['edition']}"
    kind = f"{kept.pack.name.replace('-', '_')}_registry"  # a type of its own, so that no list of cancers is needed
    title = kept.pack.titles.get("en") or kept.pack.name
    said = f"{title}: registry pack {kept.pack.name} {kept.pack.version}, edition {kept.about['edition']}."
    _meta(folder, "study", {
        "type_of_cancer": kind, "cancer_study_identifier": study, "name": title, "description": said,
        "add_global_case_list": "true",
    })  # fmt: skip
    _meta(folder, "cancer_type", {"genetic_alteration_type": "CANCER_TYPE", "datatype": "CANCER_TYPE",
                                  "data_filename": "data_cancer_type.txt"})  # fmt: skip
    with replaced(folder / "data_cancer_type.txt") as stream:
        stream.write(f"{kind}\t{title}\tTeal\ttissue\n".encode())
    ids = kept.patients.column("person_id").cast(pa.string())
    patients = [_id("PATIENT_ID", "patient", ids), *_attributes(kept), *_endpoints(kept)]
    patients = list({one.name: one for one in patients}.values())  # an end point goes before an item of its name
    samples = [
        _id("PATIENT_ID", "patient", ids),
        _id("SAMPLE_ID", "sample", pc.binary_join_element_wise(ids, "T", "-")),
    ]
    for name, attributes in (("patient", patients), ("sample", samples)):
        with replaced(folder / f"data_clinical_{name}.txt") as stream:
            for row in ([one.title for one in attributes], [one.about for one in attributes],
                        [one.kind for one in attributes], [one.priority for one in attributes]):  # fmt: skip
                stream.write(("#" + "\t".join(map(_clean, row)) + "\n").encode())
            _sheet(stream, pa.table({one.name: one.values for one in attributes}))
        _meta_clinical(folder, study, f"clinical_{name}", f"{name.upper()}_ATTRIBUTES")
    for name, table in _timelines(kept):
        if not table.num_rows:
            continue
        with replaced(folder / f"data_timeline_{name}.txt") as stream:
            _sheet(stream, table)
        _meta_clinical(folder, study, f"timeline_{name}", "TIMELINE")


def _meta(folder: Path, name: str, told: Mapping[str, str]) -> None:
    with replaced(folder / f"meta_{name}.txt") as stream:
        stream.write("".join(f"{key}: {value}\n" for key, value in told.items()).encode())


def _meta_clinical(folder: Path, study: str, name: str, datatype: str) -> None:
    _meta(folder, name, {"cancer_study_identifier": study, "genetic_alteration_type": CLINICAL, "datatype": datatype,
                         "data_filename": f"data_{name}.txt"})  # fmt: skip


def _id(name: str, what: str, ids: pa.ChunkedArray) -> Attribute:
    return Attribute(name, name.replace("_", " ").title(), f"Number of the {what}", "STRING", "1", ids)


def _attributes(kept: Kept) -> Iterator[Attribute]:
    """The items of patients of which any patient has a value, and the hospital; dates as days, births not at all."""
    yield Attribute("CENTER", "Hospital", "Hospital of the patient", "STRING", "20", kept.patients.column("site"))
    for group in kept.groups:
        table = kept.table(group).sort_by("person_id")
        for one in kept.pack.items.values():
            if one.group != group or any(source.what == "birth" for source in one.sources):
                continue
            values = table.column(one.name)
            if values.null_count < len(values):
                yield _attribute(one, values, table.column("index_date"))


def _attribute(one: Item, values: pa.ChunkedArray, index: pa.ChunkedArray) -> Attribute:
    title, name = one.names["en"] or one.name, one.name.upper()
    about = one.about["en"] or title
    if one.type == "date":
        said, ending = DAYS
        return Attribute(f"{name}_{ending}", f"{title} ({said})", f"{about} ({said})", "NUMBER", PRIORITIES[one.need],
                         _days(index, values))  # fmt: skip
    unit = f" ({one.unit})" if one.unit not in {"", "1"} else ""
    kind = "NUMBER" if one.type in NUMBERS else "STRING"
    return Attribute(name, title + unit, about + unit, kind, PRIORITIES[one.need], _text(values))


def _endpoints(kept: Kept) -> Iterator[Attribute]:
    """Status and months of every end point; what ended otherwise is censored."""
    table = kept.table("endpoint").sort_by("person_id")
    for one in kept.pack.endpoints.values():
        title = one.names["en"] or one.name
        censored, event = STATUS.get(one.name, OTHER)
        happened = pc.equal(table.column(f"{one.name}_event"), 1)
        name = one.name.upper()
        yield Attribute(
            f"{name}_STATUS", f"{title} status", title, "STRING", "20", pc.if_else(happened, event, censored)
        )
        months = pc.round(pc.divide(pc.cast(table.column(f"{one.name}_days"), pa.float64()), MONTH), 2)
        yield Attribute(f"{name}_MONTHS", f"{title} (months)", title, "NUMBER", "20", months)


def _timelines(kept: Kept) -> Iterator[tuple[str, pa.Table]]:
    """Treatment lines; each group of events; numbers of any day."""
    if kept.pack.lines:
        table = kept.table("line")
        yield "treatment", _timeline(
            table, table.column("start_date"), table.column("end_date"), "TREATMENT",
            {"TREATMENT_TYPE": _same(table, "Medical Therapy"), "AGENT": table.column("regimen"),
             "LINE": table.column("line").cast(pa.string())},
        )  # fmt: skip
    for name, group in kept.pack.groups.items():
        if group.row == "event":
            table = kept.table(name)
            shown = [one for one in kept.pack.items.values() if one.group == name and one.type != "date"]
            filled = {one.name.upper(): _text(table.column(one.name)) for one in shown
                      if table.column(one.name).null_count < table.num_rows}  # fmt: skip
            yield name, _timeline(table, table.column("start_date"), None, group.names["en"] or name, filled)
    table = kept.table("event", ["person_id", "item", "day", "value_number", "unit"])
    table = table.filter(pc.is_in(table.column("item"), value_set=pa.array(_measured(kept), pa.string())))
    index = dict(zip(*(kept.patients.column(one).to_pylist() for one in (KEYS[0], KEYS[2])), strict=True))
    days = pa.array([index[one] for one in table.column("person_id").to_pylist()], pa.date32())
    yield "lab", _timeline(
        table.append_column("index_date", days), table.column("day"), None, "LAB_TEST",
        {"TEST": table.column("item"), "RESULT": table.column("value_number"), "UNIT": table.column("unit")},
    )  # fmt: skip


def _measured(kept: Kept) -> list[str]:
    return [one.name for one in kept.pack.items.values() if one.type == "number" and one.group == "laboratory"]


def _timeline(
    table: pa.Table, start: pa.ChunkedArray, stop: pa.ChunkedArray | None, kind: str,
    more: Mapping[str, pa.ChunkedArray],
) -> pa.Table:  # fmt: skip
    index = table.column("index_date")
    columns = {
        "PATIENT_ID": table.column("person_id").cast(pa.string()), "START_DATE": _days(index, start),
        "STOP_DATE": _days(index, stop) if stop is not None else _same(table, None), "EVENT_TYPE": _same(table, kind),
    }  # fmt: skip
    whole = pa.table(columns | dict(more))
    return whole.filter(pc.is_valid(whole.column("START_DATE")))


def _same(table: pa.Table, value: str | None) -> pa.Array:
    return pa.array([value] * table.num_rows, pa.string())


def _days(index: pa.ChunkedArray, days: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.days_between(index, days)


def _text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(values, "yes", "no") if pa.types.is_boolean(values.type) else values


def _clean(text: str) -> str:
    return " ".join(text.split())


def _sheet(stream: IO[bytes], table: pa.Table) -> None:
    """Names and rows with tabs between; texts lose tabs, line ends and quotes, which the format cannot say."""
    columns: dict[str, pa.ChunkedArray] = {}
    for name in table.column_names:
        values = table.column(name)
        if pa.types.is_string(values.type):
            values = pc.replace_substring_regex(values, r'[\s"]+', " ")
        columns[name] = values
    options = csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    stream.write(("\t".join(columns) + "\n").encode())
    csv.write_csv(pa.table(columns), stream, options)
