"""Who is in a registry: candidates that rules find, what people say of them, consent, and the visits that are due.

`enrolment.yaml` of a pack is read (`reading`) into values (`model`); what people said is brought to one word a
person (`ruling`); a fixed number of statements finds candidates and enrols (`cases`) and tells visits (`visits`).
"""
