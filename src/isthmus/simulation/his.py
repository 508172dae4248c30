"""A hospital information system as it dumps its tables: GB18030 CSV, Chinese headers, local codes."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from isthmus.simulation import care, catalogue, dirt
from isthmus.simulation.chunk import Chunk, day_of
from isthmus.simulation.column import Ints, Text, choose, days, decimal, join, moments, pick, repeat, whole
from isthmus.simulation.dirt import Sheet
from isthmus.simulation.export import Export, Layout
from isthmus.simulation.site import HIS

FEED, KEYSPACE, ENCODING = "his", "hospital", "gb18030"
ALIAS = {
    "病人ID": "患者编号",
    "就诊号": "就诊流水号",
    "诊断编码": "疾病编码",
    "诊断名称": "疾病名称",
    "药品编码": "药品代码",
}
RATES = {
    dirt.DUPLICATE: 0.003, dirt.DATE: 0.0015, dirt.ANCIENT: 0.001, dirt.MOJIBAKE: 0.0015, dirt.RAGGED: 0.0015,
    dirt.UNKNOWN: 0.003,
}  # fmt: skip
NO_CODE = {kind: rate for kind, rate in RATES.items() if kind != dirt.UNKNOWN}
GENDERS = np.array([0, 8507, 8532])
VISITS = np.array([9202, 9203, 9201])
VISIT_NAMES = pa.array(["门诊", "急诊", "住院"])
DEPARTMENTS = pa.array(
    [
        "心内科",
        "呼吸内科",
        "消化内科",
        "内分泌科",
        "肾内科",
        "神经内科",
        "风湿免疫科",
        "血液科",
        "普外科",
        "骨科",
        "泌尿外科",
        "胸外科",
        "神经外科",
        "妇科",
        "产科",
        "儿科",
        "眼科",
        "耳鼻喉科",
        "皮肤科",
        "全科",
        "肝胆肿瘤科",
    ]
)


def write(chunk: Chunk, export: Export) -> None:
    """All files of the HIS except the front page, which is written by `frontpage`."""
    _patients(chunk, export)
    _visits(chunk, export)
    _diagnoses(chunk, export)
    _orders(chunk, export)
    _operations(chunk, export)
    _forms(chunk, export)
    _contacts(chunk, export)


def _layout(names: str, lacking: str = "") -> Layout:
    return Layout(names.split(), ENCODING, ALIAS, lacking)


def _visit_columns(chunk: Chunk, visit: Ints) -> dict[str, Text]:
    """The numbers that every file about visits has."""
    return {"就诊号": chunk.visit_text(visit), "病人ID": _patient(chunk, visit)}


def _patient(chunk: Chunk, visit: Ints) -> Text:
    return pick(chunk.registrations.number, chunk.registration[visit])


def _site(chunk: Chunk, visit: Ints) -> Ints:
    return chunk.registrations.site[chunk.registration[visit]]


def _sheet(
    chunk: Chunk, export: Export, file: str, *, visit: Ints, key: Text, columns: Mapping[str, Text],
    rates: Mapping[int, float]
) -> Sheet:  # fmt: skip
    return export.sheet(
        FEED, file, site=_site(chunk, visit), key=key, columns={**_visit_columns(chunk, visit), **columns},
        error=export.errors(len(visit), rates),
    )  # fmt: skip


def _patients(chunk: Chunk, export: Export) -> None:
    known = chunk.registrations
    rows = chunk.rows(np.arange(len(known)), HIS)
    site, sex = known.site[rows], known.sex[rows]
    phone = pick(known.phone, rows)
    columns = {
        "病人ID": pick(known.number, rows),
        "姓名": pick(known.name, rows),
        "性别": choose(site % 2 == 1, whole(sex), pick(pa.array(["", "男", "女"]), sex)),
        "出生日期": days(known.birth[rows]),
        "身份证号": pick(known.resident, rows),
        "联系电话": phone,
        "现住址": pick(known.address, rows),
        "更新时间": repeat("2024-12-31 23:00:00", len(rows)),
    }
    rates = {dirt.DUPLICATE: 0.004, dirt.CONFLICT: 0.004, dirt.SWAPPED: 0.004}
    sheet = export.sheet(
        FEED, "病人信息.csv", site=site, key=columns["病人ID"], columns=columns, error=export.errors(len(rows), rates)
    )
    swapped = sheet.having(dirt.SWAPPED)
    sheet = sheet.changed(
        联系电话=choose(swapped, columns["现住址"], phone), 现住址=choose(swapped, phone, columns["现住址"])
    )
    older = {"联系电话": repeat("13800000000", len(rows)), "更新时间": repeat("2020-01-01 08:00:00", len(rows))}
    export.put(sheet, _layout("病人ID 姓名 性别 出生日期 身份证号 联系电话 现住址 更新时间"), older)
    export.truth.add(sheet, "person", keyspace=KEYSPACE, person=sheet.key, concept=GENDERS[sex], day=known.birth[rows])


def _visits(chunk: Chunk, export: Export) -> None:
    visits = chunk.care.visits
    rows = chunk.of_visits(np.arange(len(visits)), HIS)
    chosen = visits.take(rows)
    columns = {
        "就诊类型": pick(VISIT_NAMES, chosen.kind),
        "就诊科室": pick(DEPARTMENTS, chosen.department),
        "就诊时间": moments(chosen.start),
        "离院时间": choose(chosen.kind == care.OUTPATIENT, None, moments(chosen.end))
        if len(rows)
        else moments(chosen.end),
        "费用": whole(chosen.kind * 3000 + chosen.start % 700 + 20),
    }
    sheet = _sheet(
        chunk, export, "就诊记录.csv", visit=rows, key=chunk.visit_text(rows), columns=columns, rates=NO_CODE
    )
    sheet = dirt.spoil_text(dirt.spoil_dates(sheet, "就诊时间"), "就诊科室")
    export.put(sheet, _layout("就诊号 病人ID 就诊类型 就诊科室 就诊时间 离院时间 费用", "费用"))
    export.truth.add(
        sheet, "visit_occurrence", keyspace=KEYSPACE, person=sheet.columns["病人ID"], concept=VISITS[chosen.kind],
        day=dirt.days_written(sheet, day_of(chosen.start)),
    )  # fmt: skip


def _diagnoses(chunk: Chunk, export: Export) -> None:
    codes = catalogue.conditions().codes
    rows = chunk.of_visits(chunk.care.diagnoses.visit, HIS)
    # Discharge diagnoses of hospital stays stand on the front page only.
    rows = rows[chunk.care.visits.kind[chunk.care.diagnoses.visit[rows]] != care.INPATIENT]
    chosen = chunk.care.diagnoses.take(rows)
    start = chunk.care.visits.start[chosen.visit] + 30
    columns = {
        "诊断流水号": chunk.numbers("D", rows),
        "诊断编码": pick(codes.code, chosen.code),
        "诊断名称": pick(codes.name, chosen.code),
        "诊断类型": choose(chosen.rank == 0, "主要诊断", "其他诊断"),
        "诊断时间": moments(start),
    }
    sheet = _sheet(
        chunk, export, "诊断.csv", visit=chosen.visit, key=columns["诊断流水号"], columns=columns, rates=RATES
    )
    sheet = dirt.spoil_code(dirt.spoil_text(dirt.spoil_dates(sheet, "诊断时间"), "诊断名称"), "诊断编码")
    export.put(sheet, _layout("诊断流水号 就诊号 病人ID 诊断编码 诊断名称 诊断类型 诊断时间"))
    export.truth.add(
        sheet, "condition_occurrence", keyspace=KEYSPACE, person=sheet.columns["病人ID"],
        concept=codes.concept[chosen.code], day=dirt.days_written(sheet, day_of(start)),
        covered=codes.covered[chosen.code],
    )  # fmt: skip


def _orders(chunk: Chunk, export: Export) -> None:
    table = catalogue.drugs()
    rows = chunk.of_visits(chunk.care.orders.visit, HIS)
    chosen = chunk.care.orders.take(rows)
    columns = {
        "医嘱号": chunk.numbers("Y", rows),
        "药品编码": pick(table.codes.code, chosen.drug),
        "药品名称": pick(table.codes.name, chosen.drug),
        "规格": pick(table.strength, chosen.drug),
        "数量": whole(chosen.quantity),
        "数量单位": pick(table.form, chosen.drug),
        "用药天数": whole(chosen.days),
        "开始时间": moments(chosen.minute),
        "停止时间": days(day_of(chosen.minute) + chosen.days - 1),
    }
    sheet = _sheet(
        chunk, export, "药品医嘱.csv", visit=chosen.visit, key=columns["医嘱号"], columns=columns, rates=RATES
    )
    sheet = dirt.spoil_code(dirt.spoil_text(dirt.spoil_dates(sheet, "开始时间"), "药品名称"), "药品编码")
    export.put(
        sheet, _layout("医嘱号 就诊号 病人ID 药品编码 药品名称 规格 数量 数量单位 用药天数 开始时间 停止时间", "规格")
    )
    export.truth.add(
        sheet, "drug_exposure", keyspace=KEYSPACE, person=sheet.columns["病人ID"],
        concept=table.codes.concept[chosen.drug],
        day=dirt.days_written(sheet, day_of(chosen.minute)), covered=table.codes.covered[chosen.drug],
        value=chosen.quantity.astype(float),
    )  # fmt: skip


def _operations(chunk: Chunk, export: Export) -> None:
    codes = catalogue.procedures()
    rows = chunk.of_visits(chunk.care.operations.visit, HIS)
    chosen = chunk.care.operations.take(rows)
    columns = {
        "手术号": chunk.numbers("S", rows),
        "手术编码": pick(codes.code, chosen.code),
        "手术名称": pick(codes.name, chosen.code),
        "手术时间": moments(chosen.minute),
        "术者工号": join("Y", whole(chosen.minute % 97 + 100)),
    }
    sheet = _sheet(chunk, export, "手术.csv", visit=chosen.visit, key=columns["手术号"], columns=columns, rates=RATES)
    sheet = dirt.spoil_code(dirt.spoil_text(dirt.spoil_dates(sheet, "手术时间"), "手术名称"), "手术编码")
    export.put(sheet, _layout("手术号 就诊号 病人ID 手术编码 手术名称 手术时间 术者工号"))
    export.truth.add(
        sheet, "procedure_occurrence", keyspace=KEYSPACE, person=sheet.columns["病人ID"],
        concept=codes.concept[chosen.code], day=dirt.days_written(sheet, day_of(chosen.minute)),
        covered=codes.covered[chosen.code],
    )  # fmt: skip


FORM_COLUMNS = {
    "BCLC分期": "BCLC", "CNLC分期": "CNLC", "Child评分": "CPSCORE", "Child分级": "CPCLASS", "肿瘤数目": "NUMBER",
    "最大径cm": "SIZE", "血管侵犯": "VASCULAR", "肝外转移": "EHS", "腹水": "ASCITES", "肝性脑病": "HE", "ECOG": "ECOG",
}  # fmt: skip
FORM_FIELDS = {
    "BCLC": "bclc", "CNLC": "cnlc", "CPSCORE": "points", "CPCLASS": "grade", "NUMBER": "number", "SIZE": "size",
    "VASCULAR": "vascular", "EHS": "spread", "ASCITES": "ascites", "HE": "encephalopathy", "ECOG": "ecog",
}  # fmt: skip
CENTIMETRE = 8582


def form_text(form: care.Forms, item: str) -> Text:
    """What is written in one field of the tumour form."""
    values = getattr(form, FORM_FIELDS[item])
    answers = catalogue.items()[item].answers
    return pick(pa.array(answers), values) if answers else decimal(values.astype(float))


def form_truth(chunk: Chunk, export: Export, sheet: Sheet, form: care.Forms, *, keyspace: str, day: Ints) -> None:
    """The rows that one tumour form gives: one for each of its fields."""
    person = pick(chunk.registrations.number, chunk.registration[form.visit])
    for key, field in FORM_FIELDS.items():
        item, values = catalogue.items()[key], getattr(form, field)
        coded = len(item.answers) > 0
        export.truth.add(
            sheet, item.table, keyspace=keyspace, person=person, concept=np.full(len(form), item.concept), day=day,
            value=None if coded else values.astype(float), answer=item.answer_concepts[values] if coded else None,
            unit=np.full(len(form), CENTIMETRE) if key == "SIZE" else None,
        )  # fmt: skip


def _forms(chunk: Chunk, export: Export) -> None:
    rows = chunk.of_visits(chunk.care.forms.visit, HIS)
    form = chunk.care.forms.take(rows)
    start = chunk.care.visits.start[form.visit] + 600
    columns = {
        "评估号": chunk.numbers("F", rows),
        "评估时间": moments(start),
        **{name: form_text(form, item) for name, item in FORM_COLUMNS.items()},
    }
    sheet = _sheet(
        chunk, export, "肝癌分期评估.csv", visit=form.visit, key=columns["评估号"], columns=columns,
        rates={dirt.DUPLICATE: 0.01},
    )  # fmt: skip
    export.put(sheet, _layout("评估号 就诊号 病人ID 评估时间 " + " ".join(FORM_COLUMNS)))
    form_truth(chunk, export, sheet, form, keyspace=KEYSPACE, day=day_of(start))


def _contacts(chunk: Chunk, export: Export) -> None:
    contacts = chunk.care.contacts
    home = chunk.registrations.first[contacts.person]
    rows = chunk.rows(home, HIS)
    chosen, home = contacts.take(rows), home[rows]
    causes = catalogue.conditions().codes
    dead, back = chosen.death >= 0, chosen.recurrence >= 0
    error = export.errors(len(rows), {dirt.DUPLICATE: 0.004, dirt.BEFORE_BIRTH: 0.02})
    error = np.where((error == dirt.BEFORE_BIRTH) & ~dead, dirt.CLEAN, error)
    death = np.where(error == dirt.BEFORE_BIRTH, chunk.registrations.birth[home] - 400, chosen.death)
    columns = {
        "随访号": chunk.numbers("SF", rows),
        "病人ID": pick(chunk.registrations.number, home),
        "随访日期": days(chosen.day),
        "随访方式": choose(dead, "电话", "门诊"),
        "生存状态": choose(dead, "死亡", "存活"),
        "死亡日期": choose(dead, days(death), None),
        "死因编码": choose(dead, pick(causes.code, chosen.cause), None),
        "复发日期": choose(back, days(np.maximum(chosen.recurrence, 0)), None),
    }
    sheet = export.sheet(
        FEED, "随访.csv", site=chunk.registrations.site[home], key=columns["随访号"], columns=columns, error=error
    )
    export.put(sheet, _layout("随访号 病人ID 随访日期 随访方式 生存状态 死亡日期 死因编码 复发日期", "随访方式"))
    contact_truth(export, sheet, chosen, keyspace=KEYSPACE, person=columns["病人ID"], death=death)


def contact_truth(
    export: Export, sheet: Sheet, contacts: care.Contacts, *, keyspace: str, person: Text, death: Ints
) -> None:
    """The rows that a follow-up gives: the contact, a death, a recurrence."""
    count = len(contacts)
    for key, day, rows in (
        ("FOLLOWUP", contacts.day, None), ("RECURRENCE", contacts.recurrence, contacts.recurrence >= 0),
    ):  # fmt: skip
        concept = np.full(count, catalogue.items()[key].concept)
        export.truth.add(sheet, "observation", keyspace=keyspace, person=person, concept=concept, day=day, rows=rows)
    cause = catalogue.conditions().codes.concept[contacts.cause]
    export.truth.add(
        sheet, "death", keyspace=keyspace, person=person, concept=cause, day=death, rows=contacts.death >= 0
    )
