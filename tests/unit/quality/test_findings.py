"""Findings speak in two languages, have ids that stay, and are read in an order."""

import string

import pytest

from isthmus.quality.checks import catalogue
from isthmus.quality.findings.finding import GRADES, LANGUAGES, MAPPING, SITE, Finding, kinds, worst_first

FIELDS = {"table", "field", "value", "detail"}


def test_every_kind_of_check_has_words_in_both_languages() -> None:
    checked = {one.type.name for one in (*catalogue.checks("5.4"), *catalogue.checks("5.3"), *catalogue.rules("5.4"))}
    assert checked <= set(kinds())
    for name, kind in kinds().items():
        assert kind.whose in (SITE, MAPPING), name
        assert kind.grade in GRADES, name
        for texts in (kind.says, kind.mend):
            assert set(texts) == set(LANGUAGES)
            for language, text in texts.items():
                named = {field for _, field, _, _ in string.Formatter().parse(text) if field}
                assert named <= FIELDS, name
                assert any("一" <= letter <= "鿿" for letter in text) == (language == "zh"), (name, language)
        sides = [{field for _, field, _, _ in string.Formatter().parse(kind.says[one]) if field} for one in LANGUAGES]
        assert sides[0] == sides[1], name


def test_an_id_is_that_of_site_kind_and_key_alone() -> None:
    one = Finding("a", "repeats", "his/x.csv", 3)
    assert one.finding_id == Finding("a", "repeats", "his/x.csv", 99, of=100).finding_id
    others = [Finding("b", "repeats", "his/x.csv", 3), Finding("a", "conflicts", "his/x.csv", 3),
              Finding("a", "repeats", "his/y.csv", 3)]  # fmt: skip
    assert len({one.finding_id, *(other.finding_id for other in others)}) == 4


def test_a_finding_says_what_is_wrong_and_how_it_is_mended() -> None:
    one = Finding("a", "plausibleAfterBirth", "k", 5, 200, "death", "death_date")
    assert one.says() == "Rows of “deaths” before birth (“death: day”)."
    assert one.says("zh") == "“死亡”中有记录早于出生日期（“死亡日期”）。"
    assert one.place == "death.death_date"
    assert one.mend("zh") == "请核对出生日期或患者编号是否有误。"
    assert (one.percent, one.whose, one.grade) == (2.5, SITE, "characterization")


def test_the_worst_come_first() -> None:
    listed = [Finding("a", kind, "k", rows) for kind, rows in (("repeats", 900), ("conflicts", 5), ("silence", 1),
                                                              ("quarantine.other", 7))]  # fmt: skip
    assert [one.kind for one in worst_first(listed)] == ["quarantine.other", "silence", "conflicts", "repeats"]


def test_a_word_that_lacks_is_an_error() -> None:
    with pytest.raises(KeyError):
        Finding("a", "nonsense", "k", 1).says()
