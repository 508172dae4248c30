"""What was decided about a code goes before lists and vocabularies, as far as the decision reaches."""

import pyarrow as pa
import pytest

from isthmus.base.clock import now
from isthmus.flow.coding import uses_of
from isthmus.flow.decided import concerning
from isthmus.flow.statement import query
from isthmus.records.models import Decision
from lib.spec import Spec
from lib.tables import drawn, said

PACK = """
== pack.yaml
pack: spec
derive: []
vocabularies: {LOINC: LOINC, "http://loinc.org": LOINC}
== r.yaml
person: p
let: {second: "concept(b, 'lab')"}
into:
  - table: measurement
    set:
      measurement_date: date('2024-03-05')
      measurement_concept_id: coalesce(nullif(concept(a, 'lab', called), 0), second, 0)
      unit_concept_id: concept(u, coalesce(system, 'unit'))
== codes/lab.csv
code,name,concept_id
AFP,alpha fetoprotein,3009306
== codes/unit.csv
code,name,concept_id
g/L,gram per litre,8636
"""


def decision(subject: str, key: str, *concepts: int, site: str = "", at: int = 1) -> Decision:
    return Decision(
        decision_id=at, sequence=at, kind="term", site=site, subject=subject, key=key, wording=key,
        answer=list(concepts), how="person", model="", confidence=None, author="li", made_at=now(), reason="",
        revokes=None,
    )  # fmt: skip


def codes(spec: Spec, *standing: Decision, site: str = "h01") -> list[dict[str, str | None]]:
    """The table of codes that a pack sees, for the code X1 of its list `lab` and the code 1751-7 of LOINC."""
    spec.decided = concerning(standing, site, spec.pack(PACK))
    spec.mapped(PACK, "a | b | u | called | system | p\n--+---+---+--------+--------+--\nX | X | X | X | | 1")
    asked = "SELECT _system, _code, _concept, _decision FROM code WHERE _code IN ('X1', '1751-7', 'AFP') ORDER BY ALL"
    return said(spec.engine.rows(query(asked)).to_pylist(), ["_system", "_code", "_concept", "_decision"])


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        ([], "AFP | 3009306 |"),
        ([decision("list:spec/lab", "AFP", 3024561, at=7)], "AFP | 3024561 | 7"),
        ([decision("list:spec/lab", "AFP", at=7)], "AFP | 0 | 7"),
        ([decision("list:other/lab", "AFP", 3024561, at=7)], "AFP | 3009306 |"),
        ([decision("list:spec/lab", "AFP", 3024561, site="h02", at=7)], "AFP | 3009306 |"),
        (
            [
                decision("list:spec/lab", "AFP", 3024561, site="h01", at=7),
                decision("list:spec/lab", "AFP", 3020630, at=8),
            ],
            "AFP | 3024561 | 7",
        ),
    ],
    ids=["undecided", "decided", "has no concept", "list of another pack", "another site", "own site before all"],
)
def test_a_decision_goes_before_the_list_of_the_pack(spec: Spec, standing: list[Decision], expected: str) -> None:
    found = [row for row in codes(spec, *standing) if row["_system"] == "lab"]
    want = drawn(f"_code | _concept | _decision\n------+----------+----------\n{expected}")
    assert [{name: row[name] for name in ("_code", "_concept", "_decision")} for row in found] == want


def test_a_decision_on_a_public_code_reaches_every_name_of_its_vocabulary(spec: Spec) -> None:
    found = [row for row in codes(spec, decision("LOINC", "1751-7", 3009306, at=9)) if row["_code"] == "1751-7"]
    assert {(row["_system"], row["_concept"], row["_decision"]) for row in found} == {
        ("LOINC", "3009306", "9"),
        ("http://loinc.org", "3009306", "9"),
    }


def told(spec: Spec, before: str, *standing: Decision) -> list[dict[str, str | None]]:
    """The rows of `coding` that the pack's rule gives."""
    pack = spec.pack(PACK)
    spec.decided = concerning(standing, "h01", pack)
    planned = spec.source(pack, drawn(before))
    spec.engine.create("after", planned.rules[0].select)
    statement = uses_of(planned.rules[0], "after")
    assert statement is not None
    found: pa.Table = spec.engine.rows(query(statement))
    spec.engine.drop("after")
    columns = ["system", "code", "name", "column", "concept_id", "decision_id"]
    return said(found.to_pylist(), columns)


def test_a_code_that_nothing_resolves_is_open_and_a_resolved_one_is_not(spec: Spec) -> None:
    before = """
        a   | b | u   | called | system | p
        ----+---+-----+--------+--------+--
        X1  |   | g/L | 甲     |        | 1
        AFP |   | IU  |        |        | 1
        """
    expected = """
        system         | code | name | column                 | concept_id | decision_id
        ---------------+------+------+------------------------+------------+------------
        list:spec/lab  | X1   | 甲   | measurement_concept_id | 0          |
        list:spec/unit | IU   |      | unit_concept_id        | 0          |
        """
    assert told(spec, before) == drawn(expected)


def test_alternatives_are_open_only_where_none_of_them_is_resolved(spec: Spec) -> None:
    before = """
        a  | b   | u | called | system | p
        ---+-----+---+--------+--------+--
        X1 | AFP |   |        |        | 1
        X2 | X3  |   |        |        | 2
        """
    expected = """
        system        | code | column                 | concept_id
        --------------+------+------------------------+-----------
        list:spec/lab | X2   | measurement_concept_id | 0
        list:spec/lab | X3   | measurement_concept_id | 0
        """
    found = told(spec, before)
    assert [{name: row[name] for name in ("system", "code", "column", "concept_id")} for row in found] == drawn(
        expected
    )


def test_a_code_that_a_decision_resolves_names_it(spec: Spec) -> None:
    before = """
        a  | b | u | called | system           | p
        ---+---+---+--------+------------------+--
        X1 |   | U |        | http://loinc.org | 1
        """
    expected = """
        system        | code | column                 | concept_id | decision_id
        --------------+------+------------------------+------------+------------
        LOINC         | U    | unit_concept_id        | 8636       | 4
        list:spec/lab | X1   | measurement_concept_id | 3024561    | 3
        """
    found = told(spec, before, decision("list:spec/lab", "X1", 3024561, at=3), decision("LOINC", "U", 8636, at=4))
    names = ("system", "code", "column", "concept_id", "decision_id")
    assert [{name: row[name] for name in names} for row in found] == drawn(expected)
