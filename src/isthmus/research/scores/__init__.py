"""Clinical scores and stages as data: one YAML file a family in `rules/`, read (`reader`) into values (`rule`).

A score becomes a few layers of named expressions (`plan`). They are spelled as one SELECT over any table of inputs
(`statement`) or worked out for one patient (`patient`); both give value, grade, what is missing, rule and version, and
never a guess. Format and list: docs/reference/scores.md.
"""
