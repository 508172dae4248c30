"""Vocabularies in the lake, and the table of codes that a pack's look-ups join."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from isthmus.base.identity import digest63
from isthmus.cdm.tables import TABLES
from isthmus.flow.decided import NOTHING, Decided, named
from isthmus.flow.schema import order_of, schema_of
from isthmus.flow.stage import file_of
from isthmus.flow.statement import literal, query, teach
from isthmus.lake.edition import Edition
from isthmus.lake.engine import Engine
from isthmus.lake.lake import Lake
from isthmus.mapping.pack import Pack
from isthmus.mapping.rule import SQL_TYPES
from isthmus.mapping.vocabulary.form import relations

MAPPING = ("concept", "concept_relationship", "source_to_concept_map")  # the tables that decide on mappings
VOCABULARY = tuple(name for name, table in TABLES.items() if table.group == "vocabulary")
# The concepts that a row is about: an export that has them all speaks of the row.
SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "concept_relationship": ("concept_id_1", "concept_id_2"),
    "concept_ancestor": ("ancestor_concept_id", "descendant_concept_id"),
    "concept_synonym": ("concept_id", "language_concept_id"),
    "drug_strength": ("drug_concept_id", "ingredient_concept_id"),
}
# The concepts without which a row means nothing.
NAMING = {**SUBJECTS, "concept_synonym": ("concept_id",), "source_to_concept_map": ("target_concept_id",)}
# Tables whose rows belong to no vocabulary alone.
SHARED_ROWS = ("concept_class", "domain", "relationship")

# Every code of the vocabularies with the standard concept that it is or maps to.
STANDARD = """
    SELECT c.vocabulary_id, c.concept_code, c.concept_id AS source,
        CASE WHEN c.standard_concept = 'S' THEN c.concept_id ELSE min(r.concept_id_2) END AS concept
    FROM concept c
    LEFT JOIN concept_relationship r ON r.concept_id_1 = c.concept_id AND r.relationship_id = 'Maps to'
        AND coalesce(r.invalid_reason, '') = ''
    GROUP BY c.vocabulary_id, c.concept_code, c.concept_id, c.standard_concept
"""
# What was decided, then the pack's own lists, then the vocabularies it names, then what those lack and
# source_to_concept_map knows.
CODE = """
    SELECT coalesce(c._system, w.system) AS _system, coalesce(c._code, w.code) AS _code,
        CASE WHEN w.decision_id IS NULL THEN c._concept ELSE w.concept_id END AS _concept,
        coalesce(c._source, 0) AS _source, d.domain_id AS _domain, w.decision_id AS _decision, coalesce(w.n, 0) AS _n,
        CASE WHEN w.decision_id IS NULL THEN c._concept ELSE w.first END AS _first
    FROM (
        SELECT _system, _code, max(_concept) AS _concept, max(_source) AS _source FROM (
        SELECT l.system AS _system, l.code AS _code,
            coalesce(nullif(l.concept_id, 0), s.concept, 0) AS _concept, coalesce(s.source, 0) AS _source
        FROM local_code l LEFT JOIN standard s USING (vocabulary_id, concept_code)
        UNION ALL
        SELECT n.name, s.concept_code, coalesce(s.concept, 0), s.source
        FROM named n JOIN standard s ON s.vocabulary_id = n.vocabulary
        UNION ALL
        SELECT n.name, m.source_code, m.target_concept_id, m.source_concept_id
        FROM named n JOIN source_to_concept_map m ON m.source_vocabulary_id = n.vocabulary
        ANTI JOIN standard t
            ON t.vocabulary_id = n.vocabulary AND t.concept_code = m.source_code AND t.concept > 0
        ) GROUP BY _system, _code
    ) c FULL JOIN decided w ON w.system = c._system AND w.code = c._code
    LEFT JOIN concept d ON d.concept_id = CASE WHEN w.decision_id IS NULL THEN c._concept ELSE w.concept_id END
"""


CODES = 1_000_000  # rows of `code` that are kept, of all packs together: some 80 MB
_CODES: dict[tuple[str, tuple[str, ...], str], pa.Table] = {}  # by pack, files of the vocabulary, and decisions


def keep(lake: Lake, tables: Mapping[str, pa.Table | pa.RecordBatchReader], *, batch: str) -> None:
    """Add vocabulary rows to the lake; a row with a key that is there already is left out.

    The lake must be being written (`Lake.writing`).
    """
    with lake.engine() as engine:
        for table, rows in tables.items():
            if lake.deltas.has_batch(table, batch):
                continue
            key = ", ".join(key_of(table))
            _view(lake, engine, table, "old")
            engine.load("new", rows)
            columns = ", ".join(_typed(table))
            ordered = ", ".join(f'"{name}"' for name in _order(table))
            select = (
                f"SELECT * FROM (SELECT DISTINCT ON ({key}) * FROM (SELECT {columns} FROM new) n "
                f"ANTI JOIN old USING ({key})) ORDER BY {ordered}"
            )
            path, count = engine.write(query(select), lake.staging / batch)
            engine.drop("new")
            if count:
                file = file_of(table, None, path, count)
                (lake.root / file.path).parent.mkdir(parents=True, exist_ok=True)
                path.replace(lake.root / file.path)
                lake.deltas.commit(table, schema_of(table), add=[file], remove=[], batch=batch)


def lay_over(lake: Lake, tables: Mapping[str, pa.Table | pa.RecordBatchReader]) -> None:
    """Lay a whole export over the vocabulary: of what it speaks, what was there gives way; the rest stays.

    `tables` begins with `concept`. Concepts give way by id, and where the export has their vocabulary; relations and
    the like where it has all concepts that they name; other rows by key. What names a concept that is gone goes with
    it. Relations with vocabularies that the export lacks stay, for it was not asked about those; but no code maps to a
    concept that is not standard any more: it goes on the work list. The same export again changes no table. The lake
    must be being written (`Lake.writing`).
    """
    missing = {name: schema_of(name).empty_table() for name in NAMING if name not in tables}
    with lake.engine() as engine:
        for table, rows in {**tables, **missing}.items():
            name = "export_concept" if table == "concept" else "export"
            key = ", ".join(key_of(table))
            engine.load("new", rows)
            engine.create(
                name, query(f"SELECT DISTINCT ON ({key}) * FROM (SELECT {', '.join(_typed(table))} FROM new)")
            )
            engine.drop("new")
            _view(lake, engine, table, "old")
            columns = ", ".join(f'"{one}"' for one in schema_of(table).names)
            ordered = ", ".join(f'"{one}"' for one in _order(table))
            if table == "concept":
                gone = f"SELECT concept_id FROM old WHERE {_told(table)} AND concept_id > 0"
                engine.create("gone", query(f"{gone} EXCEPT SELECT concept_id FROM export_concept"))
            select = (
                f"SELECT {columns} FROM (SELECT * FROM old ANTI JOIN {name} USING ({key})) o "
                f"WHERE ({_told(table)}) IS NOT TRUE AND ({_lost(table)}) IS NOT TRUE "
                f"UNION ALL SELECT {columns} FROM {name} ORDER BY {ordered}"
            )
            _put_in_place(lake, table, *engine.write(query(select), lake.staging / table))


def replace(lake: Lake, vocabulary: str, tables: Mapping[str, pa.Table]) -> None:
    """Put the rows of one vocabulary in the place of those that it had; only files that held some are written anew.

    `tables` may be any of the vocabulary tables, `concept` among them. Its own are the concepts, what stands between
    them, and the maps that lead from them; maps of others that lead to a code which it still has stay. Rows of the
    tables in SHARED_ROWS are only added where there is none of their key. The lake must be being written.
    """
    own = f"vocabulary_id = {literal(vocabulary)}"
    with lake.engine() as engine:
        _view(lake, engine, "concept", "old")
        engine.load("new", tables["concept"])
        engine.create("fresh", query("SELECT concept_id FROM new"))
        engine.create("mine", query(f"SELECT concept_id FROM old WHERE {own} UNION SELECT concept_id FROM fresh"))
        engine.create("gone", query("SELECT concept_id FROM mine EXCEPT SELECT concept_id FROM fresh"))
        engine.drop("new")
        for table in VOCABULARY:
            _exchange(lake, engine, table, tables.get(table, schema_of(table).empty_table()), _owned(table))


def _exchange(lake: Lake, engine: Engine, table: str, rows: pa.Table, owned: str) -> None:
    """Add rows to a table, in place of those of their key and of those that `owned` is true of."""
    key = ", ".join(key_of(table))
    ordered = ", ".join(f'"{one}"' for one in _order(table))
    engine.load("new", rows)
    _view(lake, engine, table, "old")
    fresh = f"SELECT * FROM new ANTI JOIN old USING ({key})" if table in SHARED_ROWS else "SELECT * FROM new"
    gives_way = f"({owned}) OR ({key}) IN (SELECT ({key}) FROM new)" if table not in SHARED_ROWS else "false"
    drafts, left = [], []
    for file in lake.deltas.files(table):
        engine.view("one", [lake.root / file.path], empty=schema_of(table))
        counted = f"SELECT count(*) FILTER (WHERE {gives_way}) AS n FROM one"
        if engine.rows(query(counted))["n"][0].as_py():
            left.append(file)
            kept = f"SELECT * FROM one WHERE ({gives_way}) IS NOT TRUE ORDER BY {ordered}"
            drafts.append(engine.write(query(kept), lake.staging / table))
    drafts.append(engine.write(query(f"SELECT * FROM ({fresh}) ORDER BY {ordered}"), lake.staging / table))
    engine.drop("new")
    files = {one.path: (one, draft) for draft, count in drafts if count for one in [file_of(table, None, draft, count)]}
    standing = {one.path for one in lake.deltas.files(table)}
    added = [one for path, (one, _) in files.items() if path not in standing]
    gone = [one for one in left if one.path not in files]
    if added or gone:
        for one in added:
            (lake.root / one.path).parent.mkdir(parents=True, exist_ok=True)
            files[one.path][1].replace(lake.root / one.path)
        name = f"{digest63(*sorted(one.path for one in (*added, *gone))):016x}"
        batch = f"v{lake.deltas.version(table)}-{name}"
        lake.deltas.commit(table, schema_of(table), add=added, remove=gone, batch=batch)


def _owned(table: str) -> str:
    """Which rows of a table belong to the vocabulary of `mine`, or name a code that it has no more (`gone`)."""
    mine, gone = "(SELECT concept_id FROM mine)", "(SELECT concept_id FROM gone)"
    if table == "concept":
        return f"concept_id IN {mine}"
    if table == "concept_relationship":
        led = ", ".join(literal(one) for one in ("Maps to", *(one.forward for one in relations().values())))
        back = ", ".join(literal(one) for one in ("Mapped from", *(one.reverse for one in relations().values())))
        return (
            f"(concept_id_1 IN {mine} AND (concept_id_2 IN {mine} OR relationship_id IN ({led}))) "
            f"OR (concept_id_2 IN {mine} AND relationship_id IN ({back})) "
            f"OR concept_id_1 IN {gone} OR concept_id_2 IN {gone}"
        )
    if table in ("concept_ancestor", "concept_synonym"):
        return " AND ".join(f"{one} IN {mine}" for one in NAMING[table][: 2 if table == "concept_ancestor" else 1])
    return _lost(table)


def _lost(table: str) -> str:
    """Whether a row names a concept that is gone, or maps to one that the export says is not standard."""
    lost = " OR ".join(f"{one} IN (SELECT concept_id FROM gone)" for one in NAMING.get(table, ())) or "false"
    if table == "concept_relationship":
        plain = "(SELECT concept_id FROM export_concept WHERE coalesce(standard_concept, '') <> 'S')"
        lost += f" OR (relationship_id = 'Maps to' AND concept_id_2 IN {plain})"
        lost += f" OR (relationship_id = 'Mapped from' AND concept_id_1 IN {plain})"
    return lost


def _put_in_place(lake: Lake, table: str, draft: Path, rows: int) -> None:
    """Make a draft the only file of a vocabulary table, unless it is that already."""
    former = lake.deltas.files(table)
    file = file_of(table, None, draft, rows)
    if [one.path for one in former] == [file.path] or not (rows or former):
        return
    (lake.root / file.path).parent.mkdir(parents=True, exist_ok=True)
    draft.replace(lake.root / file.path)
    gone = [one for one in former if one.path != file.path]
    added = [file] if len(gone) == len(former) else []
    batch = f"v{lake.deltas.version(table)}-{file.sha256[:16]}"
    lake.deltas.commit(table, schema_of(table), add=added, remove=gone, batch=batch)


def _told(table: str) -> str:
    """Whether an export that holds the concepts of `export_concept` speaks of an old row."""
    if table == "concept":
        return "vocabulary_id IN (SELECT vocabulary_id FROM export_concept)"
    subjects = SUBJECTS.get(table, ())
    return " AND ".join(f"{one} IN (SELECT concept_id FROM export_concept)" for one in subjects) or "false"


def _typed(table: str) -> list[str]:
    """Every column of a vocabulary table from text or its own type; dates may be written 20060131."""
    types = {column.name: SQL_TYPES[column.type] for column in TABLES[table].columns}
    return [
        f'coalesce(try_cast("{name}" AS date), '
        f"CAST(try_strptime(CAST(\"{name}\" AS text), '%Y%m%d') AS date)) AS \"{name}\""
        if kind == "date"
        else f'try_cast("{name}" AS {kind}) AS "{name}"'
        for name, kind in types.items()
    ]  # fmt: skip


def key_of(table: str) -> tuple[str, ...]:
    """The columns that make a vocabulary row one of its kind."""
    first = TABLES[table].columns[0].name
    more = {
        "concept_relationship": ("concept_id_1", "concept_id_2", "relationship_id"),
        "concept_ancestor": ("ancestor_concept_id", "descendant_concept_id"),
        "concept_synonym": ("concept_id", "concept_synonym_name", "language_concept_id"),
        "drug_strength": ("drug_concept_id", "ingredient_concept_id"),
        "source_to_concept_map": ("source_code", "source_vocabulary_id", "target_concept_id"),
    }
    return more.get(table, (first,))


def digest(lake: Lake) -> str:
    """Changes with any row of the vocabularies that decide on mappings."""
    names = [one.path for table in MAPPING for one in lake.deltas.files(table)]
    return f"{digest63(*sorted(names)):016x}"


def has_changed(lake: Lake, edition: Edition) -> bool:
    """Whether the vocabulary tables are others than those of a published edition."""
    published = {name: [one.path for one in edition.files(name)] for name in VOCABULARY}
    return published != {name: [one.path for one in lake.deltas.files(name)] for name in VOCABULARY}


def files_of(lake: Lake) -> dict[str, list[Path]]:
    """The files of the vocabulary tables that decide on mappings, as they are now."""
    return {name: [lake.root / one.path for one in lake.deltas.files(name)] for name in MAPPING}


def ready(engine: Engine, pack: Pack, files: Mapping[str, Sequence[Path]], decided: Decided = NOTHING) -> None:
    """Ready an engine for a pack: its functions, and the table `code` of all codes that the pack can look up.

    `code_first` has the first concept of each code; `subject` what decisions call the code systems of the pack.
    """
    teach(engine)
    engine.load("decided", decided.rows)
    engine.load("subject", named(pack))
    for name, paths in files.items():
        engine.view(name, paths, empty=schema_of(name))
    engine.load("known_code", _codes(engine, pack, files, decided))
    engine.create("code", query("SELECT * FROM known_code"))
    engine.create_view("code_first", query("SELECT * FROM code WHERE _n = 0"))
    engine.drop("known_code")
    engine.drop("decided")


def _codes(engine: Engine, pack: Pack, files: Mapping[str, Sequence[Path]], decided: Decided) -> pa.Table:
    """The rows of `code`, which come again with every hospital that has the pack."""
    known = (pack.digest, tuple(str(path) for name in sorted(files) for path in files[name]), decided.digest)
    found = _CODES.get(known)
    if found is None:
        found = _looked_up(engine, pack)
        if sum(one.num_rows for one in list(_CODES.values())) + found.num_rows > CODES:
            _CODES.clear()
        if found.num_rows <= CODES:
            _CODES[known] = found
    return found


def _looked_up(engine: Engine, pack: Pack) -> pa.Table:
    rows = [
        {
            "system": system, "code": row["code"], "concept_id": int(row.get("concept_id") or 0),
            "vocabulary_id": row.get("vocabulary_id") or None, "concept_code": row.get("concept_code") or None,
        }
        for system, codes in sorted(pack.codes.items()) for row in codes
    ]  # fmt: skip
    text, whole = pa.string(), pa.int64()
    schema = pa.schema(
        [("system", text), ("code", text), ("concept_id", whole), ("vocabulary_id", text), ("concept_code", text)]
    )
    engine.load("local_code", pa.Table.from_pylist(rows, schema=schema))
    spoken = [{"name": name, "vocabulary": value} for name, value in sorted(_vocabularies(pack).items())]
    engine.load("named", pa.Table.from_pylist(spoken, schema=pa.schema([("name", text), ("vocabulary", text)])))
    engine.create("standard", query(STANDARD))
    found = engine.rows(query(CODE))
    for name in ("standard", "local_code", "named"):
        engine.drop(name)
    return found


def _vocabularies(pack: Pack) -> dict[str, str]:
    """The names as rows may hold them (URIs) and the vocabularies' own."""
    return {**pack.vocabularies, **{value: value for value in pack.vocabularies.values()}}


def _view(lake: Lake, engine: Engine, table: str, name: str) -> None:
    files: list[Path] = [lake.root / one.path for one in lake.deltas.files(table)]
    engine.view(name, files, empty=schema_of(table))


def _order(table: str) -> tuple[str, ...]:
    names = schema_of(table).names
    return tuple(name for name in (*key_of(table), *order_of(table)) if name in names)
