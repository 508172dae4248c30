"""Sets and facts as values, and the tables that facts are read from."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from isthmus.apps.contract.knowledge import Kind

GREATEST = 2**31 - 1  # the greatest id of a concept that a vocabulary has
ALL_TIME = 40_000  # days: more than anybody lives


@dataclass(frozen=True, slots=True)
class Source:
    """The columns of a table of events: id, when, what."""

    table: str
    id: str
    day: str
    time: str
    concept: str
    code: str
    number: str = ""
    unit: str = ""


def _events(table: str, stem: str, *, start: str = "", number: str = "", unit: str = "") -> Source:
    begin = start or stem
    return Source(
        table, f"{table}_id", f"{begin}_date", f"{begin}_datetime", f"{stem}_concept_id", f"{stem}_source_value",
        number, unit,
    )  # fmt: skip


SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        one.table: one
        for one in (
            _events("condition_occurrence", "condition", start="condition_start"),
            _events("procedure_occurrence", "procedure"),
            _events("drug_exposure", "drug", start="drug_exposure_start"),
            _events("device_exposure", "device", start="device_exposure_start"),
            _events("measurement", "measurement", number="value_as_number", unit="unit_concept_id"),
            _events("observation", "observation", number="value_as_number", unit="unit_concept_id"),
            _events("visit_detail", "visit_detail", start="visit_detail_start"),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Concepts:
    """A set of what rows may be about."""

    concepts: tuple[int, ...]
    codes: tuple[str, ...]
    less: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact. `days`: how far before the moment its rows may lie; `stay`: of this stay only.

    `before`: only what lies before the stay. `take`: whether there `any` is, the `latest` number in `unit`, or the
    days from the first to the last, both counted (`span`).
    """

    name: str
    source: Source
    set: str
    days: int
    stay: bool
    before: bool
    take: str
    unit: str
    analyte: str
    absent: str
    words: Mapping[str, str]

    @property
    def kind(self) -> Kind:
        """What an expression meets."""
        return Kind.TRUTH if self.take == "any" else Kind.NUMBER
