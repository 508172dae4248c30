"""The pack of an existing OMOP CDM, written from the CDM's own tables.

It is an ordinary pack in the workspace afterwards, which a site's engineer may edit.
"""

from collections.abc import Iterator, Mapping

from isthmus.cdm.tables import RENAMED_53, TABLES, Column, Table

CLINICAL = tuple(
    table for table in TABLES.values() if table.group in ("clinical", "system", "economics", "derived", "metadata")
)


def files(site: str, *, ids_kept: bool, kind: str = "csv") -> Mapping[str, str]:
    """Names and contents of the pack's files, for a CDM in CSV or Parquet (`kind`).

    `ids_kept`: rows keep the ids they have; otherwise ids are derived.
    """
    head = (
        f"# Made by `isthmus attach` for site {site}. Edit it as any pack.\n"
        f"pack: {site}-omop\n"
        'version: "1"\n'
        f"title: {{en: OMOP CDM of {site}, zh: {site} 的 OMOP CDM}}\n"
        f"keyspace: omop\n"
        f"format: {{kind: {kind}}}\n"
        "derive: []  # the CDM brings its own observation periods and eras\n"
    )
    return {
        "pack.yaml": head,
        **{f"{table.name}.yaml": "\n".join(_record(table, ids_kept)) + "\n" for table in CLINICAL},
    }


def _record(table: Table, ids_kept: bool) -> Iterator[str]:
    yield f'source: {{files: ["{table.name}.parquet", "{table.name}.csv", "{table.name}.csv.gz", "{table.name}.tsv"]}}'
    yield "columns:"
    for column in table.columns:
        yield f"  {column.name}: [{', '.join(_aliases(table, column))}]"
    yield f"optional: [{', '.join(column.name for column in table.columns)}]"
    if table.primary_key:
        yield f"key: {_key(table)}"
    if table.person:
        yield "person: person_id"
    yield "into:"
    yield f"  - table: {table.name}"
    yield "    set:"
    for column in table.columns:
        yield f"      {column.name}: {_value(column, ids_kept)}"


def _key(table: Table) -> str:
    """What tells rows apart. CDMs repeat the ids of events (GiBleed: 12.9 % of drug exposures), so more is asked."""
    assert table.primary_key is not None
    concept = f"{table.name.split('_')[0]}_concept_id"
    if not table.dates or not any(column.name == concept for column in table.columns):
        return table.primary_key
    return " || '/' || ".join((table.primary_key, "person_id", table.dates[0], concept))


def _aliases(table: Table, column: Column) -> list[str]:
    older = [old for (name, old), new in RENAMED_53.items() if name == table.name and new == column.name]
    names = [*older, column.name.upper(), *(old.upper() for old in older)]
    return list(dict.fromkeys(names))


def _value(column: Column, ids_kept: bool) -> str:
    if column.name == "cdm_version_concept_id":
        return f"coalesce(cast({column.name} as bigint), 0)"  # required in 5.4; a CDM 5.3 has no such column
    if column.type in ("date", "datetime"):
        return f"{column.type}({column.name})"
    table = column.foreign[0] if column.foreign else None
    points = table is not None and TABLES[table].group != "vocabulary"
    if ids_kept or not (points or column.key):
        # An id without a named table (an event of any domain) cannot be derived; it is kept only with all others.
        return column.name if ids_kept or not column.name.endswith("_event_id") else "null"
    return f"id('{table}', {column.name})" if points else f"id('{_own(column)}', {column.name})"


def _own(column: Column) -> str:
    return column.name.removesuffix("_id")
