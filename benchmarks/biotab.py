"""Clinical tables of the TCGA biotab form: laboratory values with their limits, and drug names, as they were sent.

Three header lines, tab-separated. A laboratory value has columns of the same stem for its lower and upper limit.
"""

import csv
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from isthmus.mapping.drugs.match import match
from isthmus.mapping.units.detect import RESULTS

STEMS = {
    "AFP": r"alpha_?feto|fetoprot", "PLT": "platelet", "INR": r"prothrom|_inr_|norm_ratio", "ALB": "albumin",
    "TBIL": "bilirubin", "CREA": "creatinine", "CA199": r"ca_?19", "CEA": r"(^|_)cea(_|$)", "HGB": "h(a)?emoglobin",
    "WBC": r"wbc|leukocyte|white_cell", "LDH": r"(^|_)ldh(_|$)|lactate_dehydrogenase", "CA": r"calcium",
    "PSA": r"(^|_)psa(_|$)", "ALT": r"(^|_)alt(_|$)", "AST": r"(^|_)ast(_|$)",
}  # fmt: skip
LIMITS = {"low": re.compile(r"lower|_low(_|$)"), "high": re.compile(r"upper|_high(_|$)")}
UNITS = {"mg_dl": "mg/dL", "g_dl": "g/dL", "umol_l": "umol/L", "ng_ml": "ng/mL"}


def read(path: Path) -> tuple[list[list[str]], list[list[str]]]:
    """The header lines and the rows of a biotab file."""
    with path.open(encoding="utf-8", newline="") as stream:
        lines = list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    return lines[:3], lines[3:]


def results(path: Path) -> pa.Table:
    """The laboratory values of a patient table, as `detect` reads them, with the patient's barcode beside.

    The hospital is the tissue source site in the barcode. A unit is told where a header line names one.
    """
    heads, rows = read(path)
    parts = []
    for key, stem in STEMS.items():
        places = _places(heads[0], stem)
        if "value" not in places:
            continue
        names = " ".join(head[places["value"]].lower() for head in heads[:2])
        told = next((unit for word, unit in UNITS.items() if word in names), None)
        columns = {
            name: pa.array([_number(row[place]) for row in rows], pa.float64()) for name, place in places.items()
        }
        barcode = [row[heads[0].index("bcr_patient_barcode")] for row in rows]
        nothing = pa.nulls(len(rows), pa.float64())
        parts.append(
            pa.table(
                {
                    "barcode": barcode, "site": [text[5:7] for text in barcode], "analyte": [key] * len(rows),
                    "value": columns["value"], "unit": pa.array([told] * len(rows), pa.string()),
                    "low": columns.get("low", nothing), "high": columns.get("high", nothing),
                }
            )
        )  # fmt: skip
    if not parts:
        return RESULTS.empty_table().append_column("barcode", pa.array([], pa.string()))
    table = pa.concat_tables(parts)
    return table.filter(pa.array(~np.isnan(table["value"].to_numpy())))


def _places(head: list[str], stem: str) -> dict[str, int]:
    """The columns of a value and its limits."""
    places: dict[str, int] = {}
    for number, name in enumerate(head):
        if re.search(stem, name.lower()):
            role = next((role for role, word in LIMITS.items() if word.search(name.lower())), "value")
            places.setdefault(role, number)
    return places


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


def from_csv(path: Path) -> pa.Table:
    """Results from a CSV file that has the columns of `detect` already; a barcode is made up where there is none."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    columns = {name: [row.get(name) or None for row in rows] for name in ("site", "analyte", "unit")}
    numbers = {
        name: pa.array([_number(row.get(name) or "") for row in rows], pa.float64())
        for name in ("value", "low", "high")
    }
    barcode = [row.get("barcode") or str(number) for number, row in enumerate(rows)]
    return pa.table(
        {"barcode": barcode, **{name: pa.array(texts, pa.string()) for name, texts in columns.items()}, **numbers}
    )


def albi(table: pa.Table, mended: pa.Table | None) -> tuple[int, int, int, int] | None:
    """How many patients have ALBI grade 1, 2, 3, and any; albumin in g/dL and bilirubin in mg/dL as written or mended.

    Johnson et al., J Clin Oncol 2015: 0.66 · log10(bilirubin in umol/L) - 0.085 · albumin in g/L; cuts -2.60, -1.39.
    None where the table has no such values.
    """
    values: dict[str, dict[str, float]] = {"ALB": {}, "TBIL": {}}
    source = table if mended is None else mended
    number = "value" if mended is None else "mended_value"
    aside = [False] * len(table) if mended is None else mended["set_aside"].to_pylist()
    for barcode, key, value, out in zip(table["barcode"].to_pylist(), table["analyte"].to_pylist(),
                                        source[number].to_pylist(), aside, strict=True):  # fmt: skip
        if key in values and not out:
            values[key][barcode] = value
    both = sorted(set(values["ALB"]) & set(values["TBIL"]))
    if not both:
        return None
    albumin, bilirubin = (np.array([values[key][one] for one in both]) for key in ("ALB", "TBIL"))
    score = 0.66 * np.log10(bilirubin * 17.1) - 0.085 * albumin * 10
    grade = 1 + (score > -2.60) + (score > -1.39)
    return (*(int(np.sum(grade == one)) for one in (1, 2, 3)), len(both))


def drug_names(path: Path) -> Counter[str]:
    """The drug names of a drug table and how often each was written."""
    heads, rows = read(path)
    place = next(number for number, name in enumerate(heads[0]) if name.endswith("drug_name"))
    return Counter(row[place] for row in rows if not row[place].startswith("["))


def drugs(path: Path, show: Console) -> None:
    """Print every distinct name with its match, to be judged by eye, and how many of each kind there are."""
    names = drug_names(path)
    found = match(pa.array(list(names))).to_pylist()
    table = Table(
        "name", "rows", "ingredients", "ATC", "how", "score", "or else", title=path.name, title_justify="left"
    )
    kinds: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    for (name, count), row in sorted(zip(names.items(), found, strict=True), key=lambda one: str(one[1]["how"])):
        kind = row["how"] or f"work list: {row['reason']}"
        kinds[kind] += 1
        rows[kind] += count
        elsewise = "" if row["how"] else " ".join([kind, *(row["candidates"] or [])])
        table.add_row(name, str(count), " + ".join(row["ingredients"] or []), " ".join(row["atc"] or []),
                      row["how"] or "", f"{row['score'] or 0:g}", elsewise)  # fmt: skip
    show.print(table)
    for kind, count in sorted(kinds.items()):
        show.print(
            f"{kind}: {count} of {len(names)} names, {rows[kind]} of {sum(names.values())} rows", highlight=False
        )
