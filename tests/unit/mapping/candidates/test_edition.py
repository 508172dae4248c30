"""Codes of national editions and the shorter codes that they lengthen."""

import pytest

from isthmus.mapping.candidates.edition import asked, forms, same


@pytest.mark.parametrize(
    ("code", "domain", "found"),
    [
        ("K76.000x005", "Condition", ["K76.000X005", "K76.000", "K76.00", "K76.0", "K76"]),
        ("I10.x00x002", "Condition", ["I10.X00X002", "I10.X00", "I10.00", "I10.0", "I10"]),
        ("k72.900x003+G94.3*", "Condition", ["K72.900X003", "K72.900", "K72.90", "K72.9", "K72"]),
        ("C22", "Condition", ["C22"]),
        ("50.2200x003", "Procedure", ["50.2200X003", "50.2200", "50.220", "50.22", "50.2"]),
        ("50.3x00", "Procedure", ["50.3X00", "50.3"]),
        ("C22.0", "Drug", []),
        ("D01", "Procedure", []),
        ("ZZ9999", "Condition", []),
        ("", "Condition", []),
    ],
)
def test_a_code_is_shortened_to_the_codes_it_lengthens(code: str, domain: str, found: list[str]) -> None:
    assert forms(code, domain) == found


def test_only_zeros_may_be_taken_away_for_a_code_to_stay_the_same() -> None:
    assert same("K76.0", "K76.000")
    assert same("C22.9", "C22.900")
    assert not same("K76", "K76.000x005")
    assert not same("C22", "C22.900")


def test_only_domains_with_editions_are_looked_up() -> None:
    assert asked(3, "C22.0", ("Drug", "Unit")) == []
    assert {(line["row"], line["vocabulary"]) for line in asked(3, "C22.0", ("Condition",))} == {
        (3, "ICD10CN"), (3, "ICD10"), (3, "ICD10CM"),
    }  # fmt: skip
