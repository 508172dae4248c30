"""Clinical terms of hospitals to the terms of a code list: candidates, a learned ranking, calibrated confidence.

`Model.fit` learns from decisions (a hospital's wording and the terms that a person chose), `Model.rank` gives
candidates with score, evidence and confidence. Pure: arrays in, arrays out. See `docs/cards/terms.md`.
"""
