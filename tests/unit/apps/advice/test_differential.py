"""What findings point to: the numbers by hand, and what a wrong sheet is told."""

from pathlib import Path
from typing import Any

import pytest

from isthmus.apps.advice.differential.rank import Suggestion, differential, ratio
from isthmus.apps.advice.hooks.service import known_of, lake_chart
from isthmus.apps.advice.pack.base import read, shipped
from isthmus.apps.advice.pack.signs import Share
from isthmus.apps.contract import PackError
from isthmus.apps.contract.trial import Trial
from lib.advised import CIRRHOSIS, DAY, FOLDER, HEPATITIS_B, PACKAGE, changed, condition, person, request, result

ALT, ALP, BILIRUBIN, AFP = 3006923, 3035995, 3024128, 2000001001
PER_LITRE, UMOL, NANOGRAM = 8645, 8749, 8842
FEVER, PAIN = 437663, 200219


def _trial(*rows: dict[str, Any]) -> Trial:
    """A man of 64 with these rows and no other: all conditions that are not there are known not to be."""
    measured = [one for one in rows if "measurement_id" in one]
    ill = [one for one in rows if "condition_occurrence_id" in one]
    tables = {"person": [person()], "measurement": measured, "condition_occurrence": ill}
    return Trial(FOLDER, tables, package=PACKAGE, settings={"day": DAY.isoformat()})


def _suggested(*rows: dict[str, Any]) -> tuple[list[Suggestion], tuple[str, ...]]:
    base = shipped()
    with _trial(*rows) as trial:
        session = trial.context().session
        chart = lake_chart(session, "1", DAY)
        assert chart is not None
        found = differential(base, chart, known_of(base, session).concepts)
    return list(found.suggested), found.known


def test_a_ratio_and_its_ends_are_those_by_hand() -> None:
    share, others = Share(0.6, 0.8), Share(0.1, 0.2)  # middles 0.7 and 0.15
    there, gone = ratio(share, others, there=True), ratio(share, others, there=False)
    assert (there.middle, there.low, there.high) == pytest.approx((0.7 / 0.15, 0.6 / 0.2, 0.8 / 0.1))
    assert (gone.middle, gone.low, gone.high) == pytest.approx((0.3 / 0.85, 0.2 / 0.9, 0.4 / 0.8))
    assert there.low < there.middle < there.high
    assert gone.low < gone.middle < gone.high < 1


def test_alpha_fetoprotein_alone_by_hand() -> None:
    """Of liver cancers 20 to 40 % have it, of others 0.3 to 1.5 %: 0.30 / 0.009. There is no cirrhosis, which 70 to
    90 % of them have and 5 to 12 % of others: (1 - 0.80) / (1 - 0.085). Whether there is hepatitis B is not known.
    Before that 2 to 6 % had it."""
    found, _ = _suggested(result(1, AFP, 900, NANOGRAM), condition(1, FEVER, "2010-01-01"))
    (cancer,) = (one for one in found if one.disease == "liver_cancer")
    factor = 0.30 / 0.009 * (0.20 / 0.915)
    assert cancer.factor.middle == pytest.approx(factor)
    assert cancer.factor.low == pytest.approx(0.20 / 0.015 * (0.10 / 0.95))
    assert cancer.factor.high == pytest.approx(0.40 / 0.003 * (0.30 / 0.88))
    odds = 0.04 / 0.96 * factor
    assert cancer.chance.middle == pytest.approx(odds / (1 + odds))
    assert [(one.finding.name, one.there) for one in cancer.evidence] == [("afp_high", True), ("scarred", False)]
    assert [(row.table, row.id) for row in cancer.evidence[0].rows] == [("measurement", "1")]
    assert {one.name for one in cancer.open} == {"antigen", "platelets_low", "albumin_low"}


def test_of_findings_that_say_the_same_one_counts() -> None:
    """Hepatitis B (0.725 / 0.075 = 9.67) and cirrhosis (0.80 / 0.085 = 9.41) are both a background of liver cancer."""
    ill = condition(1, HEPATITIS_B), condition(2, CIRRHOSIS)
    found, known = _suggested(result(1, AFP, 900, NANOGRAM), *ill)
    (cancer,) = (one for one in found if one.disease == "liver_cancer")
    assert cancer.factor.middle == pytest.approx(0.30 / 0.009 * (0.725 / 0.075))
    assert [one.finding.name for one in cancer.evidence] == ["afp_high", "antigen"]
    assert set(known) == {"hepatitis_b", "cirrhosis"}
    assert not {"hepatitis_b", "cirrhosis"} & {one.disease for one in found}, "what is known is not suggested"


def test_the_likeliest_comes_first_and_what_nothing_speaks_for_does_not_come() -> None:
    """Fever, pain, jaundice and alkaline phosphatase: Charcot's triad with cholestasis."""
    found, _ = _suggested(
        result(1, ALP, 300, PER_LITRE), result(2, BILIRUBIN, 80, UMOL), condition(1, FEVER, "2024-03-20"),
        condition(2, PAIN, "2024-03-20"),
    )  # fmt: skip
    assert found[0].disease == "cholangitis"
    chances = [one.chance.middle for one in found]
    assert chances == sorted(chances, reverse=True)
    assert "gilbert" not in {one.disease for one in found}
    assert all(one.factor.middle > 1 and any(each.there for each in one.evidence) for one in found)
    assert _suggested(result(1, ALT, 20, PER_LITRE))[0] == []


def test_a_card_tells_it_with_rows_and_signs_in_both_languages() -> None:
    rows = [result(1, AFP, 900, NANOGRAM), condition(1, HEPATITIS_B)]
    with _trial(*rows) as trial:
        english = _card(trial, "en")
    with _trial(*rows) as trial:
        chinese = _card(trial, "zh")
    # 0.04/0.96 · 0.30/0.009 · 0.725/0.075 = 13.4; least 0.02/0.98 · 0.20/0.015 · 0.60/0.10, most 0.06/0.94 · 0.40/0.003
    # · 0.85/0.05.
    assert "primary liver cancer**: chance 93 % (62 % to 99 %)" in english["detail"]
    assert "alpha-fetoprotein of 400 ng/mL or more: times 33 (measurement 1)" in english["detail"]
    assert "原发性肝癌" in chinese["detail"]
    assert "甲胎蛋白 ≥ 400 ng/mL" in chinese["detail"]
    (first, *_) = english["extension"]["org.isthmus.advice"]["suggested"]
    evidence = first["evidence"][0]
    assert evidence["sign"].startswith("differential differential/signs.csv:")
    assert (evidence["textChecked"], evidence["strength"]) == (False, "consensus")
    assert evidence["rows"] == [["measurement", "1", "afp"]]


def _card(trial: Trial, language: str) -> Any:
    cards = trial.serve("advice-patient-view", request(), language)["cards"]
    (found,) = (one for one in cards if one["source"]["topic"]["code"] == "what_it_may_be")
    return found


def test_the_graph_has_what_points_to_what() -> None:
    found = {(one.one, one.other): one for one in shipped().graph.of("symptom_of")}
    assert found["afp", "liver_cancer"].source == "easl_hcc_signs"
    assert ("fever", "cholangitis") in found
    assert all(one.strength for one in found.values())


@pytest.mark.parametrize(
    ("file", "was", "becomes", "told"),
    [
        ("signs.csv", "alt_tenfold,acute_hepatitis,70,95", "alt_tenfold,acute_hepatitis,95,70", "the lower first"),
        ("signs.csv", "alt_tenfold,acute_hepatitis,70,95", "alt_tenfold,acute_hepatitis,70,100", "below 100"),
        ("signs.csv", "alt_tenfold,acute_hepatitis,70,95", "alt_tenfold,acute_hepatitis,many,95", "two percents"),
        ("signs.csv", "alt_tenfold,acute_hepatitis,70", "alt_elevenfold,acute_hepatitis,70", "no finding"),
        ("signs.csv", "alt_tenfold,acute_hepatitis,70", "alt_tenfold,asthma,70", "is no cause"),
        ("signs.csv", "95,consensus,acg_tests_2017", "95,consensus,acg_1917", "no source"),
        ("signs.csv", "95,consensus,acg_tests_2017", "95,sure,acg_tests_2017", "no strength"),
        ("signs.csv", "", "alt_tenfold,acute_hepatitis,70,95,consensus,acg_tests_2017,\n", "stands already at"),
        ("findings.yaml", "when: albumin < 35", "when: albumen < 35", "is not known here"),
        ("findings.yaml", "when: albumin < 35", "when: albumin + 35", "Write a condition"),
        ("findings.yaml", "of: albumin,", "of: albumen,", "there is no concept 'albumen'"),
        ("findings.yaml", "others: [8, 16], en: albumin", "others: 8, en: albumin", "two percents"),
        ("findings.yaml", "  gilbert: {", "  gilberts: {", "there is no disease 'gilberts'"),
        ("findings.yaml", "among: [2, 6], source: gilbert_teaching", "among: [2, 6], source: nobody", "no source"),
    ],
)  # fmt: skip
def test_a_wrong_sheet_is_told_with_file_and_line(tmp_path: Path, file: str, was: str, becomes: str, told: str) -> None:
    with pytest.raises(PackError, match=rf"differential/{file}:\d+: .*{told}"):
        read(changed(tmp_path, {file: (was, becomes)}, name="differential"))
