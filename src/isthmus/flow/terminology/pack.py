"""A vocabulary pack on its way into the lake: read, checked as a whole, loaded in place of what stood there of it."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.base.durable import replaced
from isthmus.base.errors import InputError, PackError, Unreadable
from isthmus.base.progress import Silence
from isthmus.cdm.starter import CHINESE
from isthmus.flow import vocabulary
from isthmus.flow.ingest import Report, finish_interrupted, publish
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import literal, query
from isthmus.flow.workspace import Workspace
from isthmus.intake import formats
from isthmus.intake.record import PLACE, Batch, Format, Part, Reject
from isthmus.lake.edition import Edition
from isthmus.lake.engine import Engine
from isthmus.mapping.vocabulary import check, form, rows
from isthmus.mapping.vocabulary.check import Fault, Targets
from isthmus.mapping.vocabulary.form import HEAD, Form, Sheet

FOLDER = "vocabularies"
SHOWN = 20  # faults that are told
KINDS = ("csv", "xlsx")
DIGIT = "[0-9]"
SELDOM = 20  # a form of codes that less than one in so many has is none that a list is written in


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was loaded: the head of the pack, and how many rows of each table."""

    form: Form
    rows: Mapping[str, int]
    edition: Edition


@dataclass(frozen=True, slots=True)
class Listed:
    """A table of a pack as it was read: its rows as texts, what could not be read, and how to find a line."""

    label: str
    part: Part
    format: Format
    rows: pa.Table
    faults: Sequence[Fault]

    def line(self, place: int) -> int:
        """The line on which the row at a place stands, counted from 1."""
        return formats.locate(self.part, self.format, place).line


def load(opened: Workspace, folder: Path, *, instead: bool = False) -> Loaded:
    """Load a pack and publish an edition with it. What the workspace has of the same edition gives way.

    `instead`: also what it has of another edition under the same vocabulary id.
    Raises PackError, with file and line of every fault that there is, and then nothing is loaded.
    """
    told = form.read(folder)
    _demand_own_place(opened, told, instead)
    codes = _listed(folder, told.codes, form.OF_CODES, _needed(told))
    maps = [_filled(_listed(folder, sheet, form.OF_MAPS, _needed_of(sheet)), sheet) for sheet in told.maps]
    with opened.lake.engine() as engine:
        _look(opened, engine)
        _check(engine, folder.name, told, codes, maps)
    with opened.lake.writing():
        done = finish_interrupted(opened, Report(), Silence())
        with opened.lake.engine() as engine:
            _look(opened, engine)
            tables = _tables(engine, told, codes.rows, [one.rows for one in maps])
        vocabulary.replace(opened.lake, told.vocabulary, tables)
        _keep(opened, folder, told)
        current = opened.lake.editions.current()
        if current is None or done or vocabulary.has_changed(opened.lake, current):
            current = publish(opened, done)
    return Loaded(told, {name: table.num_rows for name, table in tables.items()}, current)


def heads(opened: Workspace) -> dict[str, Form]:
    """The heads of the packs that were loaded, by vocabulary id."""
    folders = sorted(path.parent for path in (opened.root / FOLDER).glob(f"*/{HEAD}"))
    return {told.vocabulary: told for told in map(form.read, folders)}


def _demand_own_place(opened: Workspace, told: Form, instead: bool) -> None:
    """Raise PackError where something else stands under the vocabulary id: another edition, or what is no pack's."""
    held = heads(opened).get(told.vocabulary)
    if held is not None and held.edition != told.edition and not instead:
        raise PackError(
            f"{told.place}: the workspace has edition {held.edition} under {told.vocabulary}, and this is "
            f"{told.edition}. Give each edition a vocabulary id of its own, so that both stand beside each other; or "
            "put this one in the place of the other with --replace."
        )
    with opened.lake.engine() as engine:
        _look(opened, engine)
        taken = engine.rows(query(
            "SELECT vocabulary_id AS name, count(*) AS n FROM concept "
            f"WHERE lower(vocabulary_id) = lower({literal(told.vocabulary)}) GROUP BY 1"
        )).to_pylist()  # fmt: skip
    others = [one for one in taken if held is None or one["name"] != told.vocabulary]
    if others:
        raise PackError(
            f"{told.place}: {others[0]['name']} is a vocabulary of the workspace already, with {others[0]['n']:,} "
            "concepts that did not come from this list. Give the list a vocabulary id of its own."
        )


def _needed(told: Form) -> tuple[tuple[str, ...], ...]:
    names = (("code",), ("name", "name_en", "name_zh"))
    return (*names, ("parent",)) if told.hierarchy == form.PARENT else names


def _needed_of(sheet: Sheet) -> tuple[tuple[str, ...], ...]:
    names = (("code",), ("target",), ("vocabulary",))
    return tuple(one for one in names if one[0] not in sheet.fixed)


def _listed(folder: Path, sheet: Sheet, names: Sequence[str], needed: Sequence[Sequence[str]]) -> Listed:
    """Read a table under the names of the form; texts are trimmed, and '' where nothing stands."""
    path = folder / sheet.file
    label = f"{folder.name}/{sheet.file}"
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise PackError(f"{sheet.place}: there is no file {sheet.file} in {folder}.")
    part = Part(sheet.file, lambda: path.open("rb"), path.stat().st_size)
    with path.open("rb") as stream:
        kind = formats.guess(sheet.file, stream.read(1 << 16))
    if kind not in KINDS:
        raise PackError(f"{label}:1: this is neither a CSV file nor a workbook. Save the list as one of them.")
    fmt = Format(kind, {key: value for key, value in sheet.options.items() if key != "sheet"})
    batches, faults = [], []
    try:
        for item in formats.read(part, fmt):
            if "sheet" in sheet.options and item.kind != sheet.options["sheet"]:
                continue
            if isinstance(item, Reject):
                faults.append(Fault(item.place, f"the row cannot be read: {item.detail}."))
            elif isinstance(item, Batch):
                batches.append(_named(item.rows, sheet, names, needed, label))
                _demand_heading(batches[-1], sheet, label)
    except Unreadable as wrong:
        raise PackError(f"{label}:1: it cannot be read: {wrong.detail}.") from None
    if not batches and not faults:
        raise PackError(f"{label}:1: there is no row in it{_of_sheet(sheet)}.")
    empty = pa.schema([(PLACE, pa.int64()), *((name, pa.string()) for name in names)]).empty_table()
    return Listed(label, part, fmt, pa.concat_tables([empty, *batches]), faults)


def _of_sheet(sheet: Sheet) -> str:
    return f", or no sheet '{sheet.options['sheet']}'" if "sheet" in sheet.options else ""


def _named(
    table: pa.Table, sheet: Sheet, names: Sequence[str], needed: Sequence[Sequence[str]], label: str
) -> pa.Table:
    held = {name.strip().lower(): name for name in table.column_names}
    source = {name: held.get(sheet.columns.get(name, name).strip().lower()) for name in names}
    for name, column in sheet.columns.items():
        if source[name] is None:
            raise PackError(
                f"{label}:1: there is no column '{column}'. The columns are: {_columns(table)}. Where these are no "
                "headings but the first code, write `header: none` and number the columns: {code: 1, name: 2}."
            )
    for several in needed:
        if not any(source[name] for name in several):
            raise PackError(
                f"{label}:1: there is no column {' or '.join(several)}. The columns are: {_columns(table)}. Name the "
                f"one that holds it under `columns:` in {HEAD}."
            )
    empty = pa.array([""] * table.num_rows, pa.string())
    columns = {
        name: empty if column is None else pc.utf8_trim_whitespace(pc.fill_null(table[column].cast(pa.string()), ""))
        for name, column in source.items()
    }
    return pa.table({PLACE: table[PLACE], **columns})


def _demand_heading(rows: pa.Table, sheet: Sheet, label: str) -> None:
    """Raise PackError where the column of codes is called as its codes are: the heading is the list's first code."""
    told = sheet.columns.get("code", "")
    shapes = pc.replace_substring_regex(rows["code"], DIGIT, "0").value_counts()
    usual = {one["values"].as_py() for one in shapes if one["counts"].as_py() * SELDOM > rows.num_rows}
    if sheet.options.get("header") != form.NO_HEADER and re.search(DIGIT, told) and re.sub(DIGIT, "0", told) in usual:
        raise PackError(
            f"{label}:1: '{told}' looks like a code, not like the heading of a column. Where the file begins with its "
            "first code, write `header: none` and number the columns: {code: 1, name: 2}."
        )


def _columns(table: pa.Table) -> str:
    return ", ".join(name for name in table.column_names if name != PLACE)


def _filled(listed: Listed, sheet: Sheet) -> Listed:
    """The maps with what is the same for all of them; `equal` is said of those of which nothing is."""
    found = listed.rows
    for name, value in {"relation": "equal", **sheet.fixed}.items():
        column = pc.if_else(pc.equal(found[name], ""), value, found[name])
        found = found.set_column(found.schema.get_field_index(name), name, column)
    return replace(listed, rows=found)


def _look(opened: Workspace, engine: Engine) -> None:
    """The vocabulary as it is now, as views."""
    for name in ("concept", "concept_relationship", "vocabulary", "domain"):
        files = [opened.lake.root / one.path for one in opened.lake.deltas.files(name)]
        engine.view(name, files, empty=schema_of(name))


def _check(engine: Engine, name: str, told: Form, codes: Listed, maps: Sequence[Listed]) -> None:
    """Raise PackError with the faults of all tables, if there are any."""
    domains = frozenset(engine.rows(query("SELECT domain_id FROM domain"))["domain_id"].to_pylist())
    if told.domain not in domains:
        raise PackError(f"{told.place}: `domain` is {told.domain}, which is none. Known: {', '.join(sorted(domains))}.")
    found = [(codes, fault) for fault in (*codes.faults, *check.check_codes(codes.rows, told, domains))]
    known = frozenset(codes.rows["code"].to_pylist())
    for listed in maps:
        targets = _targets(engine, listed.rows)
        found += [(listed, one) for one in (*listed.faults, *check.check_maps(listed.rows, told, known, targets))]
    if found:
        shown = [_told(listed, fault) for listed, fault in found[:SHOWN]]
        more = f"\n… and {len(found) - SHOWN} more." if len(found) > SHOWN else ""
        count = f"{len(found)} faults" if len(found) > 1 else "a fault"
        raise PackError(f"{name} has {count}; nothing was loaded.\n" + "\n".join(shown) + more)


def _told(listed: Listed, fault: Fault) -> str:
    text = fault.text if fault.other is None else fault.text.replace("{line}", str(listed.line(fault.other)))
    return f"{listed.label}:{listed.line(fault.place)}: {text}"


def _targets(engine: Engine, maps: pa.Table) -> Targets:
    """What the lake has of the vocabularies and codes that maps name."""
    editions = engine.rows(query("SELECT vocabulary_id, coalesce(vocabulary_version, '') AS edition FROM vocabulary"))
    engine.load("asked", maps.select(["vocabulary", "target"]))
    found = engine.rows(query(
        "SELECT DISTINCT a.vocabulary AS vocabulary, a.target AS target FROM asked a "
        "JOIN concept c ON c.vocabulary_id = a.vocabulary AND c.concept_code = a.target"
    ))  # fmt: skip
    engine.drop("asked")
    pairs = zip(found["vocabulary"].to_pylist(), found["target"].to_pylist(), strict=True)
    return Targets(
        dict(zip(editions["vocabulary_id"].to_pylist(), editions["edition"].to_pylist(), strict=True)), frozenset(pairs)
    )


def _tables(engine: Engine, told: Form, codes: pa.Table, maps: Sequence[pa.Table]) -> dict[str, pa.Table]:
    """The pack as tables of the CDM. Raises InputError where a derived id is another's already."""
    for name, table in rows.tables(codes, maps, told).items():
        engine.load(name, table)
    words = {
        "vocabulary": literal(told.vocabulary), "home": literal(rows.HOME), "chinese": str(CHINESE),
        "begin": _day(told.valid_from), "end": _day(told.valid_to), "standard": str(told.standard).lower(),
    }  # fmt: skip
    engine.create("pack_owned", query(rows.OWNED.format(**words)))
    clashes = engine.rows(query(rows.CLASHES.format(**words))).to_pylist()
    if clashes:
        raise InputError(
            f"code '{clashes[0]['code']}' of {told.vocabulary} gets the concept id of '{clashes[0]['other']}'. Ids are "
            "derived and meet about once in ten thousand lists; give the vocabulary another id."
        )
    engine.create("pack_edges", query(rows.EDGES))
    engine.create("pack_targets", query(rows.TARGETS))
    engine.create("pack_meant", query(rows.MEANT))
    chinese = told.name.get("zh", "")
    own = {
        "concept_name": told.title, "concept_code": f"vocabulary:{told.vocabulary}",
        "chinese": chinese if chinese != told.title else "",
    }  # fmt: skip
    engine.load("pack_head", pa.Table.from_pylist([own]))
    engine.create("pack_term", query(rows.HEAD.format(**words)))
    _climb(engine)
    found = {
        "concept": rows.CONCEPT, "concept_synonym": rows.SYNONYM, "concept_relationship": rows.RELATIONSHIP,
        "concept_ancestor": rows.ANCESTOR,
    }  # fmt: skip
    made = {name: _typed(name, engine.rows(query(sql.format(**words)))) for name, sql in found.items()}
    concept = engine.rows(query("SELECT concept_id FROM pack_term"))["concept_id"][0].as_py()
    return {**made, **_lists(told, concept, made["concept"])}


def _climb(engine: Engine) -> None:
    """All paths up the hierarchy, a step at a time until no path is longer, as `pack_path`."""
    steps = 1
    engine.create("pack_step", query(rows.FIRST_STEP))
    engine.create("pack_path", query(rows.STEPS.format(steps=steps)))
    while engine.create("pack_next", query(rows.NEXT_STEP)):
        steps += 1
        engine.create("pack_step", query("SELECT * FROM pack_next"))
        engine.insert("pack_path", query(rows.STEPS.format(steps=steps)))


def _lists(told: Form, concept: int, concepts: pa.Table) -> dict[str, pa.Table]:
    """The rows of the tables that list vocabularies and classes; `concept` stands for the vocabulary."""
    own = {
        "vocabulary_id": told.vocabulary, "vocabulary_name": told.title, "vocabulary_reference": told.source,
        "vocabulary_version": told.edition, "vocabulary_concept_id": concept,
    }  # fmt: skip
    classes = [
        {"concept_class_id": name, "concept_class_name": name, "concept_class_concept_id": 0}
        for name in sorted(set(concepts["concept_class_id"].to_pylist()))
    ]
    return {
        "vocabulary": pa.Table.from_pylist([own], schema=schema_of("vocabulary")),
        "concept_class": pa.Table.from_pylist(classes, schema=schema_of("concept_class")),
    }


def _typed(name: str, table: pa.Table) -> pa.Table:
    return table.select(schema_of(name).names).cast(schema_of(name))


def _day(day: date) -> str:
    return f"CAST({literal(day.isoformat())} AS DATE)"


def _keep(opened: Workspace, folder: Path, told: Form) -> None:
    """Keep the pack's files as they were loaded, in place of those of an earlier load."""
    target = opened.root / FOLDER / told.vocabulary
    names = (HEAD, told.codes.file, *(one.file for one in told.maps))
    contents = {name: (folder / name).read_bytes() for name in names}  # the folder may be the kept one itself
    shutil.rmtree(target, ignore_errors=True)
    for name, content in contents.items():
        with replaced(target / name) as stream:
            stream.write(content)
