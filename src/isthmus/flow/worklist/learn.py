"""Learning from what is known here: each mapper is measured on it, and a model is trained for each domain."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.base.progress import Progress, Silence
from isthmus.flow import vocabulary
from isthmus.flow.worklist.mappers import Asked, Mappers, mappers
from isthmus.flow.worklist.trained import Trained, keep
from isthmus.flow.workspace import Workspace
from isthmus.mapping.candidates import naming
from isthmus.mapping.candidates.edition import families
from isthmus.mapping.candidates.measured import Measured, measured
from isthmus.mapping.candidates.naming import Known
from isthmus.mapping.terms.evaluate import compare
from isthmus.mapping.terms.knowledge import Decisions
from isthmus.mapping.terms.model import FEWEST, MOST, Model

PARTS = 5  # of the known wordings one part is held out for the card's figures
MOST_TARGETS = 60_000  # concepts of a domain beyond which only those are targets that a decision or list names


@dataclass(frozen=True, slots=True)
class Lesson:
    """The known wordings of one domain: each with its concepts."""

    domain: str
    wordings: Sequence[str]
    answers: Sequence[frozenset[int]]


def learn(workspace: Workspace, progress: Progress | None = None) -> dict[str, Any]:
    """Measure the mappers, train a model for every domain with enough known wordings, keep them; returns the card."""
    progress = progress or Silence()
    with mappers(workspace, learned=Trained()) as bench:
        told = _domains(bench)
        tables = _measure(bench, told)
        lessons = _lessons(told)
        models, figures = {}, {}
        progress.start("learning", total=len(lessons), unit="domains")
        for lesson in lessons:
            names, family, concepts = _targets(bench, lesson)
            decisions = _decisions(lesson, concepts)
            model = Model.learn(names, family, decisions)
            models[lesson.domain] = (model, concepts)
            figures[lesson.domain] = {
                "version": model.version, "wordings": len(lesson.wordings), "targets": len(concepts),
                **_figures(names, family, decisions),
            }  # fmt: skip
            progress.advance("learning")
        progress.finish("learning")
    return keep(workspace, Trained(models, tables, vocabulary.digest(workspace.lake), workspace.targets), figures)


def _domains(bench: Mappers) -> list[tuple[Known, str]]:
    """Known wordings whose concepts are standard ones of one domain, and of what is mapped to in it, with it."""
    about = bench.concepts(concept for one in bench.known for concept in one.answer)
    told = []
    for one in bench.known:
        kinds = {
            found.domain if found is not None and found.standard and bench.is_target(found) else ""
            for found in map(about.get, one.answer)
        }
        if len(kinds) == 1 and "" not in kinds:
            told.append((one, kinds.pop()))
    return told


def _measure(bench: Mappers, told: Sequence[tuple[Known, str]]) -> dict[str, dict[str, Measured]]:
    """What each mapper's answers were worth on the known wordings, their own origin left out.

    A wording with the same meaning counts once, however many lists have it.
    """
    keys = naming.keys([one.wording for one, _ in told])
    distinct = {(key, domain, frozenset(one.answer)): one for key, (one, domain) in zip(keys, told, strict=True)}
    asked = [Asked(one.wording, (domain,), one.origin) for (_, domain, _), one in distinct.items()]
    said: dict[str, list[tuple[str, frozenset[int], frozenset[int]]]] = {}
    for (_, domain, truth), opinions in zip(distinct, bench.opinions(asked), strict=True):
        for opinion in opinions:
            mapper = opinion.mapper.partition("@")[0]
            said.setdefault(mapper, []).append((domain, frozenset(opinion.answer), truth))
    return {mapper: measured(answers) for mapper, answers in sorted(said.items())}


def _lessons(told: Sequence[tuple[Known, str]]) -> list[Lesson]:
    """By domain, each wording once; the first meaning stands, which is a person's where there is one."""
    found: dict[str, dict[str, frozenset[int]]] = {}
    for one, domain in told:
        found.setdefault(domain, {}).setdefault(one.wording, frozenset(one.answer))
    return [
        Lesson(domain, list(known)[:MOST], list(known.values())[:MOST])
        for domain, known in sorted(found.items())
        if len(known) >= FEWEST
    ]


def _targets(bench: Mappers, lesson: Lesson) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """The names of the concepts that the model may choose, each its own; their families of codes; the concepts."""
    found = bench.targets(lesson.domain, most=MOST_TARGETS, always=frozenset().union(*lesson.answers))
    seen: set[str] = set()
    names = []
    for concept, name in zip(found["concept_id"].to_pylist(), found["name"].to_pylist(), strict=True):
        names.append(name if name not in seen else f"{name} ({concept})")
        seen.add(names[-1])
    family = families(found["code"].combine_chunks(), lesson.domain)
    return pa.array(names, pa.string()), family, found["concept_id"].to_numpy()


def _decisions(lesson: Lesson, concepts: np.ndarray) -> Decisions:
    place = {int(concept): at for at, concept in enumerate(concepts)}
    pairs = [(at, place[concept]) for at, answer in enumerate(lesson.answers) for concept in sorted(answer)]
    text, target = np.array(pairs, np.int64).T
    return Decisions(pa.array(lesson.wordings, pa.string()), text, target)


def _figures(names: pa.Array, family: np.ndarray, decisions: Decisions) -> dict[str, Any]:
    """What a model of four fifths of the known wordings says of the fifth; empty where that would be too few."""
    count = len(decisions.texts)
    held = np.random.default_rng(1).permutation(count) % PARTS == 0
    if int((~held).sum()) < FEWEST:
        return {}
    model = Model.learn(names, family, decisions.only(~held))
    found = compare(model.answer(decisions.only(held).texts), decisions.only(held))
    share, low, high = found.precision
    return {
        "held_out": found.wordings, "exact": round(found.accuracy, 4), "best_right": round(found.top, 4),
        "recall_at_10": round(found.recall, 4), "automatic": found.automatic, "automatic_exact": found.automatic_right,
        "automatic_share": round(share, 4), "interval": [round(low, 4), round(high, 4)],
    }  # fmt: skip
