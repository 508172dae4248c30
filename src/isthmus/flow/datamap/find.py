"""What is found in the map by a name (English, Chinese, pinyin, initials, a part), and concepts with their rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from isthmus.cdm.names import name_of
from isthmus.cdm.tables import TABLES
from isthmus.flow.datamap.held import DataMap
from isthmus.flow.datamap.lineage import edges
from isthmus.flow.quality import files_of
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import query
from isthmus.flow.terminology.search import search
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.mapping.search.ask import Search, Wanted
from isthmus.mapping.search.index import build

MOST = 20  # of each sort
MAIN = {
    "visit_occurrence": "visit_concept_id", "condition_occurrence": "condition_concept_id",
    "drug_exposure": "drug_concept_id", "procedure_occurrence": "procedure_concept_id",
    "device_exposure": "device_concept_id", "measurement": "measurement_concept_id",
    "observation": "observation_concept_id", "specimen": "specimen_concept_id", "note_nlp": "note_nlp_concept_id",
}  # fmt: skip
USES = 'SELECT "{column}" AS concept_id, site, count(*) AS rows FROM "{table}" WHERE "{column}" IN ({ids}) GROUP BY ALL'


@dataclass(frozen=True, slots=True)
class Used:
    """A concept, and by (site, table) how many rows of the edition have it."""

    concept_id: int
    name: str
    code: str
    vocabulary: str
    found: str
    uses: Mapping[tuple[str, str], int]

    @property
    def rows(self) -> int:
        """All of them."""
        return sum(self.uses.values())


@dataclass(frozen=True, slots=True)
class Named:
    """Something of the map: `sort` is site, feed, table, column or source (a column of an export); `place` leads to it
    (`isthmus map WS PLACE`)."""

    sort: str
    place: str
    name: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a text may mean: things of the map, and concepts, those with most rows first."""

    text: str
    named: Sequence[Named]
    concepts: Sequence[Used]


def find(workspace: Workspace, known: DataMap, text: str) -> Found:
    """Look a text up among the names of the map and in the vocabulary."""
    hits = search(workspace).find(text, Wanted(mapped=True), most=MOST)
    uses = _uses(workspace, known.edition, [one.concept_id for one in hits])
    concepts = [
        Used(one.concept_id, one.name, one.code, one.vocabulary, one.found, uses.get(one.concept_id, {}))
        for one in hits
    ]
    order = {one.concept_id: place for place, one in enumerate(hits)}
    return Found(
        text, _named(workspace, known, text), sorted(concepts, key=lambda one: (-one.rows, order[one.concept_id]))
    )


def _uses(workspace: Workspace, edition: Edition, ids: Sequence[int]) -> dict[int, dict[tuple[str, str], int]]:
    """Rows of concepts by site and table: one statement for each table that has rows."""
    found: dict[int, dict[tuple[str, str], int]] = {}
    if not ids:
        return found
    listed = ", ".join(map(str, ids))
    rows = edition.tables()
    with workspace.lake.engine() as engine:
        for table, column in MAIN.items():
            if rows.get(table):
                engine.view(table, files_of(workspace, edition, table), empty=schema_of(table))
                told = engine.rows(query(USES.format(column=column, table=table, ids=listed))).to_pylist()
                for one in told:
                    found.setdefault(one["concept_id"], {})[one["site"], table] = one["rows"]
    return found


def _named(workspace: Workspace, known: DataMap, text: str) -> list[Named]:
    every = list(dict.fromkeys(_every(workspace, known)))
    names = [names for _, names in every]
    ids = pa.array(range(1, len(every) + 1), pa.int64())
    nothing = pa.array([""] * len(every))
    concepts = pa.table({
        "concept_id": ids, "concept_name": pa.array([one[0] for one in names], pa.string()), "concept_code": nothing,
        "vocabulary_id": nothing, "domain_id": nothing,
        "standard": pa.array([True] * len(every)), "valid": pa.array([True] * len(every)),
    })  # fmt: skip
    more = [(number, other) for number, one in enumerate(names, 1) for other in one[1:] if other]
    synonyms = pa.table({
        "concept_id": pa.array([one[0] for one in more], pa.int64()),
        "name": pa.array([one[1] for one in more], pa.string()),
    })  # fmt: skip
    nowhere = pa.table({name: pa.array([], pa.int64()) for name in ("concept_id", "standard_id")})
    return [
        every[one.concept_id - 1][0] for one in Search(build(concepts, synonyms, nowhere)).find(text, most=MOST)
    ]  # fmt: skip


def _every(workspace: Workspace, known: DataMap) -> Iterator[tuple[Named, tuple[str, ...]]]:
    """Everything of the map with the names that it is found by: as it is written, in English and in Chinese."""
    for site, title in known.titles.items():
        yield Named("site", site, title), (title, site)
    for fed in known.feeds:
        yield Named("feed", f"{fed.site}/{fed.name}", fed.pack), (f"{fed.name}", fed.pack)
    for table in known.tables:
        told = name_of(table.name)
        yield Named("table", table.name, told["en"]), (_plain(table.name), told["en"], told["zh"])
        for column in table.columns if table.name in TABLES else ():
            told = name_of(table.name, column.name)
            place = f"{table.name}.{column.name}"
            yield Named("column", place, told["en"]), (_plain(column.name), told["en"], told["zh"])
    for edge in edges(workspace):
        for name in edge.columns:
            yield Named("source", f"{edge.site}/{edge.feed}.{name}", f"→ {edge.table}.{edge.column}"), (name,)


def _plain(name: str) -> str:
    return name.replace("_", " ")
