"""What was learned and measured of the mappers in a workspace: kept below it, with a card."""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from isthmus.base.clock import now
from isthmus.base.durable import replaced
from isthmus.base.errors import InputError
from isthmus.flow import vocabulary
from isthmus.flow.workspace import Workspace
from isthmus.mapping.candidates.measured import Measured
from isthmus.mapping.terms import store
from isthmus.mapping.terms.model import Model

FORM = 1
CARD = "card.json"
CONCEPTS = "concepts.json"
Ranked = tuple[Model, np.ndarray]


@dataclass(frozen=True, slots=True)
class Trained:
    """By domain a model and the concept of each of its targets; by mapper and domain what was measured.

    `vocabulary` is the digest of the vocabulary that they were learned on, '' where nothing was learned; `targets` by
    domain the one vocabulary that was mapped to.
    """

    models: Mapping[str, Ranked] = field(default_factory=dict)
    measured: Mapping[str, Mapping[str, Measured]] = field(default_factory=dict)
    vocabulary: str = ""
    targets: Mapping[str, str] = field(default_factory=dict)


def folder_of(workspace: Workspace) -> Path:
    """Where they are kept."""
    return workspace.root / "models" / "terms"


def keep(workspace: Workspace, found: Trained, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Write models and card, in place of the former ones; returns the card. `figures` by domain stand in the card."""
    root = folder_of(workspace)
    listed: dict[str, Any] = {}
    for domain, (model, concepts) in found.models.items():
        name = f"{domain.lower().replace(' ', '-')}-{model.version}"
        draft = root / f".{name}"
        shutil.rmtree(draft, ignore_errors=True)
        store.save(model, draft)
        numbers = orjson.dumps(concepts.tolist())
        (draft / CONCEPTS).write_bytes(numbers)
        shutil.rmtree(root / name, ignore_errors=True)
        draft.rename(root / name)
        listed[domain] = {"folder": name, "concepts": hashlib.sha256(numbers).hexdigest(), **figures.get(domain, {})}
    card = {
        "form": FORM,
        "learned_at": now().isoformat(timespec="seconds") + "Z",
        "vocabulary": found.vocabulary,
        "targets": dict(found.targets),
        "measured": {
            mapper: {domain: [one.right, one.count] for domain, one in domains.items()}
            for mapper, domains in found.measured.items()
        },
        "models": listed,
    }
    root.mkdir(parents=True, exist_ok=True)
    with replaced(root / CARD) as stream:
        stream.write(orjson.dumps(card, option=orjson.OPT_INDENT_2))
    for old in root.iterdir():
        if old.is_dir() and old.name not in {one["folder"] for one in listed.values()}:
            shutil.rmtree(old, ignore_errors=True)
    return card


def trained(workspace: Workspace) -> Trained:
    """What was kept; nothing where nothing was learned yet. Raises InputError when it is damaged."""
    root = folder_of(workspace)
    if not (root / CARD).is_file():
        return Trained()
    try:
        card = orjson.loads((root / CARD).read_bytes())
        if card["form"] != FORM:
            raise InputError(f"models/terms has form {card['form']}, this release reads {FORM}. Learn again: --learn.")
        models = {domain: _model(root, one) for domain, one in card["models"].items()}
        measured = {
            mapper: {domain: Measured(*counts) for domain, counts in domains.items()}
            for mapper, domains in card["measured"].items()
        }
    except (ValueError, KeyError, TypeError, OSError) as wrong:
        raise InputError("models/terms cannot be read. Learn again: `isthmus decide WS --learn`.") from wrong
    return Trained(models, measured, str(card["vocabulary"]), card.get("targets", {}))


def is_current(workspace: Workspace, found: Trained) -> bool:
    """Whether it was learned on the vocabulary as it is now, and for what is mapped to now."""
    return found.vocabulary == vocabulary.digest(workspace.lake) and found.targets == workspace.targets


def _model(root: Path, listed: Mapping[str, Any]) -> Ranked:
    folder = root / Path(listed["folder"]).name
    numbers = (folder / CONCEPTS).read_bytes()
    if hashlib.sha256(numbers).hexdigest() != listed["concepts"]:
        raise InputError(f"{folder.name}/{CONCEPTS} is not the file that was saved. Learn again: --learn.")
    return store.load(folder), np.array(orjson.loads(numbers), np.int64)
