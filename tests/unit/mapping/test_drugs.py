"""Names of drugs: what hospitals write, what it means, and what must not be guessed."""

import random

import pyarrow as pa
import pytest
from benchmarks.slips import slipped

from isthmus.mapping.drugs import lexicon as lexicons
from isthmus.mapping.drugs.lexicon import HAN, lexicon, squeezed
from isthmus.mapping.drugs.match import match
from isthmus.mapping.drugs.near import slips
from isthmus.simulation import catalogue


@pytest.mark.parametrize(
    ("written", "ingredients", "atc", "how"),
    [
        ("Sorafenib", "sorafenib", "L01EX02", "exact"), ("NEXAVAR", "sorafenib", "L01EX02", "exact"),
        ("5- FU", "fluorouracil", "L01BC02", "exact"), ("５－ＦＵ", "fluorouracil", "L01BC02", "exact"),
        ("irinotecan HCl", "irinotecan", "L01CE02", "exact"), ("Oxaliplatinum", "oxaliplatin", "L01XA03", "exact"),
        ("Leucovorin Calcium", "folinic acid", "V03AF03", "exact"), ("Mitomycin C", "mitomycin", "L01DC03", "exact"),
        ("FUDR (Floxuridine)", "floxuridine", "L01BC09", "exact"), ("CPT-11", "irinotecan", "L01CE02", "exact"),
        ("sorafenib 400 mg po bid", "sorafenib", "L01EX02", "exact"),
        ("Doxorubicin HCl liposome injection 20mg/10ml", "doxorubicin", "L01DB01", "exact"),
        ("S-1", "tegafur gimeracil oteracil", "L01BC53", "exact"), ("SOM 230", "pasireotide", "H01CB05", "exact"),
        ("amoxicillin and clavulanate", "amoxicillin,clavulanic acid", "J01CR02", "exact"),
        ("Adriamycin/Cytoxan", "doxorubicin cyclophosphamide", "L01DB01 L01AA01", "exact"),
        ("mFOLFOX6", "folinic acid,fluorouracil,oxaliplatin", "V03AF03 L01BC02 L01XA03", "regimen"),
        ("Sarafenib", "sorafenib", "L01EX02", "misspelled"),
        ("5-Flourouracil", "fluorouracil", "L01BC02", "misspelled"),
        ("dexamethassone", "dexamethasone", "H02AB02", "misspelled"),
        ("甲苯磺酸索拉非尼片0.2g*60片", "sorafenib", "L01EX02", "exact"),
        ("注射用盐酸表阿霉素10mg", "epirubicin", "L01DB03", "exact"),
        ("紫杉醇（白蛋白结合型）", "paclitaxel", "L01CD01", "exact"),
        ("卡陪他宾片", "capecitabine", "L01BC06", "misheard"),
        ("注射用奥沙立铂", "oxaliplatin", "L01XA03", "misheard"),
        ("头孢哌酮钠舒巴坦钠", "cefoperazone sulbactam", "J01DD62", "exact"),
        ("信迪利单抗联合贝伐珠单抗", "sintilimab bevacizumab", "L01FF L01FG01", "exact"),
        ("左氧氟沙星氯化钠注射液", "levofloxacin", "J01MA12", "exact"),
        ("0.9%氯化钠注射液250ml", "sodium chloride", "B05XA03", "exact"),
        ("维生素B6片", "vitamin b6", "A11HA02", "exact"),
        ("聚乙二醇干扰素α-2a", "peginterferon alfa-2a", "L03AB11", "exact"),
        ("FOLFOX6方案", "folinic acid,fluorouracil,oxaliplatin", "V03AF03 L01BC02 L01XA03", "regimen"),
    ],
)  # fmt: skip
def test_a_name_leads_to_its_ingredients(written: str, ingredients: str, atc: str, how: str) -> None:
    found = match(pa.array([written])).to_pylist()[0]
    names = found["ingredients"] or []
    assert squeezed("".join(names)) == squeezed(ingredients)
    assert (" ".join(found["atc"]), found["how"], found["reason"]) == (atc, how, None)
    assert (found["score"] < 1) == (how == "misspelled")


@pytest.mark.parametrize(
    ("written", "reason", "candidate"),
    [
        ("Taxel", "unknown", "paclitaxel"), ("LY228820", "unknown", "ralimetinib"), ("护肝合剂", "unknown", None),
        ("5-FU + LEULOV", "partly", "fluorouracil"), ("Sorafenib vs Sorafenib plus Doxorubicin", "trial", "sorafenib"),
        ("Aflibercept/ Placebo Study", "trial", "aflibercept"), ("阿米替尼", "unknown", None),
        ("化疗", "unknown", None),
        ("calcium", "unknown", None), ("400 mg", "unknown", None), ("predniso", "unknown", "prednisone"),
        ("[Not Available]", "missing", None), ("", "missing", None), ("不详", "missing", None), (None, "missing", None),
    ],
)  # fmt: skip
def test_what_is_not_wholly_understood_goes_on_the_work_list(
    written: str | None, reason: str, candidate: str | None
) -> None:
    found = match(pa.array([written], pa.string())).to_pylist()[0]
    assert (found["ingredients"], found["atc"], found["how"], found["reason"]) == (None, None, None, reason)
    assert candidate is None or candidate in found["candidates"]


def test_names_that_look_alike_are_not_exchanged() -> None:
    """Each of these is near another drug's name; all are known, so none is taken for a misspelling."""
    alike = ["vinblastine", "vincristine", "vindesine", "carboplatin", "cisplatin", "prednisone", "prednisolone",
             "daunorubicin", "doxorubicin", "epirubicin", "idarubicin", "gefitinib", "erlotinib", "cefotaxime",
             "ceftazidime", "nifedipine", "nimodipine", "阿法替尼", "阿来替尼", "舒尼替尼"]  # fmt: skip
    found = match(pa.array(alike)).to_pylist()
    assert {row["how"] for row in found} == {"exact"}
    assert len({tuple(row["ingredients"]) for row in found}) == len(alike)


def test_a_column_keeps_its_length_and_order() -> None:
    column = pa.chunked_array([["sorafenib", None], ["?", "sorafenib"]])
    found = match(column)
    assert found["ingredients"].to_pylist() == [["sorafenib"], None, None, ["sorafenib"]]
    assert match(pa.array([], pa.string())).num_rows == 0


def test_drugs_of_the_simulated_pharmacy_are_recognised() -> None:
    """The simulation's names of products are its own; its English names differ where the INN is another."""
    known = catalogue.drugs().codes
    found = match(known.name).to_pylist()
    unread = [name for name, row in zip(known.name.to_pylist(), found, strict=True) if row["how"] is None]
    assert unread == ["院内制剂：护肝合剂", "院内制剂：止咳糖浆"]


def test_one_slip_is_forgiven_and_never_leads_to_another_drug() -> None:
    rng = random.Random(11)
    known = lexicon()
    names = sorted(name for name in known.names if name.isalpha() and not HAN.search(name) and len(name) >= 8
                   and name not in known.regimens)  # fmt: skip
    found = match(pa.array([slipped(name, rng) for name in names])).to_pylist()
    meant = [list(known.names[name][0].ingredients) for name in names]
    right = sum(row["ingredients"] == drug for row, drug in zip(found, meant, strict=True))
    wrong = sum(row["ingredients"] not in (None, drug) for row, drug in zip(found, meant, strict=True))
    assert len(names) > 500
    assert right >= 0.97 * len(names)
    assert wrong <= 0.002 * len(names)


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [("", "", 0), ("abc", "abc", 0), ("abc", "acb", 1), ("abc", "abbc", 1), ("abc", "xyz", 3), ("ca", "abc", 3)],
)
def test_slips_are_counted(one: str, other: str, count: int) -> None:
    assert slips(one, other) == slips(other, one) == count


def test_the_lexicon_holds_together() -> None:
    rows = lexicons._rows("lexicon.csv")
    assert len({row["ingredient"] for row in rows}) == len(rows)
    bad = [row["atc"] for row in rows if not _is_atc(row["atc"])]
    assert not bad


def _is_atc(code: str) -> bool:
    pattern = "ADDAADD"
    letters = all((kind == "A") == place.isalpha() for kind, place in zip(pattern, code, strict=False))
    return code == "" or (letters and len(code) in (3, 4, 5, 7))
