"""Files of definitions: YAML that remembers its lines, and faults that name file, line, item, cause and mend."""

from isthmus.base.document import Section, parse, read
from isthmus.research.registries import sheet
from isthmus.research.registries.faults import Faults
from isthmus.research.scores.faults import (
    check_keys,
    choice_of,
    fault,
    number_of,
    section_of,
    sections_of,
    switch_of,
    text_of,
)

__all__ = [
    "Faults", "Section", "check_keys", "choice_of", "fault", "number_of", "parse", "read", "section_of", "sections_of",
    "sheet",
    "switch_of", "text_of",
]  # fmt: skip
