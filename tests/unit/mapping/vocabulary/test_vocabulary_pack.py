"""A vocabulary pack says what it is; one with a fault is refused with the line, and all its faults are told."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.base.errors import PackError
from isthmus.cdm.starter import starter
from isthmus.mapping.vocabulary import form
from isthmus.mapping.vocabulary.check import rings
from lib import vocabularies


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        (
            "vocabulary: LOCAL-1",
            "vocabulary: 院内码",
            r"LOCAL-1/vocabulary\.yaml:1: '院内码' cannot be a vocabulary id",
        ),
        ("vocabulary: LOCAL-1", "vocabulary: A-NAME-OF-MORE-THAN-20", r"yaml:1: .* cannot be a vocabulary id"),
        ('edition: "1"\n', "", r"yaml:1: `edition:` is missing"),
        ("licence: none needed", "license: none needed", r"yaml:5: 'license' is not known here"),
        ("hierarchy: parent", "hierarchy: tree", r"yaml:7: `hierarchy` is none, parent or code"),
        ("hierarchy: parent", "language: fr", r"yaml:7: `language` is zh or en"),
        ("hierarchy: parent", "valid: {from: 2021-02-30}", r"yaml:7: '2021-02-30' is no date"),
        ("hierarchy: parent", "valid: {from: 2022-01-01, to: 2021-01-01}", r"yaml:7: the edition ends before"),
        ("hierarchy: parent", "codes: {columns: {label: x}}", r"yaml:7: 'label' is no column here"),
        ("hierarchy: parent", "maps: [{file: a.csv, relation: same}]", r"yaml:7: 'same' is no relation"),
        ("hierarchy: parent", "standard: maybe", r"yaml:7: `standard` is yes or no"),
        ("hierarchy: parent", "codes: {header: 3}", r"yaml:7: `header` can only be none"),
        ("hierarchy: parent", "maps: a.csv", r"yaml:7: `maps` is a list of mappings"),
        ("name: {zh: 测试代码, en: test list LOCAL-1}", "name: {fr: liste}", r"yaml:3: `name` has `en:` or `zh:`"),
    ],
)
def test_a_head_that_says_what_it_may_not_is_refused_with_its_line(
    tmp_path: Path, was: str, now: str, said: str
) -> None:
    pack = vocabularies.write(tmp_path, "code,name,parent\n")
    text = (pack / "vocabulary.yaml").read_text(encoding="utf-8")
    assert was in text
    (pack / "vocabulary.yaml").write_text(text.replace(was, now), encoding="utf-8")
    with pytest.raises(PackError, match=said):
        form.read(pack)


def test_all_faults_of_a_head_are_told_at_once(tmp_path: Path) -> None:
    pack = vocabularies.write(tmp_path, "code,name,parent\n")
    text = (pack / "vocabulary.yaml").read_text(encoding="utf-8")
    text = text.replace("vocabulary: LOCAL-1", "vocabulary: 院内码").replace("licence:", "license:")
    (pack / "vocabulary.yaml").write_text(text.replace("hierarchy: parent", "hierarchy: tree"), encoding="utf-8")
    with pytest.raises(PackError) as refused:
        form.read(pack)
    told = str(refused.value).splitlines()
    assert len(told) == 4
    for word in ("'license' is not known", "`licence:` is missing", "cannot be a vocabulary id", "`hierarchy` is none"):
        assert any(word in line for line in told), word


def test_a_folder_without_a_head_is_no_pack(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"holds no vocabulary\.yaml"):
        form.read(tmp_path)


def test_relations_of_maps_are_those_of_the_starter_vocabulary() -> None:
    known = {row["relationship_id"]: row["reverse_relationship_id"] for row in starter()["relationship"].to_pylist()}
    for one in form.relations().values():
        assert known[one.forward] == one.reverse
        assert known[one.reverse] == one.forward
        assert form.relations()[one.inverse].inverse == one.relation


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.lists(st.sampled_from("abcdefghx"), max_size=2), max_size=8))
def test_a_hierarchy_has_rings_exactly_when_a_code_is_above_itself(parents: dict[str, list[str]]) -> None:
    above = {code: set(several) for code, several in parents.items()}
    for _ in parents:
        for code in above:
            above[code] |= {far for one in list(above[code]) for far in above.get(one, ())}
    own = {code for code in above if code in above[code]}
    found = rings(parents)
    assert bool(found) == bool(own)
    for ring in found:
        assert set(ring) <= own
        assert all(after in parents[code] for code, after in zip(ring, (*ring[1:], ring[0]), strict=True))
