"""How each item of a score is computed from rows of the CDM, as data, and evaluated in two ways that agree."""
