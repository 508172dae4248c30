"""Chinese clinical terms to the terms of a code list, learned from labelled wordings.

Source, in the outside data: `cn/procedure_terms` (MIT, CHIP-2019 form): 4,000 decided procedures, 1,000 others, 9,866
targets. Fine-tuned pre-trained models are reported near 94.8 % accuracy; characters and training synonyms alone gave
70.3 % (recall@10 93.6 %) on a part that is kept aside. Diagnoses (`cn/diagnosis_terms`) take longer than a test may:
`python -m benchmarks.meaning diagnoses`.
"""

from pathlib import Path

import pytest
from benchmarks.meaning.terms import code_list, labelled, measure

from isthmus.mapping.terms.evaluate import Figures

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def figures(outside: Path) -> Figures:
    folder = outside / "cn/procedure_terms"
    train, test = labelled(folder / "chip_cdn_train.csv"), labelled(folder / "chip_cdn_dev.csv")
    assert (len(train), len(test)) == (4000, 1000)
    return measure(train, test, code_list(folder / "code.txt", "Procedure"))[1]


def test_procedures_reach_their_accuracy(figures: Figures) -> None:
    assert figures.top >= 0.90
    assert figures.accuracy >= 0.88
    assert figures.f1 >= 0.89


def test_the_right_procedure_is_on_the_first_page(figures: Figures) -> None:
    assert figures.recall >= 0.97


def test_automatic_mapping_is_right_and_spares_half_of_the_work(figures: Figures) -> None:
    share, _, _ = figures.precision
    # Half is what is promised. 0.542 was measured on one machine and 0.499 on another, whose arithmetic differs in the
    # last digits: where the surest answers end hangs on single wordings.
    assert figures.coverage >= 0.48
    assert share >= 0.99
