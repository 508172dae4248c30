"""How well the mapping did, against what the simulation knows to be true."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import ibis
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.base.identity import digest63
from isthmus.cdm.questions import QUESTIONS
from isthmus.cdm.starter import BY_TEXT
from isthmus.cdm.tables import TABLES
from isthmus.gate.session import Session


@dataclass(frozen=True, slots=True)
class Score:
    """One domain: rows of the truth that the mapping should have given, rows it gave, and those that agree.

    A row agrees when site, person, concept, day, value and unit are those of the truth.
    """

    table: str
    expected: int
    found: int
    agree: int

    @property
    def recall(self) -> float:
        """Share of the expected rows that are there."""
        return self.agree / self.expected if self.expected else 1.0

    @property
    def precision(self) -> float:
        """Share of the rows there that are expected."""
        return self.agree / self.found if self.found else 1.0


def scores(session: Session, truth: Path) -> list[Score]:
    """Recall and precision per table, over the rows that a perfect mapping with the shipped packs can give.

    `truth` is the simulation's folder. Rows whose code no pack covers are left out on both sides (concept 0), and so
    are rows read from texts, which `reading` judges.
    """
    events = pq.read_table(truth / "event.parquet", columns=[
        "site", "keyspace", "table", "person_key", "concept_id", "date", "value", "unit_concept_id",
        "recoverable", "covered",
    ])  # fmt: skip
    kept = events.filter(pa.compute.and_(events["recoverable"], events["covered"]))
    return [_score(session, name, part) for name, part in _by_table(kept) if name in TABLES]


def true_ratio(truth: Path) -> float:
    """The hazard ratio that the simulation was given."""
    return float(orjson.loads((truth / "effect.json").read_bytes())["hazard_ratio"])


def _by_table(events: pa.Table) -> list[tuple[str, pa.Table]]:
    names = sorted(set(events["table"].to_pylist()))
    return [(name, events.filter(pa.compute.equal(events["table"].cast(pa.string()), name))) for name in names]


def _score(session: Session, name: str, expected: pa.Table) -> Score:
    spec = TABLES[name]
    question = QUESTIONS[name]
    first = next((c.name for c in spec.columns if c.name.endswith("_concept_id") and c.required), None)
    concept = {"note": "note_class_concept_id"}.get(name, first)  # of a note, its type says only how it came to be
    dates = spec.dates
    columns = {column.name for column in spec.columns}
    kind = next((one for one in spec.columns if one.name.endswith("_type_concept_id") and one.required), None)
    coded = question if kind is None else question.filter(question[kind.name] != BY_TEXT)
    has_value = "value_as_number" in columns
    chosen = coded.select(
        site=coded.site,
        person_id=coded.person_id,
        concept_id=coded[concept] if concept and name not in ("person", "death") else ibis.literal(0, "int64"),
        date=coded[dates[0]] if dates else ibis.null("date"),
        value=coded.value_as_number if has_value else ibis.null("float64"),
        unit=coded.unit_concept_id if "unit_concept_id" in columns else ibis.null("int64"),
    )
    found = session.ask(chosen)
    ids = _person_ids(expected)
    zero = pa.array([0] * expected.num_rows, pa.int64())
    wanted = pa.table(
        {
            "site": expected["site"].cast(pa.string()),
            "person_id": ids,
            "concept_id": zero if name in ("person", "death") else expected["concept_id"],
            "date": expected["date"] if dates else pa.nulls(expected.num_rows, pa.date32()),
            "value": expected["value"] if has_value else pa.nulls(expected.num_rows, pa.float64()),
            "unit": expected["unit_concept_id"]
            if "unit_concept_id" in columns
            else pa.nulls(expected.num_rows, pa.int64()),
        }
    )
    covered = found.filter(pa.compute.or_(pa.compute.not_equal(found["concept_id"], 0), name in ("person", "death")))
    return Score(name, wanted.num_rows, covered.num_rows, _agreeing(wanted, covered))


def _person_ids(events: pa.Table) -> pa.Array:
    keys: Sequence[tuple[str, str, str]] = list(
        zip(events["site"].to_pylist(), events["keyspace"].to_pylist(), events["person_key"].to_pylist(), strict=True)
    )
    known = {key: digest63(key[0], key[1], "person", key[2]) for key in set(keys)}
    return pa.array([known[key] for key in keys], pa.int64())


def _agreeing(wanted: pa.Table, found: pa.Table) -> int:
    """Rows that both sides have, as often as both have them."""
    names = wanted.column_names
    sides = []
    for label, table in (("wanted", wanted), ("found", found)):
        plain = pa.table(
            {
                name: pa.compute.round(table[name].cast(pa.float64()), ndigits=6)
                if name == "value"
                else table[name].cast(wanted[name].type)
                for name in names
            }
        )
        # Units are compared where both sides have one; 0 and none are the same lack of a unit.
        plain = plain.set_column(names.index("unit"), "unit", pa.compute.fill_null(plain["unit"], 0))
        plain = plain.set_column(names.index("value"), "value", pa.compute.fill_null(plain["value"], -1e300))
        plain = plain.set_column(names.index("date"), "date", pa.compute.fill_null(plain["date"].cast(pa.int32()), -1))
        sides.append(plain.group_by(names).aggregate([([], "count_all")]).rename_columns([*names, label]))
    joined = sides[0].join(sides[1], keys=names, join_type="inner")
    both = pa.compute.min_element_wise(joined["wanted"], joined["found"])
    return int(pa.compute.sum(both).as_py() or 0)
