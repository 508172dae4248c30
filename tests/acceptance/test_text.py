"""Entities of Chinese records: the annotated hospital notes of Yidu-S4K (train and validate; research terms).

A model of that data is made here and thrown away. The reference figures were measured on a part that is kept aside: a
field over letters 78.3, a fine-tuned language model 87.7 (micro F1, strict). Takes about 100 s of a processor.
"""

from pathlib import Path

import pytest

from isthmus.mapping.text.tagger import bio, pipeline, score

LISTS = ("medical_ner_dict/medical_ner_dict.csv", "thuocl/THUOCL_medical.txt")


@pytest.mark.acceptance
def test_entities_of_chinese_records_are_found(outside: Path, tmp_path: Path) -> None:
    lists = [bio.words(outside / "cn" / name) for name in LISTS]
    pipeline.train(bio.read(outside / "cn/yidu_s4k/yidu.train"), tmp_path / "model", pipeline.Settings(), lists)
    truth = bio.read(outside / "cn/yidu_s4k/yidu.validate")
    guess = pipeline.load(tmp_path / "model").tag([one.text for one in truth])
    rows = score.by_type([one.entities for one in truth], guess)
    for row in rows:
        print(f"{row.name:10} P {row.precision:5.2f} R {row.recall:5.2f} F1 {row.f1:5.2f}  ({row.truth:,} in truth)")
    assert rows[-1].f1 >= 81.5
