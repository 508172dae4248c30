"""Identifiers in texts: what is masked, what clinical text stays, and how what is known of a person is looked for."""

import csv
from importlib.resources import files

import pytest

from isthmus.gate.text.mask import recognisers, words
from isthmus.gate.text.own import FIELDS
from isthmus.mapping.identity import IDENTITY
from lib.masked import masked, masked_with

GONE = """
姓名：王建国  性别：男  病人号：P0001234 | 姓名：[name]  性别：男  病人号：[id]
患者王建国，男，56岁，入院 | 患者[name]，男，56岁，入院
联系人：李秀英（妻子），电话：13812345678 | 联系人：[name]（妻子），电话：[phone]
电话0571-87654321 | 电话[phone]
身份证号330106195803124517。 | 身份证号[id]。
证件330106580312451 | 证件[id]
家住浙江省杭州市西湖区文三路12号3栋201室。 | 家住[address]。
记录日期：2024年3月1日，记录者：张伟 | 记录日期：[date]，记录者：[name]
术者：陈明，助手：欧阳建、李四 | 术者：[name]，助手：[name]、[name]
请张主任会诊 | 请[name]主任会诊
患者李秀英因上腹痛入院，由王芳陪同 | 患者[name]因上腹痛入院，由[name]陪同
刘洋诉胸痛三天。已与黄伟谈话 | [name]诉胸痛三天。已与[name]谈话
母亲李桂兰（电话同上） | 母亲[name]（电话同上）
92岁女性 | [age]岁女性
微信：wang_jg88 | 微信：[link]
write to ann.b@example.org or https://example.org/a?b=1 | write to [email] or [link]
from 10.1.200.3 | from [link]
SSN 460-89-9847, card 4454 7945 1139 0933 | SSN [id], card [card]
IBAN GB56HXDO88167774656119 | IBAN [id]
Mr. John Smith, MRN: 00123456 | Mr. [name], MRN: [id]
call 905-674-3793 or +46 (0)8 928 571 38 | call [phone] or [phone]
seen on March 5th, 2024 and 2024-03-05 08:30 | seen on [date] and [date]
lives at 12 Main Street, Springfield, IL 62701. | lives at [address].
Šárka Ottová came | [name] came
"""
KEPT = """
患者高热，伴畏寒。血压130/80mmHg，ALT 120U/L，AFP 1210ng/ml，肿瘤大小3.2cm×4.5cm。
免疫组化：HepPar-1(+)，AFP(-)，CK19(-)，CD34(+)，Ki-67约20%。HER2 2+，T2N0M0
上腹部MRI平扫+增强，肝右叶见单发结节，直径约3.2cm。尿路感染，门静脉右支内见充盈缺损。
给予5%葡萄糖250ml+胰岛素4U静滴，地高辛0.125mg qd，白蛋白10g。于2年前行手术。余无特殊。
患者高龄，患者黄疸，曾因下腹痛要求住院，经全科查房讨论，与周围组织粘连，由于疼痛要求止痛，患者于我院诊断明确。
BP 130/85 mmHg, HR 72 bpm, PLT 125,000, Child-Pugh A (5 points), ECOG 1. Hodgkin lymphoma.
Past Medical History: Parkinson disease. Edmondson-Steiner grade 3, 120 80 70, since 2019.
"""


@pytest.mark.parametrize("line", GONE.strip().splitlines())
def test_an_identifier_is_replaced_by_its_kind(line: str) -> None:
    text, expected = line.split(" | ")
    assert masked(text) == [expected]


@pytest.mark.parametrize("line", KEPT.strip().splitlines())
def test_clinical_text_stays(line: str) -> None:
    assert masked(line) == [line]


def test_null_stays_null() -> None:
    assert masked(None) == [None]


def test_what_is_known_of_a_person_is_masked_however_it_is_spaced() -> None:
    known = {
        "name": "王 建国", "phone": "+86 138-1234-5678", "address": "西湖区 文三路", "contact_name": "Anna-Li Sarto",
        "record_number": "XP12",
    }  # fmt: skip
    assert masked_with(known, "王建国与王　建国") == "[person]与[person]"
    assert masked_with(known, "tel 138 1234 5678") == "tel [person]"
    assert masked_with(known, "在西湖区文三路见到Sarto") == "在[person]见到[person]"
    assert masked_with(known, "xp12 但不是 xp123") == "[person] 但不是 xp123"


def test_what_is_known_of_another_is_not_looked_for() -> None:
    assert masked_with({"name": "高辛"}, "地高辛", person=2) == "地高辛"


def test_a_name_of_signs_is_no_expression() -> None:
    assert masked_with({"record_number": "12.4"}, "1234") == "1234"


def test_the_files_are_whole() -> None:
    folder = files("isthmus.gate.text")
    with folder.joinpath("recogniser.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert all(row["kind"] and row["what"] and row["says"] for row in rows)
    assert len({row["before"] + row["what"] + row["after"] for row in rows}) == len(rows) == len(recognisers())
    assert "欧阳" in words("surname")
    assert set(FIELDS) <= {column.name for column in IDENTITY.columns}
