"""The terminology service over a workspace: look up, validate, translate, expand, and a search that keeps up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from isthmus.base.errors import InputError
from isthmus.flow import start
from isthmus.flow.terminology import pack as vocabulary_pack
from isthmus.flow.terminology import search
from isthmus.flow.terminology.service import Item, Terminology, Wanted
from isthmus.flow.workspace import Workspace
from lib import vocabularies

FATTY_LIVER = 4059290
CODES = """\
code,name,name_en,parent,status,synonyms,valid_to
K76,其他肝病,,,,,
K76.0,脂肪肝,fatty liver disease,K76,,脂肪变性,
K76.1,旧的肝病,,K76,retired,,2020-12-31
"""
MAPS = "code,vocabulary,target,relation\nK76.0,SNOMED,197321007,equal\n"
CLINICAL = "code,vocabulary,target,relation\nX1,NATION-2,K76.0,equal\nX2,NATION-2,K76,narrower\n"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("terms")
    made = start.new(root / "ws", synthetic=True)
    nation = vocabularies.write(root, CODES, vocabulary="NATION-2", edition="2.0", maps=MAPS)
    vocabulary_pack.load(made, nation)
    clinic = vocabularies.write(
        root, "code,name\nX1,脂肪肝病\nX2,肝病\n", vocabulary="CLINIC-1", hierarchy="none", maps=CLINICAL
    )
    vocabulary_pack.load(made, clinic)
    return made


@pytest.fixture(scope="module")
def terms(opened: Workspace) -> Iterator[Terminology]:
    with Terminology.of(opened) as found:
        yield found


def test_a_code_is_looked_up_with_edition_names_parents_children_and_maps(terms: Terminology) -> None:
    found = terms.lookup("NATION-2", "K76.0")
    assert found is not None
    assert (found.code.name, found.code.edition, found.code.standard) == ("脂肪肝", "2.0", False)
    assert list(found.synonyms) == ["fatty liver disease", "脂肪变性"]
    assert [one.code for one in found.parents] == ["K76"]
    assert {(one.relation, one.target.vocabulary) for one in found.maps} == {("equal", "SNOMED"), ("equal", "CLINIC-1")}
    top = terms.lookup("NATION-2", "K76")
    assert top is not None
    assert [one.code for one in top.children] == ["K76.0", "K76.1"]
    assert terms.lookup("NATION-2", "K99") is None


@pytest.mark.parametrize(
    ("code", "edition", "display", "said"),
    [
        ("K76.0", None, None, ""),
        ("K76.0", "2.0", "脂肪肝", ""),
        ("K76.0", None, "Fatty Liver Disease", ""),  # a synonym, in another case
        ("K76.0", "1.0", None, "edition '1.0' of NATION-2 is not here; this is 2.0."),
        ("K76.0", None, "肝癌", "'K76.0' of NATION-2 is called '脂肪肝', not '肝癌'."),
        ("K76.1", None, None, "'K76.1' of NATION-2 is not valid any more, or not yet."),
        ("K99", None, None, "'K99' is no code of NATION-2."),
    ],
)
def test_a_code_is_validated(
    terms: Terminology, code: str, edition: str | None, display: str | None, said: str
) -> None:
    verdict = terms.validate("NATION-2", code, edition=edition, display=display)
    assert (verdict.valid, verdict.message) == (not said, said)


def test_a_vocabulary_that_is_not_here_is_told_with_those_that_are(terms: Terminology) -> None:
    assert "vocabulary 'ICD11' is not in this workspace. Known: " in terms.validate("ICD11", "A").message
    with pytest.raises(InputError, match="'K99' is no code of NATION-2"):
        terms.translate("NATION-2", "K99")


def test_a_map_leads_both_ways_and_through_a_code_of_equal_meaning(terms: Terminology) -> None:
    assert [(one.relation, one.target.code) for one in terms.translate("CLINIC-1", "X2")] == [("narrower", "K76")]
    assert [(one.relation, one.target.code) for one in terms.translate("NATION-2", "K76")] == [("wider", "X2")]
    (found,) = terms.translate("CLINIC-1", "X1", to="SNOMED")
    assert (found.relation, found.target.concept_id) == ("equal", FATTY_LIVER)
    assert found.through is not None
    assert found.through.code == "K76.0"
    assert terms.translate("CLINIC-1", "X2", to="SNOMED") == []  # narrower and equal is not equal


def test_a_concept_set_is_expanded_filtered_and_paged(terms: Terminology) -> None:
    top = terms.validate("NATION-2", "K76").code
    below = terms.validate("NATION-2", "K76.0").code
    assert top is not None
    assert below is not None
    everything = terms.expand([Item(top.concept_id, descendants=True)])
    assert [one["code"] for one in everything.concepts] == ["K76", "K76.0"]  # a retired descendant is none
    without = terms.expand([Item(top.concept_id, descendants=True), Item(below.concept_id, excluded=True)])
    assert [one["code"] for one in without.concepts] == ["K76"]
    page = terms.expand([Item(top.concept_id, descendants=True)], offset=1, count=1)
    assert (page.total, [one["code"] for one in page.concepts]) == (2, ["K76.0"])
    past = terms.expand([Item(top.concept_id, descendants=True)], offset=9)
    assert (past.total, past.concepts) == (2, [])
    named = terms.expand([Item(top.concept_id, descendants=True)], text="脂肪")
    assert [one["code"] for one in named.concepts] == ["K76.0"]


def test_what_maps_to_a_concept_belongs_to_a_set_that_asks_for_it(terms: Terminology) -> None:
    plain = {one["code"] for one in terms.expand([Item(FATTY_LIVER)]).concepts}
    mapped = {one["code"] for one in terms.expand([Item(FATTY_LIVER, mapped=True)]).concepts}
    assert mapped - plain == {"K76.0", "X1"}  # X1 is equal to K76.0, and so means what that does
    standard = terms.expand([Item(FATTY_LIVER, mapped=True)], standard=True)
    assert {one["code"] for one in standard.concepts} == plain
    assert terms.expand([]).total == 0


def test_the_search_knows_a_list_as_soon_as_it_is_loaded_and_forgets_it(opened: Workspace, tmp_path: Path) -> None:
    with Terminology.of(opened) as before:
        assert before.search("凶险性胎盘前置") == []
    pack = vocabularies.write(tmp_path, "code,name\n1,凶险性胎盘前置\n", vocabulary="LATER", hierarchy="none")
    vocabulary_pack.load(opened, pack)
    with Terminology.of(opened) as after:
        for text in ("凶险性胎盘", "xxxtpqz", "xiongxianxing"):
            assert [hit.code for hit in after.search(text, Wanted(vocabularies=("LATER",)))] == ["1"]
    vocabularies.write(tmp_path, "code,name\n1,前置胎盘\n", vocabulary="LATER", hierarchy="none")
    vocabulary_pack.load(opened, pack)
    with Terminology.of(opened) as last:
        assert "凶险性胎盘前置" not in [hit.found for hit in last.search("凶险性胎盘前置")]
        assert [hit.name for hit in last.search("前置胎盘")] == ["前置胎盘"]
    assert len(list((opened.root / "search").iterdir())) == 1  # that of former vocabularies is forgotten


def test_an_index_that_was_damaged_is_made_anew(opened: Workspace) -> None:
    search.index_of(opened)
    (folder,) = (opened.root / "search").iterdir()
    (folder / "terms.arrow").write_bytes(b"not an index")
    assert search.search(opened).find("脂肪肝")


def test_who_may_not_write_searches_all_the_same(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr(search.store, "save", refused)
    monkeypatch.setattr(search, "FOLDER", "elsewhere")
    assert search.search(opened).find("脂肪肝")
