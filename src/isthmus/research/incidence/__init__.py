"""Incidence: how many of a cohort come to an outcome, in which time at risk, and how fast.

A design (`design`) names target cohorts, outcomes with clean windows, times at risk, subgroups and strata; it is read
from our own YAML or from the JSON of OHDSI's CohortIncidence (`reader`), and all its combinations are answered by a
fixed number of statements (`rates`). The meaning is that of CohortIncidence 4.1.
"""
