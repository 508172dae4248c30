"""Clinical pathways: steps of guidelines as rules with time windows, measured against what was really done.

A pack (`packs/*.yaml`, or one's own) says who is on the pathway, what its steps are and which rules hold; all rules are
evaluated over all patients by a fixed number of statements. A missing record is not a violation: what must be there to
judge is declared.
"""
