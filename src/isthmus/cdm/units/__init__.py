"""Units of measure as facts: UCUM codes and what they are worth, spellings of hospitals, molar masses of analytes.

`ucum` reads a code, `spelling` turns what a hospital wrote into a code, `analyte` converts between mass and substance.
Applying a conversion to records is an act, and lives in `mapping`.
"""
