"""Identifiers in English texts: the 1,500 synthetic texts of presidio-research (synth_dataset_v2.json, MIT).

Names there are of many countries, and sentences are of shops and banks, not of hospitals. Nothing is known of the
persons of these texts, as it is in a lake: only recognisers are tried. A thing counts as found where every letter of
it is masked. Towns, countries, years alone, days of the week, ages below 90, titles, nationalities and firms are no
identifiers here and are not looked for: what is said of them is how much of them went all the same. The floors are a
little below what was measured when they were written, for whatever makes the recognisers worse.
"""

import json
from pathlib import Path

import pytest

from lib.deidentified import scored
from lib.masked import masked

FLOORS = {
    "CREDIT_CARD": 1.0, "EMAIL_ADDRESS": 1.0, "IBAN_CODE": 1.0, "IP_ADDRESS": 1.0, "US_SSN": 1.0, "DOMAIN_NAME": 1.0,
    "US_DRIVER_LICENSE": 1.0, "PHONE_NUMBER": 0.92, "STREET_ADDRESS": 0.6, "PERSON": 0.6,
}  # fmt: skip
NOT_LOOKED_FOR = {"GPE", "ORGANIZATION", "DATE_TIME", "TITLE", "AGE", "NRP", "ZIP_CODE"}


@pytest.mark.acceptance
def test_identifiers_of_presidios_texts_are_masked(outside: Path) -> None:
    path = outside / "priv/presidio_research/synth_dataset_v2.json"
    cases = json.loads(path.read_text(encoding="utf-8"))
    assert len(cases) == 1500
    texts = []
    for case, said in zip(cases, masked(*(one["full_text"] for one in cases)), strict=True):
        marked: dict[str, list[tuple[int, int]]] = {}
        for span in case["spans"]:
            marked.setdefault(span["entity_type"], []).append((span["start_position"], span["end_position"]))
        texts.append((case["full_text"], str(said), marked))
    recall, precision = scored(texts)
    print(*(f"recall    {one.name:18} {one.share:6.3f}  of {one.whole}" for one in recall), sep="\n")
    print(*(f"precision {one.name:18} {one.share:6.3f}  of {one.whole}" for one in precision), sep="\n")
    assert {one.name for one in recall} == set(FLOORS) | NOT_LOOKED_FOR
    assert not [one for one in recall if one.share < FLOORS.get(one.name, 0)]
    assert min(one.share for one in precision) >= 0.95
