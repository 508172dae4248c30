"""The fused checks against one plain statement for every check, on CDMs that nobody would keep."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from benchmarks.naive import statement
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from isthmus.cdm.tables import TABLES, Column
from isthmus.flow.statement import query
from isthmus.quality.checks import catalogue
from isthmus.quality.checks.plan import is_asked
from lib.checks import TODAY, Small
from lib.tables import Row

FILLED = (
    "person", "death", "visit_occurrence", "condition_occurrence", "condition_era", "observation_period", "measurement",
    "drug_exposure", "drug_era", "concept", "concept_ancestor", "provider",
)  # fmt: skip
GENDERED = [one for one in catalogue.checks("5.4") if one.type.over == "genders"][:3]
UNITS = [one for one in catalogue.checks("5.4") if one.type.over == "units"][:3]
CONCEPTS = sorted({0, 1, 8507, 8532, 8840, *(one.concepts[0] for one in (*GENDERED, *UNITS))})
EDGES = [date(1949, 12, 31), date(1950, 1, 1), TODAY, TODAY + timedelta(days=1), TODAY + timedelta(days=2)]
DAYS = st.one_of(
    st.dates(date(1930, 1, 1), date(2030, 1, 1)), st.dates(date(2020, 1, 1), date(2020, 2, 1)), st.sampled_from(EDGES)
)
TEXTS = {
    "domain_id": ["Condition", "Drug", "Gender", "Unit"], "concept_class_id": ["Ingredient", "Clinical Finding"],
    "standard_concept": ["S", "C"], "invalid_reason": ["D"],
}  # fmt: skip


def _value(column: Column) -> st.SearchStrategy[str | None]:
    """A value of a column, often none: few different ones, so that keys repeat and links meet."""
    if column.type in ("date", "datetime"):
        suffix = " 12:30:00" if column.type == "datetime" else ""
        return st.one_of(st.none(), DAYS.map(lambda day: f"{day}{suffix}"))
    if column.type == "text":
        return st.one_of(st.none(), st.sampled_from(TEXTS.get(column.name, ["", "a", "b"])))
    if column.name.endswith("concept_id"):
        return st.one_of(st.none(), st.sampled_from([str(one) for one in CONCEPTS]))
    if column.name.startswith(("month", "day_of")):
        return st.one_of(st.none(), st.sampled_from(["1", "2", "12"]))
    if column.name == "year_of_birth":
        return st.sampled_from(["1800", "1940", "1990", "2020"])
    return st.one_of(st.none(), st.sampled_from(["0", "1", "2", "3", "400"]))


def _rows(name: str) -> st.SearchStrategy[list[Row]]:
    row = st.fixed_dictionaries({column.name: _value(column) for column in TABLES[name].columns})
    return st.lists(row, max_size=5)


CDMS = st.fixed_dictionaries({name: _rows(name) for name in FILLED})


@contextmanager
def _small(tables: Mapping[str, list[Row]], *, known: bool) -> Iterator[Small]:
    with tempfile.TemporaryDirectory() as folder:
        small = Small(Path(folder), tables, known=known)
        yield small
        small.engine.close()


# A case that fails names its check and shows its rows: to shrink it would take minutes.
@settings(
    max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate]
)
@given(tables=CDMS, known=st.booleans())
def test_fused_counts_are_those_of_one_statement_for_every_check(tables: Mapping[str, list[Row]], known: bool) -> None:
    with _small(tables, known=known) as small:
        found = small.results()
        for check in catalogue.checks("5.4"):
            if check.table in FILLED and is_asked(check, small.layout) and _is_told(check):
                counts = found[check.check_id].counts
                assert counts is not None
                plain = small.engine.rows(query(statement(check, TODAY))).to_pylist()[0]
                assert (counts.violated, counts.of) == (plain["violated"], plain["of"]), check.check_id


def _is_told(check: catalogue.Check) -> bool:
    """Few of the hundreds of checks of single concepts, of which all but these have no rows."""
    return check.type.level != "CONCEPT" or check in GENDERED or check in UNITS or len(check.concepts) > 1
