"""Who the people truly are, and how their liver cancer went: truth/person.parquet and truth/liver.parquet."""

import numpy as np
import pyarrow as pa

from isthmus.simulation import liver, name, pathway, population, site, truth
from isthmus.simulation.chunk import Chunk
from isthmus.simulation.column import Ints, pick, whole
from isthmus.simulation.export import Export
from isthmus.simulation.truth import dates, words

FEED_OF = ("his", "vendor", "fhir", "hl7")
SEXES = ("", "male", "female")


def people_truth(chunk: Chunk, export: Export) -> None:
    """Append this chunk's registrations and liver cancer patients."""
    _persons(chunk, export)
    _livers(chunk, export)
    if chunk.followed is not None:
        number = chunk.people.number[chunk.course.person]
        export.truth.write("pathway", pathway.truth_of(chunk.followed, number))


def _persons(chunk: Chunk, export: Export) -> None:
    people, known = chunk.people, chunk.registrations
    who = known.person
    parts = tuple(part[who] for part in people.name)
    export.truth.write(
        "person",
        {
            "person": pa.array(people.number[who]), "site": words(known.site, export.sites),
            "feed": words(known.dialect, FEED_OF), "keyspace": words(known.dialect, site.KEYSPACES),
            "person_key": known.number, "primary": pa.array(known.place == 0), "sex": words(people.sex[who], SEXES),
            "birth_date": dates(people.birth[who]), "name": name.written((parts[0], parts[1], parts[2])),
            "resident_id": population.resident_number(people.area[who], people.birth[who], people.order[who]),
            "phone": whole(people.phone[who]), "written_name": known.name, "written_birth_date": dates(known.birth),
            "written_resident_id": known.resident, "written_phone": known.phone,
            "change": known.changed.dictionary_encode().cast(truth.WORD), "liver": pa.array(people.liver[who]),
        },
    )  # fmt: skip


def _livers(chunk: Chunk, export: Export) -> None:
    ill, known = chunk.course, chunk.registrations
    home: Ints = known.first[ill.person]
    compared = (ill.treatment == liver.RESECTION) | (ill.treatment == liver.TACE)
    columns = {
        "person": pa.array(chunk.people.number[ill.person]), "site": words(known.site[home], export.sites),
        "keyspace": words(known.dialect[home], site.KEYSPACES), "person_key": pick(known.number, home),
        "age": pa.array(ill.age), "cause": words(ill.cause, liver.CAUSES), "bclc": words(ill.bclc, liver.BCLC),
        "cnlc": words(ill.cnlc, liver.CNLC), "child_pugh_class": words(ill.grade, "ABC"),
        **{field: pa.array(getattr(ill, field).astype(float)) for field in (*truth.NUMBERS, "inr", "afp")},
        "treatment": words(ill.treatment, liver.TREATMENTS), "diagnosis_date": dates(ill.diagnosis),
        "treatment_date": dates(ill.start), "last_date": dates(ill.end), "time": pa.array(ill.end - ill.start),
        "event": pa.array(ill.died), "recurrence_date": dates(ill.recurrence, ill.recurrence < 0),
        "eligible": pa.array(np.isin(ill.bclc, (1, 2)) & compared),
    }  # fmt: skip
    export.truth.write("liver", columns)
