"""An electronic medical record: free texts in Chinese, one field of many lines each, UTF-8 with a byte order mark."""

import numpy as np
import pyarrow as pa

from isthmus.simulation import care, catalogue, course, dirt, liver
from isthmus.simulation.chunk import Chunk, day_of
from isthmus.simulation.column import Ints, Text, choose, days, decimal, join, moments, pick, quoted, whole
from isthmus.simulation.export import Export, Layout
from isthmus.simulation.site import HIS

FEED, FILE, KEYSPACE = "emr", "病历文书.csv", "hospital"
COLUMNS = ("文书号", "病人ID", "就诊号", "文书类型", "书写时间", "文书内容")
RATES = {dirt.DUPLICATE: 0.005, dirt.MOJIBAKE: 0.003, dirt.RAGGED: 0.003}
CAUSE_TEXT = pa.array(
    [
        "乙型肝炎病史20余年，未规律抗病毒治疗",
        "丙型肝炎病史10余年",
        "饮酒史30年，每日白酒约200ml",
        "脂肪肝、2型糖尿病病史",
    ]
)
BCLC_TEXT, CNLC_TEXT = pa.array(list(liver.BCLC)), pa.array(list(liver.CNLC))
GRADE_TEXT = pa.array(["A", "B", "C"])
ASCITES_TEXT = pa.array(["移动性浊音阴性", "移动性浊音可疑，少量腹水", "移动性浊音阳性，大量腹水"])
INVASION_TEXT = pa.array(["门静脉及肝静脉内未见癌栓", "门静脉右支内见充盈缺损，考虑癌栓形成"])
SPREAD_TEXT = pa.array(["扫描范围内未见明确肝外转移", "双肺见多发小结节，考虑转移"])


class _Marked(Layout):
    """A layout whose file begins with a byte order mark."""

    def header(self, site: int) -> str:
        return "\ufeff" + Layout.header(self, site)


def write(chunk: Chunk, export: Export) -> None:
    """Notes about liver cancer patients whose record is kept in the HIS."""
    rows = chunk.of_visits(chunk.care.notes.visit, HIS)
    notes = chunk.care.notes.take(rows)
    kinds, concepts = catalogue.note_kinds()
    at = chunk.registration[notes.visit]
    columns = {
        "文书号": chunk.numbers("W", rows),
        "病人ID": pick(chunk.registrations.number, at),
        "就诊号": chunk.visit_text(notes.visit),
        "文书类型": pick(kinds, notes.kind),
        "书写时间": moments(notes.minute),
        "文书内容": quoted(_text(chunk, notes)),
    }
    sheet = export.sheet(
        FEED, FILE, site=chunk.registrations.site[at], key=columns["文书号"], columns=columns,
        error=export.errors(len(rows), RATES),
    )  # fmt: skip
    sheet = dirt.spoil_text(sheet, "文书类型")
    export.put(sheet, _Marked(COLUMNS, "utf-8", {}))
    export.truth.add(
        sheet,
        "note",
        keyspace=KEYSPACE,
        person=columns["病人ID"],
        concept=concepts[notes.kind],
        day=day_of(notes.minute),
    )


def _text(chunk: Chunk, notes: care.Notes) -> Text:
    """The texts: each kind is written for its own rows."""
    writers = {
        course.ADMISSION: _admission, course.IMAGING: _imaging, course.PATHOLOGY: _pathology,
        course.OPERATION: _operation, course.CHEMOEMBOLISATION: _chemoembolisation,
    }  # fmt: skip
    parts, places = [], []
    for kind, writer in writers.items():
        here = np.flatnonzero(notes.kind == kind)
        parts.append(writer(chunk, notes.take(here)))
        places.append(here)
    back = np.argsort(np.concatenate(places), kind="stable")
    return pa.concat_arrays(parts).take(pa.array(back))


def _form(chunk: Chunk, notes: care.Notes) -> care.Forms:
    return chunk.care.forms.take(notes.form)


def _head(chunk: Chunk, notes: care.Notes) -> Text:
    known = chunk.registrations
    at = chunk.registration[notes.visit]
    age = (day_of(notes.minute) - known.birth[at]) * 100 // 36525
    sex = choose(known.sex[at] == 1, "男", "女")
    return join(
        "姓名：", pick(known.name, at), "  性别：", sex, "  年龄：", whole(age), "岁  病人号：", pick(known.number, at)
    )


def _tumour(form: care.Forms) -> Text:
    several = join("肝内见", whole(form.number), "个结节，最大者直径约", decimal(form.size), "cm")
    return choose(form.number == 1, join("肝右叶见单发结节，直径约", decimal(form.size), "cm"), several)


def _admission(chunk: Chunk, notes: care.Notes) -> Text:
    form = _form(chunk, notes)
    cause: Ints = chunk.course.cause[notes.form]
    return join(
        _head(chunk, notes), "\n主诉：体检发现肝占位1周。\n现病史：患者1周前体检超声提示肝占位，无腹痛、发热。",
        "\n既往史：", pick(CAUSE_TEXT, cause), "。\n体格检查：神志清，", pick(ASCITES_TEXT, form.ascites), "，ECOG评分",
        whole(form.ecog), "分。\n初步诊断：1.原发性肝癌（BCLC ", pick(BCLC_TEXT, form.bclc), "期，CNLC ",
        pick(CNLC_TEXT, form.cnlc), "期） 2.Child-Pugh ", pick(GRADE_TEXT, form.grade), "级（", whole(form.points),
        '分）\n患者自述"近来体重无明显变化"。\n记录日期：', days(day_of(notes.minute)),
    )  # fmt: skip


def _imaging(chunk: Chunk, notes: care.Notes) -> Text:
    form = _form(chunk, notes)
    return join(
        _head(chunk, notes), "\n检查名称：上腹部MRI平扫+增强\n影像所见：", _tumour(form),
        "，动脉期明显强化，门脉期廓清。", pick(INVASION_TEXT, form.vascular), "。", pick(SPREAD_TEXT, form.spread),
        "。\n印象：肝占位，考虑肝细胞癌，LR-5。",
    )  # fmt: skip


def _pathology(chunk: Chunk, notes: care.Notes) -> Text:
    form = _form(chunk, notes)
    grade = pick(pa.array(["Ⅰ级", "Ⅱ级", "Ⅲ级"]), form.number % 3)
    micro = pick(pa.array(["M0", "M1", "M2"]), form.vascular)
    return join(
        _head(chunk, notes), "\n病理诊断：（肝肿物）肝细胞癌，Edmondson-Steiner ", grade, "，肿瘤最大径",
        decimal(form.size), "cm，微血管侵犯", micro,
        "，切缘未见癌。\n免疫组化：HepPar-1(+)，AFP(-)，CK19(-)，Ki-67约20%。",
    )  # fmt: skip


def _operation(chunk: Chunk, notes: care.Notes) -> Text:
    form = _form(chunk, notes)
    return join(
        _head(chunk, notes), "\n手术名称：肝部分切除术\n麻醉方式：全身麻醉\n手术经过：探查见", _tumour(form),
        "，肝门阻断15分钟，完整切除肿瘤，断面彻底止血，置引流管1根。\n术中出血约300ml，未输血。",
    )  # fmt: skip


def _chemoembolisation(chunk: Chunk, notes: care.Notes) -> Text:
    form = _form(chunk, notes)
    return join(
        _head(chunk, notes), "\n手术名称：经导管肝动脉化疗栓塞术（TACE）\n造影所见：", _tumour(form),
        "，肿瘤染色明显。\n超选至肿瘤供血动脉，注入表柔比星30mg与碘化油混悬液", whole(5 + form.number * 2),
        "ml，栓塞至血流停滞。术中患者无特殊不适。",
    )  # fmt: skip
