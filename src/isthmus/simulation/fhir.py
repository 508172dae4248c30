"""FHIR R4 bulk export: newline-delimited resources, the longer files packed with gzip.

Codes are SNOMED, LOINC and RxNorm where such a code is known, else of the hospital's own systems.
"""

import numpy as np
import pyarrow as pa

from isthmus.simulation import assay, care, catalogue, dirt, his
from isthmus.simulation.chunk import Chunk, day_of
from isthmus.simulation.column import Ints, Mask, Text, choose, days, decimal, join, moments, pick
from isthmus.simulation.dirt import Sheet
from isthmus.simulation.export import Export
from isthmus.simulation.site import FHIR

FEED, KEYSPACE = "fhir", "fhir"
SNOMED, LOINC, RXNORM = "http://snomed.info/sct", "http://loinc.org", "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM = "http://unitsofmeasure.org"
PACKED = ("Observation", "MedicationRequest")
ANSWERS = pa.array(["260385009", "10828004"])  # SNOMED: negative, positive


def write(chunk: Chunk, export: Export) -> None:
    """Resources of people whose record is kept in a system that speaks FHIR."""
    _patients(chunk, export)
    _encounters(chunk, export)
    _conditions(chunk, export)
    _observations(chunk, export)
    _forms(chunk, export)
    _recurrences(chunk, export)
    _requests(chunk, export)
    _procedures(chunk, export)


def _put(export: Export, kind: str, site: Ints, text: Text) -> None:
    name = f"{kind}.ndjson.gz" if kind in PACKED else f"{kind}.ndjson"
    export.sink.write(FEED, name, site=site, lines=join(text, "\n"), header=lambda _: "", encoding="utf-8")


def _sheet(chunk: Chunk, export: Export, kind: str, *, at: Ints, key: Text, error: Ints | None = None) -> Sheet:
    error = np.zeros(len(at), dtype=np.int64) if error is None else error
    columns = {"person": pick(chunk.registrations.number, at)}
    return export.sheet(FEED, kind, site=chunk.registrations.site[at], key=key, columns=columns, error=error)


def _time(minute: Ints) -> Text:
    return moments(minute, joint="T", clock="{:02d}:{:02d}:00+08:00")


def _begin(kind: str, key: Text) -> Text:
    return join(f'{{"resourceType":"{kind}","id":"', key, '",')


def _about(chunk: Chunk, visit: Ints, sheet: Sheet) -> Text:
    return join(
        '"subject":{"reference":"Patient/', sheet.columns["person"], '"},"encounter":{"reference":"Encounter/',
        chunk.visit_text(visit), '"}',
    )  # fmt: skip


def _coded(codes: catalogue.Codes, row: Ints, *, system: str, own: str, unknown: Mask) -> Text:
    """A CodeableConcept with the open code where there is one whose concept is no invention of ours."""
    is_open = np.array([bool(code) for code in codes.open_code.to_pylist()]) & (codes.concept < 2_000_000_000)
    code = choose(is_open[row], pick(codes.open_code, row), pick(codes.code, row))
    where = choose(is_open[row] & ~unknown, system, own)
    name = pick(codes.name, row)
    return join(
        '{"coding":[{"system":"', where, '","code":"', choose(unknown, "ZZ9999", code), '","display":"', name,
        '"}],"text":"', name, '"}',
    )  # fmt: skip


def _patients(chunk: Chunk, export: Export) -> None:
    known, contacts = chunk.registrations, chunk.care.contacts
    rows = chunk.rows(np.arange(len(known)), FHIR)
    death = np.full(len(known), -1, dtype=np.int64)
    death[known.first[contacts.person]] = contacts.death
    sheet = _sheet(chunk, export, "Patient", at=rows, key=pick(known.number, rows))
    dead = death[rows] >= 0
    died = choose(dead, join('"deceasedDateTime":"', days(np.maximum(death[rows], 0)), '",'), "")
    text = join(
        _begin("Patient", sheet.key), '"identifier":[{"system":"urn:mrn","value":"', sheet.key,
        '"},{"type":{"text":"居民身份证"},"value":"', pick(known.resident, rows), '"}],"name":[{"text":"',
        pick(known.name, rows), '"}],"telecom":[{"system":"phone","value":"', pick(known.phone, rows), '"}],"gender":"',
        pick(pa.array(["unknown", "male", "female"]), known.sex[rows]), '","birthDate":"', days(known.birth[rows]),
        '",', died, '"address":[{"text":"', pick(known.address, rows), '"}]}',
    )  # fmt: skip
    _put(export, "Patient", sheet.site, text)
    concept = his.GENDERS[known.sex[rows]]
    export.truth.add(sheet, "person", keyspace=KEYSPACE, person=sheet.key, concept=concept, day=known.birth[rows])
    export.truth.add(
        sheet, "death", keyspace=KEYSPACE, person=sheet.key, concept=np.zeros(len(rows), dtype=np.int64),
        day=death[rows], rows=dead,
    )  # fmt: skip


def _encounters(chunk: Chunk, export: Export) -> None:
    visits = chunk.care.visits
    rows = chunk.of_visits(np.arange(len(visits)), FHIR)
    chosen = visits.take(rows)
    sheet = _sheet(chunk, export, "Encounter", at=chunk.registration[rows], key=chunk.visit_text(rows))
    kind = pick(pa.array(["AMB", "EMER", "IMP"]), chosen.kind)
    text = join(
        _begin("Encounter", sheet.key),
        '"status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"', kind,
        '"},"subject":{"reference":"Patient/', sheet.columns["person"], '"},"period":{"start":"', _time(chosen.start),
        '","end":"', _time(chosen.end), '"}}',
    )  # fmt: skip
    _put(export, "Encounter", sheet.site, text)
    export.truth.add(
        sheet, "visit_occurrence", keyspace=KEYSPACE, person=sheet.columns["person"],
        concept=his.VISITS[chosen.kind], day=day_of(chosen.start),
    )  # fmt: skip


def _conditions(chunk: Chunk, export: Export) -> None:
    codes = catalogue.conditions().codes
    rows = chunk.of_visits(chunk.care.diagnoses.visit, FHIR)
    chosen = chunk.care.diagnoses.take(rows)
    minute = chunk.care.visits.start[chosen.visit]
    sheet = _sheet(
        chunk, export, "Condition", at=chunk.registration[chosen.visit], key=chunk.numbers("D", rows),
        error=export.errors(len(rows), {dirt.UNKNOWN: 0.003}),
    )  # fmt: skip
    coded = _coded(codes, chosen.code, system=SNOMED, own="hospital-diagnosis", unknown=sheet.having(dirt.UNKNOWN))
    text = join(
        _begin("Condition", sheet.key), '"clinicalStatus":{"coding":[{"code":"active"}]},"code":', coded, ",",
        _about(chunk, chosen.visit, sheet), ',"onsetDateTime":"', _time(minute), '","recordedDate":"', _time(minute),
        '"}',
    )  # fmt: skip
    _put(export, "Condition", sheet.site, text)
    export.truth.add(
        sheet, "condition_occurrence", keyspace=KEYSPACE, person=sheet.columns["person"],
        concept=codes.concept[chosen.code], day=day_of(minute), covered=codes.concept[chosen.code] > 0,
    )  # fmt: skip


def _quantity(number: Text, comparator: Text | str, unit: Text | str, code: Text | str) -> Text:
    """A Quantity with UCUM unit."""
    return join(
        '"valueQuantity":{"value":', number, comparator, ',"unit":"', unit, f'","system":"{UCUM}","code":"', code, '"}'
    )


def _observations(chunk: Chunk, export: Export) -> None:
    table, units = catalogue.tests(), catalogue.units()
    rows = chunk.of_visits(chunk.care.labs.visit, FHIR)
    labs = chunk.care.labs.take(rows)
    error = assay.wrong(labs, export.errors(len(rows), {dirt.UNIT: 0.003, dirt.UNKNOWN: 0.002}))
    sheet = _sheet(
        chunk, export, "Observation", at=chunk.registration[labs.visit], key=chunk.numbers("J", rows), error=error
    )
    written = assay.write(export, labs, sheet.site, error)
    place = {int(concept): row for row, concept in enumerate(units.concept)}
    unit = np.array([place.get(int(concept), -1) for concept in written.unit_concept], dtype=np.int64)
    sign = written.sign
    comparator = choose(sign == 0, "", join(',"comparator":"', pick(pa.array(["", ">", "<"]), sign), '"'))
    quantity = _quantity(decimal(written.number), comparator, written.unit, pick(pa.array(list(units.ucum)), unit))
    answer = join(
        f'"valueCodeableConcept":{{"coding":[{{"system":"{SNOMED}","code":"', pick(ANSWERS, labs.positive), '"}]}'
    )
    code = _coded(table.codes, labs.test, system=LOINC, own="hospital-lab", unknown=sheet.having(dirt.UNKNOWN))
    minute = labs.minute + 90
    text = join(
        _begin("Observation", sheet.key), '"status":"final","category":[{"coding":[{"code":"laboratory"}]}],"code":',
        code, ",", _about(chunk, labs.visit, sheet), ',"effectiveDateTime":"', _time(minute), '",',
        choose(labs.positive < 0, quantity, answer), "}",
    )  # fmt: skip
    _put(export, "Observation", sheet.site, text)
    export.truth.add(
        sheet, "measurement", keyspace=KEYSPACE, person=sheet.columns["person"], concept=table.codes.concept[labs.test],
        day=day_of(minute), value=written.number, true_value=written.meant, unit=written.unit_concept,
        answer=written.answer,
    )  # fmt: skip


def _forms(chunk: Chunk, export: Export) -> None:
    """One Observation per field of the tumour form."""
    rows = chunk.of_visits(chunk.care.forms.visit, FHIR)
    form = chunk.care.forms.take(rows)
    minute = chunk.care.visits.start[form.visit] + 300
    at = chunk.registration[form.visit]
    key = chunk.numbers("F", rows)
    sheet = _sheet(chunk, export, "Observation", at=at, key=key)
    for name in his.FORM_FIELDS:
        item, value = catalogue.items()[name], his.form_text(form, name)
        if item.answers:
            shown = join(
                '"valueCodeableConcept":{"coding":[{"system":"hospital-form","code":"', name + "-", value,
                '"}],"text":"', value, '"}',
            )  # fmt: skip
        else:
            counted = join('"valueQuantity":{"value":', value, "}")
            shown = _quantity(value, "", "cm", "cm") if name == "SIZE" else counted
        text = join(
            _begin("Observation", join(key, f"-{name}")),
            '"status":"final","code":{"coding":[{"system":"hospital-form",',
            f'"code":"{name}","display":"{item.name}"}}]}},', _about(chunk, form.visit, sheet),
            ',"effectiveDateTime":"',
            _time(minute), '",', shown, "}",
        )  # fmt: skip
        _put(export, "Observation", sheet.site, text)
    his.form_truth(chunk, export, sheet, form, keyspace=KEYSPACE, day=day_of(minute))


def _recurrences(chunk: Chunk, export: Export) -> None:
    contacts = chunk.care.contacts
    home = chunk.registrations.first[contacts.person]
    rows = chunk.rows(home, FHIR)
    rows = rows[contacts.recurrence[rows] >= 0]
    chosen, item = contacts.take(rows), catalogue.items()["RECURRENCE"]
    sheet = _sheet(chunk, export, "Observation", at=home[rows], key=chunk.numbers("U", rows))
    text = join(
        _begin("Observation", sheet.key), '"status":"final","code":{"coding":[{"system":"hospital-form",',
        '"code":"RECURRENCE"}]},"subject":{"reference":"Patient/', sheet.columns["person"],
        '"},"effectiveDateTime":"', days(chosen.recurrence), '","valueBoolean":true}',
    )  # fmt: skip
    _put(export, "Observation", sheet.site, text)
    export.truth.add(
        sheet, item.table, keyspace=KEYSPACE, person=sheet.columns["person"], concept=np.full(len(rows), item.concept),
        day=chosen.recurrence,
    )  # fmt: skip


def _requests(chunk: Chunk, export: Export) -> None:
    codes = catalogue.drugs().codes
    rows = chunk.of_visits(chunk.care.orders.visit, FHIR)
    chosen: care.Orders = chunk.care.orders.take(rows)
    error = export.errors(len(rows), {dirt.UNKNOWN: 0.003})
    at = chunk.registration[chosen.visit]
    sheet = _sheet(chunk, export, "MedicationRequest", at=at, key=chunk.numbers("R", rows), error=error)
    coded = _coded(codes, chosen.drug, system=RXNORM, own="hospital-drug", unknown=sheet.having(dirt.UNKNOWN))
    amount = decimal(chosen.quantity.astype(float))
    text = join(
        _begin("MedicationRequest", sheet.key), '"status":"completed","intent":"order",',
        '"medicationCodeableConcept":', coded, ",", _about(chunk, chosen.visit, sheet), ',"authoredOn":"',
        _time(chosen.minute),
        '","dispenseRequest":{"quantity":{"value":', amount, '},"expectedSupplyDuration":{"value":',
        decimal(chosen.days.astype(float)), ',"unit":"d"}}}',
    )  # fmt: skip
    _put(export, "MedicationRequest", sheet.site, text)
    export.truth.add(
        sheet, "drug_exposure", keyspace=KEYSPACE, person=sheet.columns["person"], concept=codes.concept[chosen.drug],
        day=day_of(chosen.minute), covered=codes.concept[chosen.drug] > 0, value=chosen.quantity.astype(float),
    )  # fmt: skip


def _procedures(chunk: Chunk, export: Export) -> None:
    codes = catalogue.procedures()
    rows = chunk.of_visits(chunk.care.operations.visit, FHIR)
    chosen = chunk.care.operations.take(rows)
    at = chunk.registration[chosen.visit]
    sheet = _sheet(chunk, export, "Procedure", at=at, key=chunk.numbers("S", rows))
    clean = np.zeros(len(rows), dtype=bool)
    text = join(
        _begin("Procedure", sheet.key), '"status":"completed","code":',
        _coded(codes, chosen.code, system=SNOMED, own="hospital-procedure", unknown=clean), ",",
        _about(chunk, chosen.visit, sheet), ',"performedDateTime":"', _time(chosen.minute), '"}',
    )  # fmt: skip
    _put(export, "Procedure", sheet.site, text)
    export.truth.add(
        sheet, "procedure_occurrence", keyspace=KEYSPACE, person=sheet.columns["person"],
        concept=codes.concept[chosen.code], day=day_of(chosen.minute), covered=codes.concept[chosen.code] > 0,
    )  # fmt: skip
