"""Clinical notes become findings: sections, entities, values, assertions and a liver layer, each with its span.

`structure` is the way in. The rules are data (`lexicon/`); the code is a few general steps over a whole batch of notes:

    page       notes joined into one array of folded characters, with the way back to the original positions
    trie       all terms of the lexicon found in one vectorised pass
    boundary   sentences, clauses and sections
    assertion  negation, uncertainty, family, history, plans: which cue reaches which entity
    quantity   numbers with units, and the test, drug or lesion they belong to
    pattern    rules anchored at a term: stages, scores, numbers of tumours, responses, times
    note       the rows of OMOP `note` and `note_nlp`

`tagger/` is a learned layer for Chinese records, trained by whoever holds annotated notes.
"""
