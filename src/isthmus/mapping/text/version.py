"""Which version of the rules read a text: changes with any term, cue, heading, unit, rule or answer."""

import hashlib
from datetime import date
from functools import cache
from importlib.resources import files

from isthmus.mapping.text.lexicon import lexicon

STEPS = 1
"""Of the code's own steps: raised when the same lexicon gives other findings."""
DAY = date(2026, 11, 28)
"""When `STEPS` was raised: the day that rows of `note_nlp` bear: a note gives the same bytes whenever it is read."""


@cache
def version() -> str:
    """`1.0a1b2c3d`: the version of the steps, and the beginning of the digest of all that they look up."""
    words = lexicon()
    told = [
        *words.terms, *map(str, words.meanings), *map(str, words.cues), *words.sections,
        *(f"{unit}={code}" for unit, code in sorted(words.units.items())), str(words.anchors), str(words.codes),
    ]  # fmt: skip
    digest = hashlib.sha256("\0".join(told).encode())
    for column in (words.entity, words.ahead, words.behind, words.section, words.capital):
        digest.update(column.tobytes())
    for name in ("rule.yaml", "item.csv", "answer.csv"):
        digest.update((files("isthmus.mapping.text") / "lexicon" / name).read_bytes())
    return f"{STEPS}.{digest.hexdigest()[:8]}"
