"""Findings of failed checks: what each says of a site's rows, with the files, columns and lines they came from."""

from collections.abc import Collection, Iterator, Sequence

from isthmus.flow.failing import Failure, Origin, traced
from isthmus.flow.places import Places
from isthmus.flow.quality import Quality, files_of
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import query
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.quality.checks.catalogue import Check
from isthmus.quality.findings.finding import Finding, Place, kinds


def of_checks(workspace: Workspace, found: Quality, listed: Sequence[Failure], places: Places) -> Iterator[Finding]:
    """A finding for each of some failed checks of a site, in their order. Reads the rows of each check anew."""
    named = _names(workspace, found.edition, {concept for one in listed for concept in one.concepts})
    known = {one.check.check_id: one.check for one in found.results}
    for one in traced(workspace, found, listed):
        check = known[one.check_id]
        led = [
            Place(origin.feed, origin.file, origin.rows, table=origin.table, row_id=origin.example, line=line,
                  sheet=sheet, columns=_led_from(places, one, origin, sheet))
            for origin in one.origins for line, sheet in [places.at(origin.part_id, origin.place)]
        ]  # fmt: skip
        yield Finding(
            found.site, _kind(one.name, check), one.check_id, one.violated, one.of, one.table, one.field, check.value,
            ", ".join(named.get(concept, str(concept)) for concept in one.concepts), tuple(led),
        )  # fmt: skip


def _led_from(places: Places, one: Failure, origin: Origin, sheet: str) -> tuple[str, ...]:
    """The columns that fill the field of a check; of persons who lack rows elsewhere, those of their number."""
    person = "person_source_value" if origin.table == "person" else "person_id"
    field = one.field if origin.table == one.table else person
    return places.columns(origin.feed, origin.table, field, origin.file, sheet)


def _kind(name: str, check: Check) -> str:
    """What a failed check is told as: a concept that is not there is another matter than a visit."""
    special = f"{name}.{check.target[0]}"
    return special if special in kinds() else name


def _names(workspace: Workspace, edition: Edition, concepts: Collection[int]) -> dict[int, str]:
    """The names of concepts."""
    wanted = ", ".join(map(str, sorted(concepts))) or "0"
    with workspace.lake.engine() as engine:
        engine.view("concept", files_of(workspace, edition, "concept"), empty=schema_of("concept"))
        rows = engine.rows(query(f"SELECT concept_id, concept_name FROM concept WHERE concept_id IN ({wanted})"))
    return dict(zip(rows["concept_id"].to_pylist(), rows["concept_name"].to_pylist(), strict=True))
