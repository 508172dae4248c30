"""What a question may stand on: the tables of `isthmus.cdm.questions`, by identity, and nothing else."""

from collections.abc import Iterator

import ibis.expr.operations as ops
import ibis.expr.types as ir

from isthmus.base.errors import RefusedError
from isthmus.cdm.questions import QUESTIONS

LEAVES = frozenset(id(question.op()) for question in QUESTIONS.values())
# Kinds of node through which a question could reach data or code that no grant names.
REACHING = (ops.PhysicalTable, ops.SQLStringView, ops.ScalarUDF, ops.AggUDF)


def check(question: ir.Table) -> None:
    """Raises RefusedError when any leaf of the question is not one of those tables, by identity."""
    for node in nodes(question.op()):
        if isinstance(node, REACHING) and id(node) not in LEAVES:
            raise RefusedError(
                f"the question reads {type(node).__name__} '{getattr(node, 'name', '')}', which no grant gave. "
                "Compose questions of the tables in isthmus.cdm.questions only."
            )


def nodes(root: ops.Node) -> Iterator[ops.Node]:
    """Every node of a question. Ibis's own walk takes equal nodes for one, so that a look-alike would not be met."""
    met: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) not in met:
            met.add(id(node))
            yield node
            waiting += node.__children__
