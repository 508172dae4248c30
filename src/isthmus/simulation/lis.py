"""A laboratory system of another vendor: GBK CSV, headers in pinyin initials, units mixed even inside hospitals."""

import numpy as np

from isthmus.simulation import assay, catalogue, dirt
from isthmus.simulation.chunk import Chunk, day_of
from isthmus.simulation.column import MINUTES, choose, join, moments, pick, whole
from isthmus.simulation.export import Export, Layout
from isthmus.simulation.site import HIS

FEED, FILE, KEYSPACE = "lis", "LIS_检验结果.csv", "hospital"
LAYOUT = Layout(
    ["JGXH", "JYDH", "BRID", "BRXM", "JZH", "JYXMDM", "JYXMMC", "JYJG", "DW", "CKFW", "CJSJ", "BGSJ", "SHSJ"],
    "gb18030",
    {"BRID": "PATID", "JYJG": "JGZ"}, lacking="CKFW",
)  # fmt: skip


def write(chunk: Chunk, export: Export) -> None:
    """Results of people whose record is kept in the HIS."""
    table = catalogue.tests()
    rows = chunk.of_visits(chunk.care.labs.visit, HIS)
    labs = chunk.care.labs.take(rows)
    at = chunk.registration[labs.visit]
    site = chunk.registrations.site[at]
    error = assay.wrong(labs, export.errors(len(rows), assay.RATES))
    error = np.where((error == dirt.SWAPPED) & (labs.positive >= 0), dirt.CLEAN, error)
    if not export.clean:
        error = dirt.outage(error, site, day_of(labs.minute), export.seed)
    written = assay.write(export, labs, site, error)
    swapped = error == dirt.SWAPPED
    columns = {
        "JGXH": chunk.numbers("J", rows),
        "JYDH": join("L", whole(chunk.visit_number[labs.visit])),
        "BRID": pick(chunk.registrations.number, at),
        "BRXM": pick(chunk.registrations.name, at),
        "JZH": chunk.visit_text(labs.visit),
        "JYXMDM": pick(table.codes.code, labs.test),
        "JYXMMC": pick(table.codes.name, labs.test),
        "JYJG": choose(error == dirt.BLANK, None, choose(swapped, written.unit, written.result)),
        "DW": choose(swapped, written.result, written.unit),
        "CKFW": written.limits,
        "CJSJ": moments(labs.minute),
        "BGSJ": moments(labs.minute + 150),
        "SHSJ": moments(labs.minute + 200),
    }
    sheet = export.sheet(FEED, FILE, site=site, key=columns["JGXH"], columns=columns, error=error)
    sheet = dirt.spoil_code(dirt.spoil_text(dirt.spoil_dates(sheet, "BGSJ"), "JYXMMC"), "JYXMDM")
    older = {"JYJG": join(columns["JYJG"], "0"), "SHSJ": moments(labs.minute + 200 - MINUTES)}
    export.put(sheet, LAYOUT, older)
    export.truth.add(
        sheet, "measurement", keyspace=KEYSPACE, person=columns["BRID"], concept=table.codes.concept[labs.test],
        day=dirt.days_written(sheet, day_of(labs.minute + 150)), covered=table.codes.covered[labs.test],
        value=np.where(swapped, np.nan, written.number), true_value=written.meant,
        unit=np.where(swapped, 0, written.unit_concept), answer=np.where(swapped, 0, written.answer),
    )  # fmt: skip
