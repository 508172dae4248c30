"""What a code of a hospital may mean: the mappers' candidates with their evidence, and how far each may be believed.

Several mappers look at the same wordings: what was decided before, the names of the vocabulary, the drug lexicon, a
learned model, the search. Each gives an `Opinion`; a mapper's confidence is what was measured of it, or none.
"""
