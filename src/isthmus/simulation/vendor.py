"""A vendor's database: SQLite, tables with English abbreviations, dates as odd integers, the rest in JSON.

Dates are 20210314, moments 202103140915, and orders count days from 1899-12-30 as spreadsheets do.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.simulation import assay, catalogue, dirt, his
from isthmus.simulation.chunk import Chunk, day_of
from isthmus.simulation.column import Ints, Mask, Text, choose, day_number, days, join, moments, pick
from isthmus.simulation.dirt import Sheet
from isthmus.simulation.export import Export
from isthmus.simulation.sink import runs
from isthmus.simulation.site import VENDOR

FEED, FILE, KEYSPACE = "vendor", "hospital.db", "vendor"
SPREADSHEET_ZERO = day_number(1899, 12, 30)
TABLES = {
    "PAT_INFO": "PAT_ID TEXT, NM TEXT, SEX_CD TEXT, BIRTH_DT INTEGER, ID_NO TEXT, TEL TEXT, EXT TEXT",
    "VISIT": "VISIT_ID TEXT, PAT_ID TEXT, VISIT_TP INTEGER, DEPT TEXT, BEG_TM INTEGER, END_TM INTEGER",
    "DIAG": "DIAG_ID TEXT, VISIT_ID TEXT, PAT_ID TEXT, DX_CD TEXT, DX_NM TEXT, SEQ INTEGER, DX_DT INTEGER",
    "RX": "RX_ID TEXT, VISIT_ID TEXT, PAT_ID TEXT, DRUG_CD TEXT, DRUG_NM TEXT, QTY REAL, DAYS INTEGER, ORD_DAY INTEGER",
    "LAB": "LAB_ID TEXT, VISIT_ID TEXT, PAT_ID TEXT, ITEM_CD TEXT, RES TEXT, UNIT TEXT, RPT_TM INTEGER, EXT TEXT",
    "OPER": "OPER_ID TEXT, VISIT_ID TEXT, PAT_ID TEXT, OP_CD TEXT, OP_NM TEXT, OP_DT INTEGER",
    "HCC_STAGE": "STAGE_ID TEXT, VISIT_ID TEXT, PAT_ID TEXT, STAGE_DT INTEGER, BCLC TEXT, CNLC TEXT, CPSCORE INTEGER, "
    "CPCLASS TEXT, TUMOR_NUM INTEGER, TUMOR_SIZE REAL, VASCULAR TEXT, EHS TEXT, ASCITES TEXT, HE TEXT, ECOG INTEGER",
    "FOLLOWUP": "FU_ID TEXT, PAT_ID TEXT, FU_DT INTEGER, STATUS TEXT, DEATH_DT INTEGER, CAUSE_CD TEXT, "
    "RECUR_DT INTEGER",
}
RATES = {dirt.UNKNOWN: 0.003, dirt.DATE: 0.002}
Value = Text | Ints | list[Any]


def write(chunk: Chunk, export: Export) -> None:
    """Rows of people whose record is kept in the vendor's system."""
    _patients(chunk, export)
    _visits(chunk, export)
    _diagnoses(chunk, export)
    _orders(chunk, export)
    _labs(chunk, export)
    _operations(chunk, export)
    _forms(chunk, export)
    _contacts(chunk, export)


def _date(day: Ints, missing: Mask | None = None) -> list[Any]:
    whole = pa.array(days(day, "%Y%m%d")).cast(pa.int64())
    if missing is not None:
        whole = pc.if_else(pa.array(missing), pa.scalar(None, pa.int64()), whole)
    return list(whole.to_pylist())


def _moment(minute: Ints) -> list[Any]:
    return list(moments(minute, "%Y%m%d", "", "{:02d}{:02d}").cast(pa.int64()).to_pylist())


def _listed(value: Value) -> list[Any]:
    return (
        value
        if isinstance(value, list)
        else list(value.tolist())
        if isinstance(value, np.ndarray)
        else value.to_pylist()
    )


def _insert(export: Export, table: str, site: Ints, columns: Mapping[str, Value]) -> None:
    """Append rows to each hospital's database; `site` is sorted."""
    rows: Sequence[tuple[Any, ...]] = list(zip(*map(_listed, columns.values()), strict=True))
    marks = ", ".join("?" * len(columns))
    for number, begin, end in runs(site):
        path = export.sink.path(number, FEED, FILE)
        with closing(_open(path, new=export.sink.begin(path))) as base, base:
            base.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows[begin:end])


def _open(path: Path, *, new: bool) -> sqlite3.Connection:
    base = sqlite3.connect(path)
    base.execute("PRAGMA journal_mode = OFF")
    base.execute("PRAGMA synchronous = OFF")
    if new:
        for name, columns in TABLES.items():
            key, rest = columns.split(" TEXT, ", 1)
            base.execute(f"CREATE TABLE {name} ({key} TEXT PRIMARY KEY, {rest})")
    return base


def _visited(chunk: Chunk, visit: Ints) -> dict[str, Text]:
    return {"VISIT_ID": chunk.visit_text(visit), "PAT_ID": pick(chunk.registrations.number, chunk.registration[visit])}


def _sheet(chunk: Chunk, export: Export, table: str, *, visit: Ints, key: Text, error: Ints) -> Sheet:
    site = chunk.registrations.site[chunk.registration[visit]]
    return export.sheet(FEED, table, site=site, key=key, columns=_visited(chunk, visit), error=error)


def _patients(chunk: Chunk, export: Export) -> None:
    known = chunk.registrations
    rows = chunk.rows(np.arange(len(known)), VENDOR)
    nothing = np.zeros(len(rows), dtype=np.int64)
    key = pick(known.number, rows)
    sheet = export.sheet(FEED, "PAT_INFO", site=known.site[rows], key=key, columns={}, error=nothing)
    columns = {
        "PAT_ID": sheet.key, "NM": pick(known.name, rows), "SEX_CD": pick(pa.array(["", "M", "F"]), known.sex[rows]),
        "BIRTH_DT": _date(known.birth[rows]), "ID_NO": pick(known.resident, rows), "TEL": pick(known.phone, rows),
        "EXT": join('{"addr": "', pick(known.address, rows), '", "nation": "01"}'),
    }  # fmt: skip
    _insert(export, "PAT_INFO", sheet.site, columns)
    export.truth.add(
        sheet,
        "person",
        keyspace=KEYSPACE,
        person=sheet.key,
        concept=his.GENDERS[known.sex[rows]],
        day=known.birth[rows],
    )


def _visits(chunk: Chunk, export: Export) -> None:
    visits = chunk.care.visits
    rows = chunk.of_visits(np.arange(len(visits)), VENDOR)
    chosen = visits.take(rows)
    sheet = _sheet(
        chunk, export, "VISIT", visit=rows, key=chunk.visit_text(rows), error=np.zeros(len(rows), dtype=np.int64)
    )
    columns: dict[str, Value] = {
        **sheet.columns, "VISIT_TP": chosen.kind + 1, "DEPT": pick(his.DEPARTMENTS, chosen.department),
        "BEG_TM": _moment(chosen.start), "END_TM": _moment(chosen.end),
    }  # fmt: skip
    _insert(export, "VISIT", sheet.site, columns)
    export.truth.add(
        sheet, "visit_occurrence", keyspace=KEYSPACE, person=sheet.columns["PAT_ID"],
        concept=his.VISITS[chosen.kind], day=day_of(chosen.start),
    )  # fmt: skip


def _coded(sheet: Sheet, code: Text) -> Text:
    return choose(sheet.having(dirt.UNKNOWN), "99999", code)


def _spoiled(sheet: Sheet, day: list[Any]) -> list[Any]:
    """Days that no calendar has, where the sheet says so."""
    return [20190230 if wrong else one for one, wrong in zip(day, sheet.having(dirt.DATE), strict=True)]


def _diagnoses(chunk: Chunk, export: Export) -> None:
    codes = catalogue.conditions().codes
    rows = chunk.of_visits(chunk.care.diagnoses.visit, VENDOR)
    chosen = chunk.care.diagnoses.take(rows)
    day = day_of(chunk.care.visits.start[chosen.visit])
    sheet = _sheet(
        chunk, export, "DIAG", visit=chosen.visit, key=chunk.numbers("D", rows), error=export.errors(len(rows), RATES)
    )
    columns: dict[str, Value] = {
        "DIAG_ID": sheet.key, **sheet.columns, "DX_CD": _coded(sheet, pick(codes.vendor, chosen.code)),
        "DX_NM": pick(codes.name, chosen.code), "SEQ": chosen.rank + 1, "DX_DT": _spoiled(sheet, _date(day)),
    }  # fmt: skip
    _insert(export, "DIAG", sheet.site, columns)
    export.truth.add(
        sheet, "condition_occurrence", keyspace=KEYSPACE, person=sheet.columns["PAT_ID"],
        concept=codes.concept[chosen.code], day=day, covered=codes.covered[chosen.code],
    )  # fmt: skip


def _orders(chunk: Chunk, export: Export) -> None:
    codes = catalogue.drugs().codes
    rows = chunk.of_visits(chunk.care.orders.visit, VENDOR)
    chosen = chunk.care.orders.take(rows)
    day = day_of(chosen.minute)
    error = export.errors(len(rows), {dirt.UNKNOWN: 0.003})
    sheet = _sheet(chunk, export, "RX", visit=chosen.visit, key=chunk.numbers("R", rows), error=error)
    columns: dict[str, Value] = {
        "RX_ID": sheet.key, **sheet.columns, "DRUG_CD": _coded(sheet, pick(codes.vendor, chosen.drug)),
        "DRUG_NM": pick(codes.name, chosen.drug), "QTY": chosen.quantity.astype(float).tolist(), "DAYS": chosen.days,
        "ORD_DAY": day - SPREADSHEET_ZERO,
    }  # fmt: skip
    _insert(export, "RX", sheet.site, columns)
    export.truth.add(
        sheet, "drug_exposure", keyspace=KEYSPACE, person=sheet.columns["PAT_ID"], concept=codes.concept[chosen.drug],
        day=day, covered=codes.covered[chosen.drug], value=chosen.quantity.astype(float),
    )  # fmt: skip


def _labs(chunk: Chunk, export: Export) -> None:
    table = catalogue.tests()
    rows = chunk.of_visits(chunk.care.labs.visit, VENDOR)
    labs = chunk.care.labs.take(rows)
    error = assay.wrong(labs, export.errors(len(rows), assay.PLAIN_RATES))
    sheet = _sheet(chunk, export, "LAB", visit=labs.visit, key=chunk.numbers("J", rows), error=error)
    written = assay.write(export, labs, sheet.site, error)
    columns: dict[str, Value] = {
        "LAB_ID": sheet.key, **sheet.columns, "ITEM_CD": _coded(sheet, pick(table.codes.vendor, labs.test)),
        "RES": choose(sheet.having(dirt.BLANK), None, written.result), "UNIT": written.unit,
        "RPT_TM": _moment(labs.minute + 90), "EXT": join('{"range": "', written.limits, '"}'),
    }  # fmt: skip
    _insert(export, "LAB", sheet.site, columns)
    export.truth.add(
        sheet, "measurement", keyspace=KEYSPACE, person=sheet.columns["PAT_ID"], concept=table.codes.concept[labs.test],
        day=day_of(labs.minute + 90), covered=table.codes.covered[labs.test], value=written.number,
        true_value=written.meant, unit=written.unit_concept, answer=written.answer,
    )  # fmt: skip


def _operations(chunk: Chunk, export: Export) -> None:
    codes = catalogue.procedures()
    rows = chunk.of_visits(chunk.care.operations.visit, VENDOR)
    chosen = chunk.care.operations.take(rows)
    day = day_of(chosen.minute)
    sheet = _sheet(
        chunk, export, "OPER", visit=chosen.visit, key=chunk.numbers("S", rows), error=export.errors(len(rows), RATES)
    )
    columns: dict[str, Value] = {
        "OPER_ID": sheet.key, **sheet.columns, "OP_CD": _coded(sheet, pick(codes.vendor, chosen.code)),
        "OP_NM": pick(codes.name, chosen.code), "OP_DT": _spoiled(sheet, _date(day)),
    }  # fmt: skip
    _insert(export, "OPER", sheet.site, columns)
    export.truth.add(
        sheet, "procedure_occurrence", keyspace=KEYSPACE, person=sheet.columns["PAT_ID"],
        concept=codes.concept[chosen.code], day=day, covered=codes.covered[chosen.code],
    )  # fmt: skip


def _forms(chunk: Chunk, export: Export) -> None:
    rows = chunk.of_visits(chunk.care.forms.visit, VENDOR)
    form = chunk.care.forms.take(rows)
    day = day_of(chunk.care.visits.start[form.visit])
    nothing = np.zeros(len(rows), dtype=np.int64)
    sheet = _sheet(chunk, export, "HCC_STAGE", visit=form.visit, key=chunk.numbers("F", rows), error=nothing)
    names = {"NUMBER": "TUMOR_NUM", "SIZE": "TUMOR_SIZE"}
    columns: dict[str, Value] = {
        "STAGE_ID": sheet.key, **sheet.columns, "STAGE_DT": _date(day),
        **{names.get(item, item): his.form_text(form, item) for item in his.FORM_FIELDS},
    }  # fmt: skip
    _insert(export, "HCC_STAGE", sheet.site, columns)
    his.form_truth(chunk, export, sheet, form, keyspace=KEYSPACE, day=day)


def _contacts(chunk: Chunk, export: Export) -> None:
    contacts = chunk.care.contacts
    home = chunk.registrations.first[contacts.person]
    rows = chunk.rows(home, VENDOR)
    chosen, home = contacts.take(rows), home[rows]
    person = pick(chunk.registrations.number, home)
    sheet = export.sheet(
        FEED, "FOLLOWUP", site=chunk.registrations.site[home], key=chunk.numbers("U", rows), columns={},
        error=np.zeros(len(rows), dtype=np.int64),
    )  # fmt: skip
    dead = chosen.death >= 0
    columns: dict[str, Value] = {
        "FU_ID": sheet.key, "PAT_ID": person, "FU_DT": _date(chosen.day), "STATUS": choose(dead, "D", "A"),
        "DEATH_DT": _date(np.maximum(chosen.death, 0), ~dead),
        "CAUSE_CD": choose(dead, pick(catalogue.conditions().codes.vendor, chosen.cause), None),
        "RECUR_DT": _date(np.maximum(chosen.recurrence, 0), chosen.recurrence < 0),
    }  # fmt: skip
    _insert(export, "FOLLOWUP", sheet.site, columns)
    his.contact_truth(export, sheet, chosen, keyspace=KEYSPACE, person=person, death=chosen.death)
