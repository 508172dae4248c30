"""What came since a moment, by FHIR: a patient who died since has changed, although the row of the person has not."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.base.durable import sha256_of
from isthmus.flow.ingest import publish
from isthmus.flow.schema import schema_of
from isthmus.flow.workspace import Workspace
from isthmus.lake.delta import DataFile
from lib import granted, workspace
from lib.calling import bearer, serving, short
from lib.granted import APPLICATION

TABLES = {"person": APPLICATION["tables"]["person"], "death": ["person_id", "death_date", "death_type_concept_id"]}


def died(opened: Workspace, person: int) -> None:
    """Publish an edition in which somebody has died."""
    schema = schema_of("death")
    row = dict.fromkeys(schema.names) | {"person_id": person, "site": granted.SITE}
    draft = opened.lake.root / "draft.parquet"
    pq.write_table(pa.Table.from_pylist([row], schema=schema), draft)
    path = opened.lake.root / "death" / f"{sha256_of(draft)}.parquet"
    path.parent.mkdir(exist_ok=True)
    file = DataFile("death", f"death/{path.name}", None, 1, draft.stat().st_size)
    draft.rename(path)
    with opened.lake.writing():
        opened.lake.deltas.commit("death", schema, add=[file], remove=[], batch="test")
        publish(opened, [])


def test_a_patient_who_died_since_is_told(tmp_path: Path) -> None:
    house = granted.granted(tmp_path, patients=8, tables=TABLES)
    opened = Workspace(house.root)
    before = opened.lake.editions.get(opened.lake.editions.numbers()[-1]).body["published_at"]
    died(opened, workspace.rows(opened, "person")[0]["person_id"])
    with serving(house) as client:
        answer = client.get(
            f"/fhir/{short(house.grant)}/Patient", params={"_lastUpdated": f"gt{before}"}, headers=bearer(house)
        )
    assert answer.status_code == 200, answer.text
    assert answer.json()["total"] == 1
