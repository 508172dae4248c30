"""A plan is of a dialect: hospitals share it, and each gets ids of its own."""

from pathlib import Path

import pyarrow as pa

from isthmus.flow.statement import query, stand, teach
from isthmus.lake.engine import Engine
from isthmus.mapping import pack as packs
from isthmus.mapping.plan import planned

PERSON = "key: name\nperson: name\ninto:\n  - table: person\n    set: {person_source_value: name}\n"


def test_sites_share_a_plan_and_have_ids_and_mappings_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "pack.yaml").write_text("pack: small\n")
    (tmp_path / "small" / "people.yaml").write_text(PERSON)
    one, again = (packs.load("small", [tmp_path]) for _ in range(2))
    made = planned(one, one.records[0], ["name"])
    assert planned(again, again.records[0], ["name"]) is made, "the pack was read again, and is the same"
    assert planned(one, one.records[0], ["name", "age"]) is not made
    engine = Engine(tmp_path / "scratch")
    teach(engine)
    engine.load("raw", pa.table({"_part": [1], "_seq": [1], "_place": [0], "name": ["ann"]}))
    found = []
    for number, site in enumerate(("h01", "h02"), start=1):
        stand(engine, site, number)
        engine.create("source", made.source)
        found += engine.rows(made.rules[0].select).select(["person_id", "mapping_id"]).to_pylist()
    engine.close()
    assert [row["mapping_id"] for row in found] == [1, 2]
    assert found[0]["person_id"] != found[1]["person_id"]
    assert query("SELECT 1") is query("SELECT 1")
