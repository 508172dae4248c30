"""One population known to many hospitals: records of identity as they were written, and whose each of them is.

It is the truth against which the linkage is measured. It was written before the linkage, from what is generally known
of Chinese registration; what it does wrong is done by its own tables (`given.csv`, `misread.csv`), not by the linker's.
"""

from isthmus.simulation.identities.records import RECORDS, TRUTH, Identities, identities

__all__ = ["RECORDS", "TRUTH", "Identities", "identities"]
