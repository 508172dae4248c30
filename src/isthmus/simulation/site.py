"""Which hospital speaks which dialects, and which feeds it exports."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.simulation.column import Ints

HIS, VENDOR, FHIR, HL7 = range(4)
KEYSPACES = ("hospital", "vendor", "fhir", "hl7")

# The first hospital has grown by mergers: half of its people are in the HIS, the rest in three other systems.
MERGED = (HIS, HIS, HIS, HIS, HIS, VENDOR, VENDOR, FHIR, FHIR, HL7)
OTHERS = (HIS, VENDOR, FHIR, HL7)


@dataclass(frozen=True, slots=True)
class Feed:
    """One system's export at a hospital: the folder below `exports/`, its pack, and the key space of its numbers."""

    site: str
    name: str
    pack: str
    keyspace: str

    @property
    def folder(self) -> str:
        """Where the files lie, below `exports/`."""
        return f"{self.site}/{self.name}"


def names(sites: int) -> tuple[str, ...]:
    """Short names of the hospitals."""
    return tuple(f"h{number:02d}" for number in range(1, sites + 1))


def dialects(site: Ints, person: Ints) -> Ints:
    """The system in which a person's record is kept at a hospital."""
    merged = np.array(MERGED)[(person * 7 + 3) % len(MERGED)]
    other = np.array(OTHERS)[(site - 1) % len(OTHERS)]
    return np.where(site == 0, merged, other)


def feeds(sites: Sequence[str]) -> Iterator[Feed]:
    """All feeds, hospital by hospital."""
    for number, site in enumerate(sites):
        spoken = set(MERGED) if number == 0 else {OTHERS[(number - 1) % len(OTHERS)]}
        if HIS in spoken:
            yield from (Feed(site, name, f"sim-{name}", "hospital") for name in ("his", "lis", "emr"))
        if VENDOR in spoken:
            yield Feed(site, "vendor", "sim-vendor", "vendor")
        if FHIR in spoken:
            yield Feed(site, "fhir", "sim-fhir", "fhir")
        if HL7 in spoken:
            yield Feed(site, "hl7", "sim-hl7", "hl7")
