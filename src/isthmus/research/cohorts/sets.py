"""Event sets: the events that criteria ask for. Equal criteria of all definitions are one set, matched once."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.research.cohorts.catalogue import Attribute, kinds, persons
from isthmus.research.cohorts.concepts import Concepts, Numbers
from isthmus.research.cohorts.definition import INFINITE, Adjustment, Criterion, Definition, Test

ANYTHING = 0  # the list that stands for "has a value"
COUNTED_AT_INDEX = frozenset({None, "START_DATE", "END_DATE", "VISIT_ID"})  # columns that every matched event has
FARTHEST = 2_000_000_000  # later than any day
LISTED = pa.schema({"list": pa.int32(), "concept_id": pa.int64()})


@dataclass(frozen=True, slots=True)
class Key:
    """What makes two criteria the same set."""

    domain: str
    picks: bytes
    sourced: bool
    first: bool
    adjustment: Adjustment | None
    period: tuple[int | None, int | None] | None
    tests: tuple[Test, ...]
    counted: str | None

    @property
    def plain(self) -> bool:
        """Whether the concepts alone decide."""
        return not (self.first or self.adjustment or self.period or self.tests or self.counted)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a statement that matches events must be able to test: attributes and columns that some set uses."""

    attributes: tuple[Attribute, ...] = ()
    counts: tuple[Attribute, ...] = ()
    adjusted: bool = False
    period: bool = False
    first: bool = False


@dataclass(slots=True)
class Sets:
    """The registry of event sets. A set that has no event in the data has no number."""

    concepts: Concepts
    numbers: dict[Key, int] = field(default_factory=dict)
    picks: dict[int, Numbers] = field(default_factory=dict)
    lists: dict[tuple[int, ...] | int, int] = field(default_factory=dict)
    demographics: dict[tuple[Test, ...], int] = field(default_factory=dict)

    def add(self, criterion: Criterion, definition: Definition, *, counted: str | None = None) -> int | None:
        """The number of a criterion's set, not looking at what is nested in it; None when nothing can match."""
        standard, source = (self._number(definition, one) for one in (criterion.codeset, criterion.source))
        if criterion.cohorts:
            picks = self.concepts.stays(criterion.cohorts)
        else:
            picks = self.concepts.picks(criterion.domain, standard, source)
        if not len(picks):
            return None
        key = Key(
            criterion.domain, picks.tobytes(), source is not None, criterion.first, criterion.adjustment,
            criterion.period,
            self._tests(criterion.tests, definition), None if counted in COUNTED_AT_INDEX else counted,
        )  # fmt: skip
        number = self.numbers.setdefault(key, len(self.numbers) + 1)
        self.picks[number] = picks
        return number

    def add_demographic(self, tests: tuple[Test, ...], definition: Definition) -> int:
        """The number of what is asked of a person at the index event."""
        return self.demographics.setdefault(self._tests(tests, definition), len(self.demographics) + 1)

    def rows(self, used: Collection[int]) -> int:
        """How many events the sets used match at most, before attributes."""
        return sum(
            int(self.concepts.pairs[key.domain].rows[self.picks[number]].sum())
            for key, number in self.numbers.items()
            if number in used
        )

    def of(self, domain: str, used: Collection[int]) -> Iterator[tuple[str, list[tuple[int, Key]]]]:
        """The sets of a domain, of those used, that are matched together, with their keys; each lot has a name."""
        lots: dict[str, list[tuple[int, Key]]] = {}
        for key, number in self.numbers.items():
            if key.domain == domain and number in used:
                kind = "plain" if key.plain else "first" if key.first else "tested"
                lots.setdefault(f"{kind}_sourced" if key.sourced else kind, []).append((number, key))
        yield from sorted(lots.items())

    def pick(self, domain: str, chosen: Sequence[int], *, sourced: bool) -> pa.Table:
        """Pairs of concepts by set: `set_id`, `concept`, `source`; without `source` where it decides nothing."""
        pairs = self.concepts.pairs[domain]
        picked = [self.picks[number] for number in chosen]
        if not sourced:
            concepts = [np.unique(pairs.concept[at]) for at in picked]
            return pa.table({"set_id": _repeated(chosen, concepts), "concept": np.concatenate(concepts)})
        at = np.concatenate(picked)
        columns = {"concept": pairs.concept[at], "source": pairs.source[at]}
        return pa.table({"set_id": _repeated(chosen, picked)} | columns)

    def exposing(self, eras: Mapping[int, int]) -> pa.Table:
        """`era, concept`: what a rule for eras takes as exposure, by the number of its concept set."""
        concepts = [self.concepts.members(number) for number in eras.values()]
        return pa.table({"era": _repeated(list(eras), concepts), "concept": np.concatenate(concepts)})

    def asked(self, domain: str, chosen: Sequence[tuple[int, Key]]) -> Asked:
        """What the sets chosen use."""
        one = kinds()[domain]
        tested = {test.attribute for _, key in chosen for test in key.tests}
        counted = {key.counted for _, key in chosen}
        return Asked(
            tuple(attribute for name, attribute in one.attributes.items() if name in tested),
            tuple(attribute for name, attribute in one.counts.items() if name in counted),
            any(key.adjustment for _, key in chosen), any(key.period for _, key in chosen),
            any(key.first for _, key in chosen),
        )  # fmt: skip

    def wanted(self, asked: Asked, chosen: Sequence[tuple[int, Key]]) -> pa.Table:
        """What each set wants of each attribute asked, one row per set."""
        columns = self._tested(asked.attributes, [(number, key.tests) for number, key in chosen])
        keys = [key for _, key in chosen]
        columns["counted"] = pa.array([key.counted for key in keys], pa.string())
        if asked.adjusted:
            moved = [key.adjustment or Adjustment() for key in keys]
            columns |= {
                "adjusted": pa.array([key.adjustment is not None for key in keys]),
                "start_of_end": pa.array([one.start_of_end for one in moved]),
                "start_days": pa.array([one.start_days for one in moved], pa.int32()),
                "end_of_end": pa.array([one.end_of_end for one in moved]),
                "end_days": pa.array([one.end_days for one in moved], pa.int32()),
            }
        if asked.period:
            for at, name in enumerate(("period_start", "period_end")):
                columns[name] = pa.array([key.period[at] if key.period else None for key in keys], pa.int32())
        return pa.table(columns)

    def asked_of_persons(self) -> tuple[Asked, pa.Table]:
        """What is asked of persons at index events, and what each demographic criterion wants."""
        tested = {test.attribute for tests in self.demographics for test in tests}
        asked = Asked(tuple(one for name, one in persons().items() if name in tested))
        chosen = [(number, tests) for tests, number in self.demographics.items()]
        return asked, pa.table(self._tested(asked.attributes, chosen))

    def listed(self) -> pa.Table:
        """The concepts of every list that an attribute is compared with."""
        rows = [
            (number, int(concept))
            for one, number in self.lists.items()
            for concept in (self.concepts.listed(one) if isinstance(one, int) else one)
        ]
        columns = zip(*rows, strict=True) if rows else ((), ())
        return pa.table([pa.array(one, kind) for one, kind in zip(columns, LISTED.types, strict=True)], schema=LISTED)

    def _number(self, definition: Definition, codeset: int | None) -> int | None:
        return None if codeset is None else self.concepts.number(definition.sets.get(codeset, frozenset()))

    def _tests(self, tests: tuple[Test, ...], definition: Definition) -> tuple[Test, ...]:
        """Tests with concept sets by the numbers that hold for all definitions."""
        return tuple(
            replace(
                one,
                codeset=self._number(definition, one.codeset),
                concepts=one.concepts and tuple(sorted(set(one.concepts))),
            )
            for one in tests
        )

    def _tested(
        self, attributes: Sequence[Attribute], chosen: Sequence[tuple[int, tuple[Test, ...]]]
    ) -> dict[str, pa.Array]:
        columns = {"set_id": pa.array([number for number, _ in chosen], pa.int32())}
        by_name = [{test.attribute: test for test in tests} for _, tests in chosen]
        for attribute in attributes:
            columns |= self._column(attribute, [tests.get(attribute.name) for tests in by_name])
        for alias in ("p", "v", "s"):
            using = {attribute.name for attribute in attributes if f"{alias}." in attribute.meaning}
            columns[f"uses_{alias}"] = pa.array([bool(using & set(tests)) for tests in by_name])
        return columns

    def _column(self, attribute: Attribute, tests: Sequence[Test | None]) -> dict[str, pa.Array]:
        """One attribute's wishes as columns; null where a set does not care."""
        name = attribute.name
        columns = {f"{name}_inside": pa.array([test and test.inside for test in tests], pa.bool_())}
        match attribute.kind:
            case "integer" | "date" | "decimal":
                kind = pa.float64() if attribute.kind == "decimal" else pa.int64()
                for end in ("low", "high"):
                    values = [None if test is None else _finite(getattr(test, end), attribute.kind) for test in tests]
                    columns[f"{name}_{end}"] = pa.array(values, kind)
            case "text":
                columns[f"{name}_like"] = pa.array([test and test.pattern for test in tests], pa.string())
            case "concepts" | "selection" | "codeset":
                found = [None if test is None else self._list(test) for test in tests]
                columns[f"{name}_list"] = pa.array([one and one[0] for one in found], pa.int32())
                columns[f"{name}_none"] = pa.array([one and one[1] for one in found], pa.bool_())
        return columns

    def _list(self, test: Test) -> tuple[int, bool]:
        """The number of the list that a test names, and whether it is empty."""
        if test.concepts is None and test.codeset is None:
            return ANYTHING, False
        key: tuple[int, ...] | int = test.concepts if test.concepts is not None else int(test.codeset or 0)
        number = self.lists.setdefault(key, len(self.lists) + 1)
        return number, not len(self.concepts.listed(key) if isinstance(key, int) else key)


def _repeated(numbers: Sequence[int], of: Sequence[Numbers]) -> npt.NDArray[np.int32]:
    return np.repeat(numbers, [len(one) for one in of]).astype(np.int32)


def _finite(value: float, kind: str) -> float | int:
    if kind == "decimal":
        return value
    return int(value) if abs(value) != INFINITE else int(np.sign(value)) * FARTHEST
