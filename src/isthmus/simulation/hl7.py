"""HL7 v2.5 batch files: admissions and visits (ADT), results (ORU), drugs ordered (RDE) and given (RAS).

Codes are LOINC and RxNorm where such a code is known, else the hospital's own. Segments end with a carriage return.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.simulation import assay, care, catalogue, dirt, his
from isthmus.simulation.chunk import Chunk, day_of
from isthmus.simulation.column import Ints, Mask, Text, choose, days, decimal, join, moments, pick, whole
from isthmus.simulation.dirt import Sheet
from isthmus.simulation.export import Export
from isthmus.simulation.site import HL7

FEED, KEYSPACE = "hl7", "hl7"
END = "\r"
FOOTER = "BTS||\rFTS|1\r"
FILES: Mapping[str, str] = {"ADT": "adt.hl7", "ORU": "oru.hl7", "RDE": "rde.hl7", "RAS": "ras.hl7"}


def write(chunk: Chunk, export: Export) -> None:
    """Messages about people whose record is kept in a system that speaks HL7 v2."""
    _admissions(chunk, export)
    _deaths(chunk, export)
    _results(chunk, export)
    _forms(chunk, export)
    _drugs(chunk, export)


def _stamp(minute: Ints) -> Text:
    return moments(minute, "%Y%m%d", "", "{:02d}{:02d}00")


def _head(kind: str, minute: Ints, site: Ints, number: Text) -> Text:
    stamp = _stamp(minute)
    return join(
        "MSH|^~\\&|HIS|H", whole(site + 1), "|ISTHMUS|HUB|", stamp, f"||{kind}|", number,
        "|P|2.5|||||CHN|UNICODE UTF-8", END,
    )  # fmt: skip


def _person(chunk: Chunk, at: Ints, death: Text | None = None) -> Text:
    """PID with patient number and resident identity number, and death where one is told of."""
    known = chunk.registrations
    sex = pick(pa.array(["U", "M", "F"]), known.sex[at])
    end = [END] if death is None else ["|" * 16, death, "|Y", END]
    return join(
        "PID|1||", pick(known.number, at), "^^^H", whole(known.site[at] + 1), "^MR~", pick(known.resident, at),
        "^^^CHN^NI||", pick(known.name, at), "^||", days(known.birth[at], "%Y%m%d"), "|", sex, "|||",
        pick(known.address, at), "||", pick(known.phone, at), *end,
    )  # fmt: skip


def _visit(chunk: Chunk, visit: Ints, *, ended: bool = True) -> Text:
    visits = chunk.care.visits.take(visit)
    kind = pick(pa.array(["O", "E", "I"]), visits.kind)
    end = _stamp(visits.end) if ended else ""
    return join(
        "PV1|1|", kind, "|", pick(his.DEPARTMENTS, visits.department), "|" * 16, chunk.visit_text(visit), "|" * 25,
        _stamp(visits.start), "|", end, END,
    )  # fmt: skip


def _escaped(text: Text) -> Text:
    """Text whose `^` is no separator of components: 10^9/L."""
    return join(pc.replace_substring(text, "^", "\\S\\"))


def _grouped(owner: Ints, text: Text, count: int) -> Text:
    """For each of `count` messages, the segments that belong to it (`owner`, sorted) one after the other."""
    edges = np.searchsorted(owner, np.arange(count + 1))
    lists = pa.ListArray.from_arrays(pa.array(edges, type=pa.int32()), text)
    return join(pc.binary_join(lists, ""))


def _put(export: Export, family: str, site: Ints, text: Text) -> None:
    """Append messages to each hospital's file, which begins with a file and a batch header."""

    def header(number: int) -> str:
        return f"FHS|^~\\&|HIS|H{number + 1}\rBHS|^~\\&|HIS|H{number + 1}\r"

    export.sink.write(FEED, FILES[family], site=site, lines=text, header=header, encoding="utf-8")


def _clean(count: int) -> Ints:
    return np.zeros(count, dtype=np.int64)


def _sheet(chunk: Chunk, export: Export, family: str, *, visit: Ints, key: Text, error: Ints) -> Sheet:
    site = chunk.registrations.site[chunk.registration[visit]]
    person = pick(chunk.registrations.number, chunk.registration[visit])
    return export.sheet(FEED, FILES[family], site=site, key=key, columns={"person": person}, error=error)


def _admissions(chunk: Chunk, export: Export) -> None:
    """A01 and A03 of stays, A04 of other visits; diagnoses and operations come with the last of them."""
    visits = chunk.care.visits
    rows = chunk.of_visits(np.arange(len(visits)), HL7)
    chosen, at = visits.take(rows), chunk.registration[rows]
    site, stay = chunk.registrations.site[at], chosen.kind == care.INPATIENT
    number, person = chunk.numbers("A", rows), _person(chunk, at)
    admitted = join(
        _head("ADT^A01^ADT_A01", chosen.start, site, join(number, "1")), "EVN|A01|", _stamp(chosen.start), END, person,
        _visit(chunk, rows, ended=False),
    )  # fmt: skip
    tail = join(
        "|", _stamp(chosen.end), END, person, _visit(chunk, rows), _diagnoses(chunk, export, rows),
        _operations(chunk, export, rows),
    )  # fmt: skip
    left = join(_head("ADT^A03^ADT_A03", chosen.end, site, join(number, "3")), "EVN|A03", tail)
    came = join(_head("ADT^A04^ADT_A01", chosen.end, site, join(number, "4")), "EVN|A04", tail)
    _put(export, "ADT", site, choose(stay, join(admitted, left), came))
    sheet = _sheet(chunk, export, "ADT", visit=rows, key=chunk.visit_text(rows), error=_clean(len(rows)))
    export.truth.add(
        sheet, "visit_occurrence", keyspace=KEYSPACE, person=sheet.columns["person"],
        concept=his.VISITS[chosen.kind], day=day_of(chosen.start), record="PV1",
    )  # fmt: skip
    seen, first = np.unique(at, return_index=True)
    known = chunk.registrations
    first = np.sort(first)
    told = at[first]
    people = export.sheet(
        FEED, FILES["ADT"], site=site[first], key=pick(known.number, told), columns={}, error=_clean(len(seen))
    )
    export.truth.add(
        people, "person", keyspace=KEYSPACE, person=people.key, concept=his.GENDERS[known.sex[told]],
        day=known.birth[told], record="PID",
    )  # fmt: skip


def _owned(visit: Ints, rows: Ints, size: int) -> tuple[Ints, Ints]:
    """Rows of a table whose visit is among `rows`, in the order of `rows`, and the position of that visit."""
    place = np.full(size, -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    mine = np.flatnonzero(place[visit] >= 0)
    mine = mine[np.argsort(place[visit[mine]], kind="stable")]
    return mine, place[visit[mine]]


def _diagnoses(chunk: Chunk, export: Export, rows: Ints) -> Text:
    codes, table = catalogue.conditions().codes, chunk.care.diagnoses
    mine, owner = _owned(table.visit, rows, len(chunk.care.visits))
    chosen = table.take(mine)
    day = day_of(chunk.care.visits.end[chosen.visit])
    key = chunk.numbers("D", mine)
    sheet = _sheet(
        chunk, export, "ADT", visit=chosen.visit, key=key, error=export.errors(len(mine), {dirt.UNKNOWN: 0.003})
    )
    code = choose(sheet.having(dirt.UNKNOWN), "ZZ9999", pick(codes.code, chosen.code))
    text = join(
        "DG1|", whole(chosen.rank + 1), "||", code, "^", pick(codes.name, chosen.code), "^99ICD|",
        pick(codes.name, chosen.code), "|", days(day, "%Y%m%d"), "|F", END,
    )  # fmt: skip
    export.truth.add(
        sheet, "condition_occurrence", keyspace=KEYSPACE, person=sheet.columns["person"],
        concept=codes.concept[chosen.code], day=day, covered=codes.covered[chosen.code], record="DG1",
    )  # fmt: skip
    return _grouped(owner, text, len(rows))


def _operations(chunk: Chunk, export: Export, rows: Ints) -> Text:
    codes, table = catalogue.procedures(), chunk.care.operations
    mine, owner = _owned(table.visit, rows, len(chunk.care.visits))
    chosen = table.take(mine)
    sheet = _sheet(chunk, export, "ADT", visit=chosen.visit, key=chunk.numbers("S", mine), error=_clean(len(mine)))
    text = join(
        "PR1|", whole(mine - mine.min(initial=0) + 1), "||", pick(codes.code, chosen.code), "^", pick(codes.name,
        chosen.code),
        "^99OPS|", pick(codes.name, chosen.code), "|", _stamp(chosen.minute), END,
    )  # fmt: skip
    export.truth.add(
        sheet, "procedure_occurrence", keyspace=KEYSPACE, person=sheet.columns["person"],
        concept=codes.concept[chosen.code], day=day_of(chosen.minute), covered=codes.covered[chosen.code], record="PR1",
    )  # fmt: skip
    return _grouped(owner, text, len(rows))


def _deaths(chunk: Chunk, export: Export) -> None:
    """A08: the patient's data changed, for the patient has died."""
    contacts = chunk.care.contacts
    home = chunk.registrations.first[contacts.person]
    rows = chunk.rows(home, HL7)
    # Only of people whom this hospital has seen.
    rows = rows[(contacts.death[rows] >= 0) & np.isin(home[rows], chunk.registration)]
    chosen, at = contacts.take(rows), home[rows]
    site = chunk.registrations.site[at]
    minute = (chosen.death + 1) * 1440 + 540
    text = join(
        _head("ADT^A08^ADT_A01", minute, site, chunk.numbers("U", rows)), "EVN|A08|", _stamp(minute), END,
        _person(chunk, at, join(days(chosen.death, "%Y%m%d"), "000000")),
    )  # fmt: skip
    _put(export, "ADT", site, text)
    sheet = export.sheet(
        FEED, FILES["ADT"], site=site, key=chunk.numbers("U", rows), columns={}, error=_clean(len(rows))
    )
    export.truth.add(
        sheet, "death", keyspace=KEYSPACE, person=pick(chunk.registrations.number, at),
        concept=np.zeros(len(rows), dtype=np.int64), day=chosen.death, record="PID",
    )  # fmt: skip


def _coded(codes: catalogue.Codes, row: Ints, *, system: str, own: str, unknown: Mask) -> Text:
    """Code, name and system: the open code where there is one and its concept is no invention of ours."""
    is_open = np.array([bool(code) for code in codes.open_code.to_pylist()]) & (codes.concept < 2_000_000_000)
    code = choose(is_open[row], pick(codes.open_code, row), pick(codes.code, row))
    name = choose(is_open[row] & ~unknown, system, own)
    return join(choose(unknown, "ZZ9999", code), "^", pick(codes.name, row), "^", name)


def _results(chunk: Chunk, export: Export) -> None:
    """One R01 per visit with results, one OBX per result."""
    table = catalogue.tests()
    rows = chunk.of_visits(chunk.care.labs.visit, HL7)
    visits, owner = np.unique(chunk.care.labs.visit[rows], return_inverse=True)
    order = np.argsort(chunk.registrations.site[chunk.registration[visits]], kind="stable")
    visits, owner = visits[order], np.argsort(order)[owner]
    rows, owner = rows[np.argsort(owner, kind="stable")], np.sort(owner)
    labs = chunk.care.labs.take(rows)
    error = assay.wrong(labs, export.errors(len(rows), {dirt.UNIT: 0.003, dirt.UNKNOWN: 0.002}))
    sheet = _sheet(chunk, export, "ORU", visit=labs.visit, key=chunk.numbers("J", rows), error=error)
    written = assay.write(export, labs, sheet.site, error)
    number = labs.positive < 0
    answers = pick(pa.array(["260385009^阴性^SCT", "10828004^阳性^SCT"]), labs.positive)
    code = _coded(table.codes, labs.test, system="LN", own="99LAB", unknown=sheet.having(dirt.UNKNOWN))
    observations = join(
        "OBX|", whole(np.arange(len(rows)) - np.searchsorted(owner, owner) + 1), "|", choose(number, "NM", "CWE"),
        "|", code, "||",
        choose(number, written.result, answers), "|", _escaped(written.unit), "|", written.limits, "||||F|||",
        _stamp(labs.minute + 90), END,
    )  # fmt: skip
    _reports(chunk, export, visits, _grouped(owner, observations, len(visits)), "检验报告")
    export.truth.add(
        sheet, "measurement", keyspace=KEYSPACE, person=sheet.columns["person"], concept=table.codes.concept[labs.test],
        day=day_of(labs.minute + 90), covered=table.codes.concept[labs.test] > 0, value=written.number,
        true_value=written.meant, unit=written.unit_concept, answer=written.answer, record="OBX",
    )  # fmt: skip


def _reports(chunk: Chunk, export: Export, visits: Ints, observations: Text, title: str) -> None:
    at = chunk.registration[visits]
    site = chunk.registrations.site[at]
    minute = chunk.care.visits.start[visits] + 300
    number = join(chunk.visit_text(visits), "-", title[:1].encode().hex())
    text = join(
        _head("ORU^R01^ORU_R01", minute, site, number), _person(chunk, at), _visit(chunk, visits), "OBR|1|", number,
        "|",
        number, "|REPORT^", title, "^99LAB|||", _stamp(minute), "|" * 15, _stamp(minute), "|||F", END, observations,
    )  # fmt: skip
    _put(export, "ORU", site, text)


def _forms(chunk: Chunk, export: Export) -> None:
    """The tumour form as a report: one OBX per field, and the recurrence as one of a later report."""
    rows = chunk.of_visits(chunk.care.forms.visit, HL7)
    form = chunk.care.forms.take(rows)
    minute = chunk.care.visits.start[form.visit] + 300
    parts = []
    for place, key in enumerate(his.FORM_FIELDS):
        item = catalogue.items()[key]
        coded = len(item.answers) > 0
        value = his.form_text(form, key)
        shown = join(key, "-", value, "^", value, "^99FORM") if coded else value
        parts.append(
            join(
                f"OBX|{place + 1}|{'CWE' if coded else 'NM'}|{key}^{item.name}^99FORM||", shown,
                "|", "cm" if key == "SIZE" else "", "|||||F|||", _stamp(minute), END,
            )
        )  # fmt: skip
    _reports(chunk, export, form.visit, join(*parts) if len(rows) else pa.array([], pa.string()), "肝癌分期评估")
    sheet = _sheet(chunk, export, "ORU", visit=form.visit, key=chunk.numbers("F", rows), error=_clean(len(rows)))
    his.form_truth(chunk, export, sheet, form, keyspace=KEYSPACE, day=day_of(minute))


def _drugs(chunk: Chunk, export: Export) -> None:
    """Outpatients' orders (RDE^O11); what inpatients were given (RAS^O17)."""
    table, orders = catalogue.drugs(), chunk.care.orders
    rows = chunk.of_visits(orders.visit, HL7)
    inside = chunk.care.visits.kind[orders.visit[rows]] == care.INPATIENT
    for family, mine in (("RDE", rows[~inside]), ("RAS", rows[inside])):
        chosen = orders.take(mine)
        error = export.errors(len(mine), {dirt.UNKNOWN: 0.003})
        number = chunk.numbers("R", mine)
        sheet = _sheet(chunk, export, family, visit=chosen.visit, key=number, error=error)
        begin, end = _stamp(chosen.minute), days(day_of(chosen.minute) + chosen.days - 1, "%Y%m%d")
        drug = _coded(table.codes, chosen.drug, system="RXNORM", own="99DRUG", unknown=sheet.having(dirt.UNKNOWN))
        amount, form = decimal(chosen.quantity.astype(float)), pick(table.form, chosen.drug)
        if family == "RDE":
            segment = join("RXE|^^^", begin, "^", end, "|", drug, "|", amount, "||", form, END)
        else:
            segment = join("RXA|0|1|", begin, "|", end, "235900|", drug, "|", amount, "|", form, END)
        kind = "RDE^O11^RDE_O11" if family == "RDE" else "RAS^O17^RAS_O17"
        text = join(
            _head(kind, chosen.minute, sheet.site, number), _person(chunk, chunk.registration[chosen.visit]),
            _visit(chunk, chosen.visit), "ORC|NW|", number, "|" * 7, begin, END, segment,
        )  # fmt: skip
        _put(export, family, sheet.site, text)
        export.truth.add(
            sheet, "drug_exposure", keyspace=KEYSPACE, person=sheet.columns["person"],
            concept=table.codes.concept[chosen.drug], day=day_of(chosen.minute),
            covered=table.codes.concept[chosen.drug] > 0,
            value=chosen.quantity.astype(float), record="RXE" if family == "RDE" else "RXA",
        )  # fmt: skip
