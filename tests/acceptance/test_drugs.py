"""Drug names of real hospitals: the drug tables of TCGA-LIHC, STAD, COAD and READ (`onc/tcga_biotab`), and ingredients
of RxNorm (`ohdsi/concepts-seen.parquet`, names only looked at).

Every distinct spelling of the tables was judged by eye. All of them are listed by `python -m benchmarks.units drugs`.
"""

from collections import Counter
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from benchmarks.biotab import drug_names

from isthmus.mapping.drugs.match import match

pytestmark = pytest.mark.acceptance

# Names that an oncologist may be able to explain, but we cannot: they must wait for a person.
UNCLEAR = {
    "lihc": {"LY228820", "Alvesin", "HEC.1 - Sorafenib vs Sorafenib plus Doxorubicin"},
    "stad": {"Polyplatillen", "PLFE/FLO", "PLFE", "FLC", "Didox", "Copolang", "COPOLANG CAPS", "Taxel", "Unkown"},
}
JUDGED = {
    "Naxavar": "sorafenib", "Nexavar": "sorafenib", "Sarafenib": "sorafenib", "Sorafinib ( Nexavar)": "sorafenib",
    "SORAFENIB": "sorafenib", "5-Flourouracil": "fluorouracil", "5 fluorouracilum": "fluorouracil",
    "ETC Posidum": "etoposide", "Cepecitabine": "capecitabine", "Micomycin": "mitomycin", "Oxaloplatin": "oxaliplatin",
    "Capecytabinum": "capecitabine", "Calcium Foliatum": "folinic acid", "Medrol": "methylprednisolone",
    "Cyclophosphane": "cyclophosphamide", "Leukine": "sargramostim", "Docetaxelum": "docetaxel",
}  # fmt: skip


def _names(outside: Path, cancer: str) -> Counter[str]:
    return drug_names(outside / "onc" / "tcga_biotab" / f"nationwidechildrens.org_clinical_drug_{cancer}.txt")


@pytest.mark.parametrize("cancer", UNCLEAR)
def test_every_spelling_has_its_ingredient_or_waits(outside: Path, cancer: str) -> None:
    names = list(_names(outside, cancer))
    found = dict(zip(names, match(pa.array(names)).to_pylist(), strict=True))
    assert {name for name, row in found.items() if row["how"] is None} == UNCLEAR[cancer]
    assert not [name for name, row in found.items() if name in JUDGED and row["ingredients"] != [JUDGED[name]]]
    print(cancer, Counter(row["how"] or row["reason"] for row in found.values()))


@pytest.mark.parametrize("cancer", ["coad", "read"])
def test_most_names_of_the_other_tables_are_matched(outside: Path, cancer: str) -> None:
    names = _names(outside, cancer)
    found = match(pa.array(list(names))).to_pylist()
    matched = sum(row["how"] is not None for row in found)
    print(cancer, f"{matched} of {len(names)} names")
    assert matched >= 0.9 * len(names)


def test_no_ingredient_is_taken_for_a_misspelling_of_another(outside: Path) -> None:
    """610 ingredients of RxNorm, most of them not in our lexicon: a match is the same substance or it is wrong."""
    sql = f"""SELECT DISTINCT lower(concept_name) FROM '{outside}/ohdsi/concepts-seen.parquet'
              WHERE vocabulary_id = 'RxNorm' AND concept_class_id = 'Ingredient' ORDER BY 1"""
    names = [name for (name,) in duckdb.sql(sql).fetchall()]
    found = match(pa.array(names)).to_pylist()
    other = {name: row["ingredients"] for name, row in zip(names, found, strict=True)
             if row["how"] and row["ingredients"] != [name]}  # fmt: skip
    print(f"{sum(row['how'] is not None for row in found)} of {len(names)} are known, {len(other)} by another name")
    same = {
        "penicillin v": "phenoxymethylpenicillin", "penicillin g": "benzylpenicillin", "valproate": "valproic acid",
        "cephalexin": "cefalexin", "cephradine": "cefradine", "rifampin": "rifampicin", "meperidine": "pethidine",
        "acetaminophen": "paracetamol", "epoetin alfa": "epoetin", "leuprolide": "leuprorelin",
    }  # fmt: skip
    assert other == {name: [ours] for name, ours in same.items()}
