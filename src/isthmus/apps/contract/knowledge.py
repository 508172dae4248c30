"""What packs of knowledge are made with: the language of expressions with its parts, scores, sheets, units."""

from isthmus.cdm.units import analyte, spelling, ucum
from isthmus.cdm.units.analyte import Conversion
from isthmus.cdm.units.concept import units
from isthmus.research.expression import Expression, ExpressionError, Kind, parse
from isthmus.research.expression.holding import Limits, can_hold, idle, outcomes
from isthmus.research.expression.holding import text as text_of_node
from isthmus.research.expression.node import Call, Case, Literal, Name, Node, Scalar, begin, is_known
from isthmus.research.registries.sheet import Row
from isthmus.research.registries.sheet import read as rows
from isthmus.research.scores.patient import Outcome, Told, score
from isthmus.research.scores.reader import find
from isthmus.research.scores.rule import Input, Score
from isthmus.research.scores.statement import select
from isthmus.research.scores.units import conversion

__all__ = [
    "Call", "Case", "Conversion", "Expression", "ExpressionError", "Input", "Kind", "Limits", "Literal", "Name", "Node",
    "Outcome", "Row", "Scalar", "Score", "Told", "analyte", "begin", "can_hold", "conversion", "find", "idle",
    "is_known", "outcomes", "parse", "rows", "score", "select", "spelling", "text_of_node", "ucum", "units",
]  # fmt: skip
