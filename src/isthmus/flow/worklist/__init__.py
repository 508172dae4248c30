"""Codes that wait for a meaning: what waits (`items`), what the mappers say of it (`mappers`, `labelled`), how right
they are (`learn`, `trained`), and who decides: a person (`decide`) or a measured certainty (`automatic`).

Nothing else in `flow` knows of this package; it decides, and what is decided works through the records.
"""
