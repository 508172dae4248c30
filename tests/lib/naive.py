"""What the analyses of Achilles mean, in plain Python over rows: slow and obvious, to argue with.

Source: the definitions of OHDSI Achilles 1.7.2 (Apache-2.0), read and put into other words.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

Row = Mapping[str, Any]
Key = tuple[Any, ...]
# By table: the hundreds of its analyses, the columns of concept, day and type, and the other columns counted.
EVENTS: Mapping[str, tuple[int, str, str, str, Mapping[int, Sequence[str]]]] = {
    "visit_occurrence": (200, "visit_concept_id", "visit_start_date", "", {225: ["visit_source_concept_id"]}),
    "condition_occurrence": (400, "condition_concept_id", "condition_start_date", "condition_type_concept_id", {
        414: ["condition_status_concept_id"], 415: ["condition_type_concept_id"],
        416: ["condition_status_concept_id", "condition_type_concept_id"], 425: ["condition_source_concept_id"]}),
    "procedure_occurrence": (600, "procedure_concept_id", "procedure_date", "procedure_type_concept_id", {
        625: ["procedure_source_concept_id"], 630: []}),
    "drug_exposure": (700, "drug_concept_id", "drug_exposure_start_date", "drug_type_concept_id", {
        725: ["drug_source_concept_id"]}),
    "observation": (800, "observation_concept_id", "observation_date", "observation_type_concept_id", {
        807: ["observation_concept_id", "unit_concept_id"], 822: ["observation_concept_id", "value_as_concept_id"],
        823: ["observation_concept_id", "qualifier_concept_id"], 825: ["observation_source_concept_id"],
        826: ["value_as_concept_id"], 827: ["unit_concept_id"]}),
    "drug_era": (900, "drug_concept_id", "drug_era_start_date", "", {}),
    "condition_era": (1000, "condition_concept_id", "condition_era_start_date", "", {}),
    "visit_detail": (1300, "visit_detail_concept_id", "visit_detail_start_date", "", {
        1325: ["visit_detail_source_concept_id"]}),
    "measurement": (1800, "measurement_concept_id", "measurement_date", "measurement_type_concept_id", {
        1807: ["measurement_concept_id", "unit_concept_id"], 1822: ["measurement_concept_id", "value_as_concept_id"],
        1823: ["measurement_concept_id", "operator_concept_id"], 1825: ["measurement_source_concept_id"],
        1826: ["value_as_concept_id"], 1827: ["unit_concept_id"]}),
    "device_exposure": (2100, "device_concept_id", "device_exposure_start_date", "device_type_concept_id", {
        2125: ["device_source_concept_id"]}),
}  # fmt: skip
VALUES: Mapping[int, tuple[str, Sequence[str], Callable[[Row], float | None]]] = {
    715: ("drug_exposure", ["drug_concept_id"], lambda row: row["days_supply"]),
    716: ("drug_exposure", ["drug_concept_id"], lambda row: row["refills"]),
    717: ("drug_exposure", ["drug_concept_id"], lambda row: row["quantity"]),
    815: ("observation", ["observation_concept_id", "unit_concept_id"], lambda row: row["value_as_number"]),
    907: ("drug_era", ["drug_concept_id"], lambda row: (row["drug_era_end_date"] - row["drug_era_start_date"]).days),
    1007: ("condition_era", ["condition_concept_id"],
           lambda row: (row["condition_era_end_date"] - row["condition_era_start_date"]).days),
    1313: ("visit_detail", ["visit_detail_concept_id"],
           lambda row: (row["visit_detail_end_date"] - row["visit_detail_start_date"]).days),
    1815: ("measurement", ["measurement_concept_id", "unit_concept_id"], lambda row: row["value_as_number"]),
    1816: ("measurement", ["measurement_concept_id", "unit_concept_id"], lambda row: _limit(row, "range_low")),
    1817: ("measurement", ["measurement_concept_id", "unit_concept_id"], lambda row: _limit(row, "range_high")),
}  # fmt: skip
DOMAINS = ("condition_occurrence", "drug_exposure", "device_exposure", "measurement", "death", "procedure_occurrence",
           "observation")  # fmt: skip


class Naive:
    """Every analysis that it knows of some tables, as `counts` and `spreads` by analysis id and strata."""

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        self.rows: dict[str, list[Row]] = defaultdict(list, {name: table.to_pylist() for name, table in tables.items()})
        self.people = {row["person_id"]: row for row in self.rows["person"]}
        self.periods: dict[int, list[tuple[date, date]]] = defaultdict(list)
        for row in self.rows["observation_period"]:
            span = row["observation_period_start_date"], row["observation_period_end_date"]
            self.periods[row["person_id"]].append(span)
        self.counts: dict[int, Counter[Key]] = defaultdict(Counter)
        self.spreads: dict[int, dict[Key, tuple[float | None, ...]]] = {}
        for table in EVENTS:
            self._events(table)
        for analysis, (table, names, value) in VALUES.items():
            self._spread(analysis, ((tuple(row[name] for name in names), value(row)) for row in self._inside(table)))
        self._measurements()
        self._covered("observation_period", 109, 110, 116, 117)
        self._domains()

    def _inside(self, table: str) -> Iterator[Row]:
        """The events of a table, each once for every observation period that it falls into."""
        for row in self.rows[table]:
            day = row[EVENTS[table][2]]
            yield from (row for first, last in self.periods[row["person_id"]] if first <= day <= last)

    def _events(self, table: str) -> None:
        number, concept, day, kind, others = EVENTS[table]
        inside = list(self._inside(table))
        people: dict[int, set[Key]] = defaultdict(set)
        by_person: dict[Key, list[int]] = defaultdict(list)
        for row in inside:
            person, what, when = row["person_id"], row[concept], row[day]
            self.counts[number + 1][(what,)] += 1
            self.counts[number + 20][(when.year * 100 + when.month,)] += 1
            if kind:
                self.counts[number + 5][what, row[kind]] += 1
            for analysis, names in others.items():
                self.counts[analysis][tuple(row[name] for name in names)] += 1
            people[number].add((person, what))
            people[number + 2].add((person, what, when.year * 100 + when.month))
            if (known := self.people.get(person)) is not None:
                aged = math.trunc((when.year - known["year_of_birth"]) / 10)
                people[number + 4].add((person, what, when.year, known["gender_concept_id"], aged))
            by_person[person, what].append(when.year)
        for analysis, keys in people.items():
            self.counts[analysis].update(key[1:] for key in keys)
        self._per_person(number, by_person)

    def _per_person(self, number: int, by_person: Mapping[Key, Sequence[int]]) -> None:
        most: dict[Any, list[int]] = defaultdict(list)
        variety: dict[int, set[Any]] = defaultdict(set)
        ages = []
        for (person, what), found in by_person.items():
            most[what].append(len(found))
            variety[person] |= {what} - {None}
            if (known := self.people.get(person)) is not None:
                ages.append(((what, known["gender_concept_id"]), min(found) - known["year_of_birth"]))
        if number in (600, 700, 800, 1800, 2100):
            for what, sizes in most.items():
                for size in set(sizes):
                    self.counts[number + 91][what, size] = sum(one >= size for one in sizes)
        if number != 2100:
            self._spread(number + 3, (((), len(found)) for found in variety.values()))
        self._spread(number + 6, ages)

    def _measurements(self) -> None:
        for row in self._inside("measurement"):
            valued = row["value_as_number"] is not None or (row["value_as_concept_id"] or 0) != 0
            self.counts[1811 if valued else 1814][()] += 1
            if valued:
                self.counts[1819][(row["measurement_concept_id"],)] += 1
            low, high, value = _limit(row, "range_low"), _limit(row, "range_high"), row["value_as_number"]
            if low is not None and high is not None:
                place = "Below Range Low" if value < low else "Within Range" if value <= high else "Above Range High"
                self.counts[1818][row["measurement_concept_id"], row["unit_concept_id"], place] += 1

    def _covered(self, table: str, full_years: int, full_months: int, years: int, months: int) -> None:
        """Persons by unit of time, asked for every unit of every span."""
        spans = [(row["person_id"], row[f"{table}_start_date"], row[f"{table}_end_date"]) for row in self.rows[table]]
        started = {first.year for _, first, _ in spans}
        started_months = {(first.year, first.month) for _, first, _ in spans}
        found: dict[int, set[Key]] = defaultdict(set)
        for person, first, last in spans:
            for year in range(first.year, last.year + 1):
                if first <= date(year, 1, 1) and last >= date(year, 12, 31) and year <= max(started):
                    found[full_years].add((person, year))
                if year in started and (known := self.people.get(person)) is not None:
                    aged = math.trunc((year - known["year_of_birth"]) / 10)
                    found[years].add((person, year, known["gender_concept_id"], aged))
                for month in range(1, 13):
                    begins, ends = date(year, month, 1), date.fromordinal(_next(year, month).toordinal() - 1)
                    if first <= begins and last >= ends and (year, month) in started_months:
                        found[full_months].add((person, year * 100 + month))
                    if (first.year, first.month) <= (year, month) <= (last.year, last.month):
                        found[months].add((person, year * 100 + month))
        for analysis, keys in found.items():
            self.counts[analysis].update(key[1:] for key in keys)

    def _domains(self) -> None:
        having = [{row["person_id"] for row in self.rows[name]} for name in DOMAINS]
        for wanted in range(1, 1 << len(DOMAINS)):
            digits = format(wanted, f"0{len(DOMAINS)}b")
            chosen = [people for people, digit in zip(having, digits, strict=True) if digit == "1"]
            self.counts[2004][digits,] = len(set.intersection(*chosen))

    def _spread(self, analysis: int, found: Iterable[tuple[Key, float | None]]) -> None:
        groups: dict[Key, list[float]] = defaultdict(list)
        for key, value in found:
            if None not in key and value is not None:
                groups[key].append(value)
        self.spreads[analysis] = {key: spread(values) for key, values in groups.items()}


def spread(values: Sequence[float]) -> tuple[float | None, ...]:
    """Count, least, greatest, mean, deviation of the sample (None of one value), median, percentiles 10, 25, 75, 90."""
    ordered, size = sorted(values), len(values)
    mean = math.fsum(values) / size
    deviation = math.sqrt(math.fsum((one - mean) ** 2 for one in values) / (size - 1)) if size > 1 else None
    shares = (ordered[-(-share * size // 100) - 1] for share in (50, 10, 25, 75, 90))
    return (size, ordered[0], ordered[-1], mean, deviation, *shares)


def _limit(row: Row, name: str) -> float | None:
    told = row["unit_concept_id"], row["value_as_number"], row["range_low"], row["range_high"]
    return None if None in told else float(row[name])


def _next(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1)
