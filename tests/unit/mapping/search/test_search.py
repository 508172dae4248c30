"""What people type finds what they mean, the best first."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.mapping.search import store
from isthmus.mapping.search.ask import Search, Wanted
from isthmus.mapping.search.index import build
from isthmus.mapping.search.near import distances
from isthmus.mapping.search.sound import readings
from isthmus.mapping.search.syllable import spellings

NAMES = [
    # id, name, code, vocabulary, domain, standard, valid
    (1, "Hepatocellular carcinoma", "25370001", "SNOMED", "Condition", True, True),
    (2, "Carcinoma of liver", "93870000", "SNOMED", "Condition", True, True),
    (3, "Electrocardiogram", "29303009", "SNOMED", "Procedure", True, True),
    (4, "肝癌", "C22", "BJ", "Condition", False, True),
    (5, "原发性肝癌", "C22.0", "BJ", "Condition", False, True),
    (6, "膀胱恶性肿瘤", "C67", "BJ", "Condition", False, True),
    (7, "眼CT检查", "87.0", "OP", "Procedure", False, True),
    (8, "肝癌", "C22-OLD", "BJ0", "Condition", False, False),
    (9, "阑尾切除术", "47.0", "OP", "Procedure", False, True),
    (10, "Alanine aminotransferase in serum", "1742-6", "LOINC", "Measurement", True, True),
    (11, "Hepatitis", "40468003", "SNOMED", "Condition", True, True),
    (12, "Chronic hepatitis", "76783007", "SNOMED", "Condition", True, True),
    (13, "Steatohepatitis", "442685003", "SNOMED", "Condition", True, True),
]
SYNONYMS = [(1, "HCC"), (1, "肝细胞癌"), (10, "ALT"), (2, "Liver cancer"), (12, "Hepatitis")]
MAPS = [(4, 2), (5, 1), (8, 2)]


@pytest.fixture(scope="module")
def search() -> Search:
    columns = [pa.array(list(column)) for column in zip(*NAMES, strict=True)]
    names = ["concept_id", "concept_name", "concept_code", "vocabulary_id", "domain_id", "standard", "valid"]
    synonyms = pa.table({"concept_id": [one for one, _ in SYNONYMS], "name": [name for _, name in SYNONYMS]})
    maps = pa.table({"concept_id": [one for one, _ in MAPS], "standard_id": [one for _, one in MAPS]})
    return Search(build(pa.table(columns, names=names), synonyms, maps))


def _ids(search: Search, text: str, wanted: Wanted | None = None) -> list[int]:
    return [hit.concept_id for hit in search.find(text, wanted or Wanted())]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("hepatocellular carcinoma", 1), ("HEPATO", 1), ("carcinoma hepat", 1), ("tocellul", 1), ("hcc", 1),
        ("hepatocelular carcinoma", 1), ("hepatocelluarl", 1), ("ecg", 3), ("alt", 10), ("肝细胞癌", 1),
        ("原发性肝癌", 5), ("发性肝", 5), ("yuanfaxingganai", 5), ("yuan fa xing gan ai", 5), ("yfxga", 5), ("yfx", 5),
        ("pangguang", 6), ("pgexzl", 6), ("ct检查", 7), ("ＣＴ检查", 7), ("lanweiqiechushu", 9), ("lwqcs", 9),
        ("阑尾 术", 9), ("阑尾切出术", 9), ("C22.0", 5), ("c67", 6), ("25370001", 1), ("11", 11),
    ],
)  # fmt: skip
def test_what_is_typed_finds_what_is_meant(search: Search, text: str, first: int) -> None:
    assert _ids(search, text)[:1] == [first]


def test_a_whole_name_goes_before_a_synonym_a_beginning_a_word_and_a_part(search: Search) -> None:
    assert [(hit.concept_id, hit.how) for hit in search.find("hepatitis")] == [
        (11, "exact"), (12, "synonym"), (13, "part"),
    ]  # fmt: skip


def test_of_equal_names_the_one_that_is_valid_goes_first(search: Search) -> None:
    assert _ids(search, "肝癌")[:2] == [4, 8]


def test_a_domain_or_vocabulary_leaves_the_others_out(search: Search) -> None:
    assert _ids(search, "ct检查", Wanted(domains=("Condition",))) == []
    assert _ids(search, "肝癌", Wanted(vocabularies=("BJ0",))) == [8]
    assert set(_ids(search, "肝癌", Wanted(standard=True))) <= {1, 2}


def test_a_code_stands_for_the_standard_concept_that_it_maps_to(search: Search) -> None:
    hits = search.find("原发性肝癌", Wanted(domains=("Condition",), mapped=True))
    assert [(hit.concept_id, hit.found) for hit in hits] == [(1, "原发性肝癌")]
    assert _ids(search, "C22", Wanted(mapped=True)) == [2, 1]
    assert _ids(search, "肝癌", Wanted(domains=("Procedure",), mapped=True)) == []


@pytest.mark.parametrize("text", ["", "   ", "。，", "zzzzqqqq", "龘龘", "x" * 300, "'; DROP", "\\", "["])
def test_what_nothing_is_called_finds_nothing_or_little(search: Search, text: str) -> None:
    assert len(_ids(search, text)) <= 3


def test_no_more_are_given_than_asked_for(search: Search) -> None:
    assert len(search.find("c", most=2)) == 2


def test_an_index_that_was_kept_answers_the_same(search: Search, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    store.save(search.index, folder)
    kept = Search(store.load(folder))
    for text in ("hepatitis", "ganai", "C22", "hepatocelular", "肝"):
        assert kept.find(text) == search.find(text)


def test_an_empty_vocabulary_is_searched_in_vain() -> None:
    text = pa.string()
    concepts = pa.schema([
        ("concept_id", pa.int64()), ("concept_name", text), ("concept_code", text), ("vocabulary_id", text),
        ("domain_id", text), ("standard", pa.bool_()), ("valid", pa.bool_()),
    ]).empty_table()  # fmt: skip
    synonyms = pa.schema([("concept_id", pa.int64()), ("name", text)]).empty_table()
    maps = pa.schema([("concept_id", pa.int64()), ("standard_id", pa.int64())]).empty_table()
    found = Search(build(concepts, synonyms, maps))
    assert [found.find(one) for one in ("a", "肝", "ganai", "1", "hepatocel")] == [[]] * 5


@settings(deadline=None)
@given(st.lists(st.text(alphabet="肝癌胆囊膀胱炎A1c -", min_size=1, max_size=8), min_size=1, max_size=12), st.data())
def test_any_part_of_a_chinese_name_is_found(names: list[str], data: st.DataObject) -> None:
    """Held against the obvious way: names that hold the text."""
    count = len(names)
    concepts = pa.table({
        "concept_id": np.arange(1, count + 1), "concept_name": names, "concept_code": ["-"] * count,
        "vocabulary_id": ["V"] * count, "domain_id": ["D"] * count, "standard": [True] * count, "valid": [True] * count,
    })  # fmt: skip
    none = pa.schema([("concept_id", pa.int64()), ("name", pa.string()), ("standard_id", pa.int64())]).empty_table()
    found = Search(build(concepts, none, none))
    text = data.draw(st.text(alphabet="肝癌胆囊膀胱炎", min_size=1, max_size=3))
    holding = {number for number, name in enumerate(names, start=1) if text in name}
    hits = {hit.concept_id for hit in found.find(text, most=count) if hit.how != "like"}
    assert hits == holding


def test_letters_are_read_as_syllables_in_every_way() -> None:
    syllables = readings().syllables
    read = {
        "-".join("|".join(syllables[number] for number in place) for place in way[:-1]) + "-" + syllables[way[-1][0]]
        for way in spellings("xianai", syllables)
    }
    assert {"xian-ai", "xi-an-ai"} <= read


def test_a_phrase_is_read_as_people_read_it() -> None:
    points = np.array([ord(letter) for letter in "膀胱癌"])
    told = [readings().syllables[sign - 0xE000] for sign in readings().read(points)]
    assert told == ["pang", "guang", "ai"]


@given(st.text("abc", min_size=1, max_size=6), st.lists(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=5))
def test_slips_are_counted_as_the_slow_way_counts_them(word: str, words: list[str]) -> None:
    assert distances(word, pa.array(words)).tolist() == [_slow(word, other) for other in words]


def _slow(one: str, other: str) -> int:
    """Optimal string alignment, as its definition has it."""
    table = [[max(i, j) if not min(i, j) else 0 for j in range(len(other) + 1)] for i in range(len(one) + 1)]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            table[i][j] = min(
                table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (one[i - 1] != other[j - 1])
            )
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]
