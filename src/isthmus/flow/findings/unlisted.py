"""Units that the dashboard's list for a test lacks and that laboratories write: no fault of a result.

The dashboard knows magnesium and urea as masses in a volume only, platelets not by 10*9/L. Its verdicts stay as they
are; a finding is for people who have to mend something, and here is nothing to mend.
"""

from collections.abc import Collection, Sequence

from isthmus.base.errors import InputError
from isthmus.cdm.units import concept
from isthmus.cdm.units.analyte import conversion
from isthmus.flow.failing import Failure
from isthmus.flow.quality import Quality, files_of
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import query
from isthmus.flow.workspace import Workspace
from isthmus.mapping.units.readings import usual

CHECK = "plausibleUnitConceptIds"
SEEN = """
    SELECT measurement_concept_id AS test, unit_concept_id AS unit FROM measurement
    WHERE measurement_concept_id IN ({tests}) AND unit_concept_id <> 0 GROUP BY ALL
"""


def without_unlisted(workspace: Workspace, found: Quality, listed: Sequence[Failure]) -> list[Failure]:
    """The failures but for those of units of which every one that a site writes can be led to the usual unit."""
    asked = {one.concepts[0] for one in listed if one.name == CHECK and one.concepts[0] in concept.analytes()}
    if not asked:
        return list(listed)
    with workspace.lake.engine() as engine:
        engine.view("measurement", files_of(workspace, found.edition, "measurement", found.site),
                    empty=schema_of("measurement"))  # fmt: skip
        rows = engine.rows(query(SEEN.format(tests=", ".join(map(str, sorted(asked)))))).to_pylist()
    fine = {test for test in asked if _are_usual(test, {row["unit"] for row in rows if row["test"] == test})}
    return [one for one in listed if one.name != CHECK or one.concepts[0] not in fine]


def _are_usual(test: int, seen: Collection[int]) -> bool:
    key, known = concept.analytes()[test], {number: code for code, number in concept.units().items()}
    if key not in usual() or not known.keys() >= set(seen):
        return False
    try:
        return all(conversion(key, known[unit], usual()[key].unit) for unit in seen)
    except InputError:  # a unit that cannot be read: the finding is told
        return False
