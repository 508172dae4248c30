"""Rows become OMOP: codes, dates, numbers, units. A hospital is a folder of data (a pack), not of code.

`pack` reads and checks a pack; `plan` compiles it into set-based statements that an engine runs.
"""
