"""What this application borrows of Isthmus, in one place."""

from isthmus.base import document
from isthmus.base.document import Section
from isthmus.base.errors import InputError, PackError, UsageError
from isthmus.gate.desk import Desk
from isthmus.research.cohorts import phenotype
from isthmus.research.cohorts.concepts import step
from isthmus.research.cohorts.definition import Definition
from isthmus.research.cohorts.evaluate import evaluate as members
from isthmus.research.methods.survival import kaplan_meier
from isthmus.research.registries.build import build as build_registry
from isthmus.research.registries.faults import Faults
from isthmus.research.registries.pack import Pack as Registry
from isthmus.research.registries.pack import load as load_registry
from isthmus.research.registries.pack import plain

__all__ = [
    "Definition", "Desk", "Faults", "InputError", "PackError", "Registry", "Section", "UsageError", "build_registry",
    "document", "kaplan_meier", "load_registry", "members", "phenotype", "plain", "step",
]  # fmt: skip
