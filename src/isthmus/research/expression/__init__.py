"""A small language for what follows from known values: scores, derived items, rules of quality.

Names, numbers, texts, arithmetic, comparisons, `and`/`or`/`not`, `case`, and a white list of functions; nothing else
can be said in it. What is not known is null, and null is carried through: a condition that cannot be decided decides
nothing, also in `case`, where SQL would go on to the next line. One text is read once (`parser`), checked against what
kinds its names are of (`kind`), and then either spelled as a sqlglot tree for any number of rows (`spelling`) or worked
out for one row in Python (`value`); a test holds the two equal.
"""

from isthmus.research.expression.node import ExpressionError, Kind
from isthmus.research.expression.parser import Expression, parse

__all__ = ["Expression", "ExpressionError", "Kind", "parse"]
