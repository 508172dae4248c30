"""Figures of units, and of drug names, on any file of the same form.

python -m benchmarks.units ranges --table FILE [--truth CSV]   a patient table of the TCGA biotab form
python -m benchmarks.units inject [--seeds 10]                 errors put into simulated laboratories
python -m benchmarks.units exports --folder DIR                the laboratory exports of `isthmus simulate DIR`
python -m benchmarks.units drugs --table FILE                  a drug table of the TCGA biotab form
"""

import argparse
import csv
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from benchmarks.biotab import albi, drugs, from_csv, results
from benchmarks.decidable import LIKELIER, wrong_units
from benchmarks.slips import slips
from isthmus.mapping.units.detect import Findings, detect
from isthmus.mapping.units.families import FAMILIES
from isthmus.mapping.units.repair import apply
from isthmus.simulation import catalogue
from isthmus.simulation.laboratory import laboratory

SHOW = Console(width=None if sys.stdout.isatty() else 200)


def main() -> int:
    """Run one command; 0 unless it was used wrongly."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.units", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("ranges", help="judge the laboratory values of a patient table")
    one.add_argument("--table", type=Path, required=True, help="a biotab table, or a CSV of results: columns site, "
                     "analyte, value, unit, low, high, and barcode for --truth")  # fmt: skip
    one.add_argument("--truth", type=Path, help="CSV with barcode, analyte, family: then precision and recall are told")
    one.set_defaults(run=_ranges)
    one = commands.add_parser("inject", help="errors with truth, put into simulated laboratories")
    one.add_argument("--seeds", type=int, default=10)
    one.add_argument("--rows", type=int, default=40_000)
    one.set_defaults(run=_inject)
    one = commands.add_parser("exports", help="the simulated hospitals' laboratory systems, with their own errors")
    one.add_argument("--folder", type=Path, required=True)
    one.set_defaults(run=_exports)
    one = commands.add_parser("drugs", help="match the drug names of a drug table")
    one.add_argument("--table", type=Path, required=True)
    one.set_defaults(run=lambda chosen: drugs(chosen.table, SHOW))
    one = commands.add_parser("slips", help="match names of drugs with slips put in")
    one.set_defaults(run=lambda chosen: slips(SHOW))
    chosen = parser.parse_args()
    chosen.run(chosen)
    return 0


def _ranges(chosen: argparse.Namespace) -> None:
    table = from_csv(chosen.table) if chosen.table.suffix == ".csv" else results(chosen.table)
    if not len(table):
        SHOW.print("The table holds no laboratory values that are known here.")
        return
    findings = detect(table)
    _list(findings)
    counts = Counter(
        (row["analyte"], row["family"]) for row in findings.proposals.to_pylist() for _ in range(row["rows"])
    )
    _print(
        "rows by analyte and family", ("analyte", "family", "rows"), [(*pair, n) for pair, n in sorted(counts.items())]
    )
    mended = apply(table, findings, findings.proposals["proposal_id"].to_pylist())
    raw, after = albi(table, None), albi(table, mended)
    if raw is not None and after is not None:
        rows = [("as written", *raw), ("mended", *after)]
        _print("ALBI grades", ("numbers", "1", "2", "3", "graded"), rows)
        SHOW.print(f"{raw[3] - after[3]} patients set aside")
    if chosen.truth is not None:
        with chosen.truth.open(encoding="utf-8", newline="") as stream:
            truth = {(row["barcode"], row["analyte"], row["family"]) for row in csv.DictReader(stream)}
        row = findings.rows["row"]
        found = set(zip(table["barcode"].take(row).to_pylist(), table["analyte"].take(row).to_pylist(),
                        findings.rows["family"].to_pylist(), strict=True))  # fmt: skip
        sets = (
            (family, *({one for one in some if one[2] == family} for some in (truth, found))) for family in FAMILIES
        )
        _score("against the given truth", sets)


def _inject(chosen: argparse.Namespace) -> None:
    for told in (True, False):
        tally: Counter[tuple[str, str]] = Counter()
        sure: Counter[tuple[str, str]] = Counter()
        for seed in range(chosen.seeds):
            table = laboratory(chosen.rows, 8, seed, units=told)
            findings = detect(table)
            tally += _against(table["family"], findings)
            sure += _calibrated(table["family"], findings)
        title = f"{chosen.seeds} x {chosen.rows} results of 8 hospitals, units {'told' if told else 'not told'}"
        _scores(title, tally)
        bins = sorted({least for least, _ in sure}, reverse=True)
        counts = [(least, sure[least, "right"], sure[least, "right"] + sure[least, "wrong"]) for least in bins]
        rows = [(least, count, f"{right / count:.3f}") for least, right, count in counts]
        _print("how sure, and how often right", ("confidence from", "rows", "right"), rows)


def _calibrated(family: pa.ChunkedArray, findings: Findings) -> "Counter[tuple[str, str]]":
    """Counts by the confidence that a row reaches, and whether its family is the true one."""
    tally: Counter[tuple[str, str]] = Counter()
    truth = family.to_pylist()
    for row in findings.rows.to_pylist():
        if row["family"] not in ("mixed-units", "implausible"):  # true of rows of any family
            true = truth[row["row"]]
            right = true == row["family"] or (row["family"], true) == ("unit-conflict", "wrong-unit")
            least = next(least for least in ("0.999", "0.99", "0.9", "0") if row["confidence"] >= float(least))
            tally[least, "right" if right else "wrong"] += 1
    return tally


def _against(family: pa.ChunkedArray, findings: Findings) -> "Counter[tuple[str, str]]":
    """Counts by family and verdict. A value in another unit than its range is a conflict beside its own family."""
    tally: Counter[tuple[str, str]] = Counter()
    for name in ("wrong-unit", "wrong-scale", "wrong-analyte", "range-typed", "unit-conflict"):
        true = set(np.flatnonzero(pc.equal(family, name).to_numpy()).tolist())
        also = (
            set(np.flatnonzero(pc.equal(family, "wrong-unit").to_numpy()).tolist())
            if name == "unit-conflict"
            else set()
        )
        found = set(findings.rows.filter(pc.equal(findings.rows["family"], name))["row"].to_pylist())
        tally.update({(name, "hit"): len(true & found), (name, "missed"): len(true - found),
                      (name, "false"): len(found - true - also)})  # fmt: skip
    clean = set(np.flatnonzero(pc.equal(family, "").to_numpy()).tolist())
    found = set(findings.rows["row"].to_pylist())
    tally.update({("any error", "hit"): len(found - clean), ("any error", "false"): len(found & clean),
                  ("any error", "missed"): len(family) - len(clean) - len(found - clean)})  # fmt: skip
    return tally


@dataclass(frozen=True, slots=True)
class Named:
    """The results of simulated laboratories, and rows of them: in a wrong unit, those of them that can be told at all,
    and those that the detector names."""

    results: pa.Table
    wrong: set[int]
    decidable: set[int]
    rows: set[int]

    @property
    def recall(self) -> float:
        """The share that is named of those that can be told."""
        return len(self.decidable & self.rows) / len(self.decidable)


def named(folder: Path) -> Named:
    """What the detector names in the laboratory exports of `isthmus simulate`."""
    table, keys = _lis(folder)
    errors = pq.read_table(folder / "truth" / "errors.parquet").to_pylist()
    kinds = {(row["site"], row["key"]): row["kind"] for row in errors if row["feed"] == "lis"}
    family = (found := detect(table).rows)["family"]
    rows = set(found.filter(pc.is_in(family, pa.array(["wrong-unit", "wrong-scale"])))["row"].to_pylist())
    # An older result of a key in conflict has a digit too many: it is wrong, and may be found or not.
    rows -= {row for row in rows if kinds.get(keys[row]) == "conflicting-key"}
    true = {row for row, key in enumerate(keys) if kinds.get(key) == "wrong-unit"}
    told = {(row["site"], row["source_key"]) for row in wrong_units(folder / "truth")
            if row["feed"] == "lis" and row["chance"] >= LIKELIER}  # fmt: skip
    return Named(table, true, {row for row in true if keys[row] in told}, rows)


def _exports(chosen: argparse.Namespace) -> None:
    found = named(chosen.folder)
    true, rows, decidable = found.wrong, found.rows, found.decidable
    SHOW.print(f"{len(found.results)} results, {len(true)} of them in a wrong unit, {len(decidable)} of these "
               f"decidable; {1000 * len(rows - true) / len(found.results):.3f} others named for 1,000")  # fmt: skip
    _score("all tests", [("wrong-unit", true, rows), ("of these decidable", decidable, rows - (true - decidable))])
    analytes = found.results["analyte"].to_pylist()
    names = sorted({analytes[row] for row in true | rows})
    _score("by test", ((name, {row for row in true if analytes[row] == name},
                        {row for row in rows if analytes[row] == name}) for name in names))  # fmt: skip


def _lis(folder: Path) -> tuple[pa.Table, list[tuple[str, str]]]:
    """The results of all simulated laboratory systems, and for each the site and the key of its record."""
    codes = dict(zip(catalogue.tests().codes.code.to_pylist(), catalogue.tests().key, strict=True)) | {"L1048": "NTBNP"}
    rows: list[Mapping[str, object]] = []
    keys: list[tuple[str, str]] = []
    for path in sorted(folder.glob("exports/*/lis/*.csv")):
        site = path.parts[-3]
        with path.open(encoding="gb18030", errors="replace", newline="") as stream:
            for record in csv.DictReader(stream):
                limits = re.split(r"-+", record.get("CKFW") or "-")
                rows.append({"site": site, "analyte": codes.get(record["JYXMDM"]), "unit": record.get("DW"),
                             "value": _number(record.get("JYJG") or record.get("JGZ")),
                             "low": _number(limits[0]), "high": _number(limits[-1]),
                             "person_id": f"{site} {record.get('BRID') or record.get('PATID')}",
                             "day": record["CJSJ"][:10]})  # fmt: skip
                keys.append((site, record["JGXH"]))
    return pa.Table.from_pylist(rows), keys


def _number(text: str | None) -> float | None:
    try:
        return float((text or "").lstrip("<>"))
    except ValueError:
        return None


def _list(findings: Findings) -> None:
    names = ("family", "site", "analyte", "found", "action", "rows", "confidence", "evidence")
    rows = [[row[name] for name in names] for row in findings.proposals.to_pylist()]
    _print("proposals", names, rows)


def _score(title: str, sets: Iterable[tuple[str, set[object], set[object]]]) -> None:
    tally: Counter[tuple[str, str]] = Counter()
    for name, true, found in sets:
        tally.update({(name, "hit"): len(true & found), (name, "missed"): len(true - found),
                      (name, "false"): len(found - true)})  # fmt: skip
    _scores(title, tally)


def _scores(title: str, tally: Mapping[tuple[str, str], int]) -> None:
    rows = []
    for name in dict.fromkeys(name for name, _ in tally):
        hit, missed, false = (tally[name, verdict] for verdict in ("hit", "missed", "false"))
        if hit + missed + false:
            recall, precision = (f"{hit / total:.3f}" if total else "" for total in (hit + missed, hit + false))
            rows.append((name, hit + missed, recall, precision, missed, false))
    _print(title, ("family", "true rows", "recall", "precision", "missed", "false"), rows)


def _print(title: str, names: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    table = Table(*names, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    SHOW.print(table)


if __name__ == "__main__":
    sys.exit(main())
