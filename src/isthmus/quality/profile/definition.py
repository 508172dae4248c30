"""What is counted, as data: the analyses of `analyses.csv`, and the sources of `sources.yaml` that they read."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast, get_args

import yaml

Kind = Literal["records", "distinct", "at_least", "values", "ranks", "covered", "overlap", "identity"]
DISTRIBUTIONS = frozenset({"values", "ranks"})
LEFT = "n"  # the column of a source that says how many records a row stands for


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis of Achilles.

    `strata` are columns of the source, whose Achilles names are in `named`; `value` is the column of which a
    distribution is told, or whose different values are counted; `where` a condition on columns.

    records: rows by stratum. distinct: different values. at_least: rows whose last stratum is as large or larger.
    values: a distribution, its percentiles being the smallest value that as large a share does not exceed. ranks: the
    same, its percentiles being the largest value whose rank, divided by the number of values and one, is no larger.
    covered: persons whose spans cover a unit of time. overlap: persons with all tables of a set. identity: the source.
    """

    analysis_id: int
    source: str
    kind: Kind
    strata: Sequence[str]
    value: str
    where: str
    named: Sequence[str]
    category: str
    name: str

    @property
    def is_distribution(self) -> bool:
        """Whether it fills `achilles_results_dist`."""
        return self.kind in DISTRIBUTIONS


@dataclass(frozen=True, slots=True)
class Source:
    """A statement with names for what it selects; see the head of `sources.yaml`."""

    name: str
    needs: Sequence[str]
    origin: str
    columns: Mapping[str, str]
    scan: tuple[str, ...]

    def select(self, names: Sequence[str]) -> str:
        """The statement, for some of its columns."""
        listed = ", ".join(f"{self.columns.get(name, f't.{_quoted(name)}')} AS {_quoted(name)}" for name in names)
        return f"SELECT {listed} FROM {self.origin}"


def _quoted(name: str) -> str:
    return f'"{name}"'


@cache
def analyses() -> Sequence[Analysis]:
    """All analyses, by id."""
    text = (files(__package__) / "analyses.csv").read_text(encoding="utf-8")
    found = []
    for row in csv.DictReader(text.splitlines()):
        if row["kind"] not in get_args(Kind):
            raise ValueError(f"analyses.csv: {row['analysis_id']} has unknown kind {row['kind']!r}")
        strata, named = _split(row["strata"]), _split(row["stratum_names"])
        found.append(
            Analysis(
                analysis_id=int(row["analysis_id"]), source=row["source"], kind=cast(Kind, row["kind"]), strata=strata,
                value=row["value"], where=row["where"], named=named, category=row["category"], name=row["name"],
            )
        )  # fmt: skip
    return tuple(found)


def _split(text: str) -> Sequence[str]:
    return tuple(text.split("|")) if text else ()


@cache
def _document() -> Mapping[str, Any]:
    document: Mapping[str, Any] = yaml.safe_load((files(__package__) / "sources.yaml").read_text(encoding="utf-8"))
    return document


def missing(present: frozenset[str]) -> Mapping[int, Sequence[str]]:
    """By id, the analyses that can have no rows where only the tables of `present` have, and the tables they lack."""
    whole = {one.name: one for one in _every(None)}
    known = sources(present)
    return {
        one.analysis_id: sorted(set(whole[one.source].needs) - present) for one in analyses() if one.source not in known
    }


@cache
def tables() -> Sequence[str]:
    """Every table of the CDM that any source reads, by name."""
    told = _document()
    named = {one for source in _every(None) for one in source.needs} | {"care_site", "death", "person"}
    return tuple(sorted(named | {item["table"] for union in told["unions"].values() for item in union["over"]}))


def sources(present: frozenset[str]) -> Mapping[str, Source]:
    """The sources that have rows, where only the tables of `present` have; in an order in which they can be made."""
    return {one.name: one for one in _every(present) if present.issuperset(one.needs)}


def _every(present: frozenset[str] | None) -> Iterator[Source]:
    """All sources; those of several tables leave out the tables that are not present, where that is known."""
    told = _document()
    for table, event in told["events"].items():
        extra = told["event_columns"].get(table, {})
        for prefix, body in told["event_sources"].items():
            words = {"table": table, **event}
            more = extra if prefix == "inside" else {}
            yield _source(f"{prefix}_{table}", {**body, "needs": [table, *body["needs"]]}, words, more)
    for table in told["deaths"]["over"]:
        body = {**told["deaths"], "needs": [table, *told["deaths"]["needs"]]}
        yield _source(f"until_{table}", body, {"table": table, **told["events"][table]})
    for name, body in told["sources"].items():
        yield _source(name, body)
    for name, body in told["unions"].items():
        parts = [body["each"].format_map(item) for item in body["over"] if present is None or item["table"] in present]
        if parts:
            yield _source(name, body, {"union": f"({' UNION ALL '.join(parts)})"})


def _source(
    name: str, body: Mapping[str, Any], words: Mapping[str, str] | None = None, more: Mapping[str, str] | None = None
) -> Source:
    def filled(text: str) -> str:
        return text.format_map(words) if words else text

    columns = {key: filled(str(value)) for key, value in {**body["columns"], **(more or {})}.items()}
    return Source(name, tuple(body.get("needs", ())), filled(body["from"]), columns, tuple(body.get("scan", ())))
