"""Names of drugs as hospitals write them become ingredients and ATC codes, or go on the work list with the reason.

`lexicon` is what we know, `parse` takes a text apart, `near` finds misspellings, and `match` does it for a column.
"""
