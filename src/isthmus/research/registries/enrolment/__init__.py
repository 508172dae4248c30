"""What a pack says of enrolment and what people say of persons, as values; `cases` and `visits` beside it work on them.

`enrolment.yaml` is read (`reading`) into values (`model`); what people said becomes one word a person (`ruling`).
"""
