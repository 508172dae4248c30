"""What the house computes on tables and arrays: steps at a desk, phenotypes, scores, registries, survival."""

from isthmus.cdm.concept_set import Item, expansion
from isthmus.flow.findings.plausible import Funnel, funnel
from isthmus.gate.desk import Desk
from isthmus.research.cohorts import phenotype
from isthmus.research.cohorts.concepts import step
from isthmus.research.cohorts.definition import Definition
from isthmus.research.cohorts.evaluate import evaluate
from isthmus.research.expression.parser import Expression
from isthmus.research.expression.parser import parse as expression
from isthmus.research.methods import survival
from isthmus.research.registries.build import build
from isthmus.research.registries.pack import Pack as Registry
from isthmus.research.registries.pack import load as registry
from isthmus.research.scores.patient import Outcome, score
from isthmus.research.scores.reader import find as find_score
from isthmus.research.scores.reader import read as read_scores
from isthmus.research.scores.reader import shipped as shipped_scores
from isthmus.research.scores.statement import select as select_score

__all__ = [
    "Definition", "Desk", "Expression", "Funnel", "Item", "Outcome", "Registry", "build", "evaluate", "expansion",
    "expression", "find_score", "funnel", "phenotype", "read_scores", "registry", "score", "select_score",
    "shipped_scores", "step", "survival",
]  # fmt: skip
