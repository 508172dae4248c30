"""Learning from the lists that come along, cut short: one domain in place of six, and small forests.

The way through `learn` is the whole one. What forests of full size are worth is measured in tests/unit/mapping/terms
and tests/acceptance.
"""

import pytest

from isthmus.flow.worklist import learn
from isthmus.mapping.terms import choice, ranker

FEWEST = 150  # known wordings: conditions have more, no other domain has


def shorten(patch: pytest.MonkeyPatch) -> None:
    """For as long as the patch holds."""
    patch.setattr(learn, "FEWEST", FEWEST)
    patch.setattr(ranker, "TREES", 50)
    patch.setattr(choice, "TREES", 60)
