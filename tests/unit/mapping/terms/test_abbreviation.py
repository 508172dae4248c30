"""Abbreviations in wordings: their meaning is written behind them, and what nobody has seen is told."""

import re
from importlib.resources import files

import pyarrow as pa

from isthmus.mapping.terms.abbreviation import WORD, familiar, meanings, spelled, strange
from isthmus.mapping.terms.writing import plain


def test_an_abbreviation_gets_its_meaning_behind_it_where_it_stands_as_a_word() -> None:
    told = spelled(pa.array(["ＴＡＣＥ术", "TACE、PCI术后", "PCIX 2PCI", "右肝切除", None])).to_pylist()
    assert told == [
        "tace经导管动脉化疗栓塞术术", "tace经导管动脉化疗栓塞术,pci经皮冠状动脉介入治疗术后", "pcix 2pci",
        "右肝切除", "",
    ]  # fmt: skip


def test_a_word_that_no_text_and_no_list_has_is_strange() -> None:
    known = familiar(plain(pa.array(["DJ管取出", "DJ管置入", "Zimmer假体 zimmer"])), 2)
    texts = plain(pa.array(["DJ管", "TACE", "Zimmer", "X线", "肝切除", "K3膝"]))
    assert strange(texts, known).tolist() == [False, False, True, False, False, False]
    assert not strange(texts, familiar(texts)).any()


def test_no_abbreviation_stands_twice_and_each_is_a_word_with_a_meaning() -> None:
    lines = (files("isthmus.mapping.terms") / "abbreviation.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert len(meanings()) == len(lines)
    assert [one for one, meaning in meanings().items() if not re.fullmatch(WORD, one) or not meaning] == []
