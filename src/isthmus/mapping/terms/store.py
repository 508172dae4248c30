"""A model as a folder of plain files: JSON, Arrow, NumPy and LightGBM's text form; nothing in it is run when read."""

import hashlib
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import orjson
import pyarrow as pa

from isthmus.base.errors import InputError
from isthmus.mapping.terms.calibration import Calibration, Trust
from isthmus.mapping.terms.choice import Choice
from isthmus.mapping.terms.edit import SLOTS, Edit
from isthmus.mapping.terms.knowledge import Decisions, Knowledge
from isthmus.mapping.terms.model import Model
from isthmus.mapping.terms.ranker import Ranker

FORM = 2
CARD = "model.json"


def save(model: Model, folder: Path) -> None:
    """Write the model to a folder, which is made; the card is written last and holds the digest of every other file."""
    folder.mkdir(parents=True, exist_ok=True)
    decisions = model.known.decisions
    _table(folder / "targets.arrow", {"name": model.known.names, "family": pa.array(model.known.family, pa.int64())})
    _table(folder / "wordings.arrow", {"text": decisions.texts})
    _table(folder / "choices.arrow", {"text": pa.array(decisions.text), "target": pa.array(decisions.target)})
    slot = np.flatnonzero(model.ranker.edit.weights)
    _table(folder / "edit.arrow", {"slot": pa.array(slot), "weight": pa.array(model.ranker.edit.weights[slot])})
    np.save(folder / "solver.npy", model.known.past.solver, allow_pickle=False)
    for kind, grown in (("trees", model.ranker.trees), ("sets", model.choice.trees)):
        for at, trees in enumerate(grown):
            (folder / f"{kind}-{at:02}.txt").write_text(trees.model_to_string(), encoding="utf-8")
    card = {
        "form": FORM,
        "version": model.version,
        "settings": model.settings,
        "pair": _steps(model.pair),
        "whole": _steps(model.whole),
        "trust": {"scores": model.trust.scores.tolist(), "share": model.trust.share.tolist()},
        "files": {path.name: _digest(path) for path in sorted(folder.iterdir()) if path.name != CARD},
    }
    (folder / CARD).write_bytes(orjson.dumps(card, option=orjson.OPT_INDENT_2))


def load(folder: Path) -> Model:
    """The model in a folder; `InputError` when it is of another form, or a file is not the one that was saved."""
    card = _card(folder)
    names, family = _columns(folder / "targets.arrow", "name", "family")
    text, target = _columns(folder / "choices.arrow", "text", "target")
    (texts,) = _columns(folder / "wordings.arrow", "text")
    slot, weight = _columns(folder / "edit.arrow", "slot", "weight")
    weights = np.zeros(SLOTS, np.float32)
    weights[slot.to_numpy()] = weight.to_numpy()
    solver = np.load(folder / "solver.npy", allow_pickle=False)
    decisions = Decisions(texts, text.to_numpy(), target.to_numpy())
    model = Model(
        known=Knowledge.learn(names, family.to_numpy(), decisions, solver),
        ranker=Ranker(Edit(weights), _trees(folder, card, "trees")),
        choice=Choice(_trees(folder, card, "sets")),
        pair=_calibration(card["pair"]),
        whole=_calibration(card["whole"]),
        trust=Trust(np.array(card["trust"]["scores"]), np.array(card["trust"]["share"])),
    )
    if model.version != card["version"]:
        raise InputError(
            f"the model in {folder.name} was made with other settings than this release has "
            f"({card['version']}, here {model.version}); train it again from its decisions"
        )
    return model


def _card(folder: Path) -> dict[str, Any]:
    path = folder / CARD
    try:
        card: dict[str, Any] = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as wrong:
        raise InputError(f"{folder.name} holds no readable {CARD}; name a folder that a model was saved to") from wrong
    if card.get("form") != FORM:
        raise InputError(
            f"{folder.name} holds a model of form {card.get('form')}, this release reads {FORM}; train it again"
        )
    for name, digest in card["files"].items():
        if Path(name).name != name or not (folder / name).is_file() or _digest(folder / name) != digest:
            raise InputError(
                f"{folder.name}/{Path(name).name} is not the file that was saved; copy the whole folder again"
            )
    return card


def _trees(folder: Path, card: dict[str, Any], kind: str) -> tuple[lightgbm.Booster, ...]:
    names = sorted(name for name in card["files"] if name.startswith(f"{kind}-"))
    return tuple(lightgbm.Booster(model_str=(folder / name).read_text(encoding="utf-8")) for name in names)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _table(path: Path, columns: dict[str, pa.Array]) -> None:
    table = pa.table(columns)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _columns(path: Path, *names: str) -> tuple[pa.Array, ...]:
    with pa.OSFile(str(path), "rb") as source:
        table = pa.ipc.open_file(source).read_all().combine_chunks()
    return tuple(table[name].combine_chunks() if table.num_rows else pa.array([], table[name].type) for name in names)


def _steps(calibration: Calibration) -> dict[str, list[float]]:
    return {"scores": calibration.scores.tolist(), "confidence": calibration.confidence.tolist()}


def _calibration(steps: dict[str, list[float]]) -> Calibration:
    return Calibration(np.array(steps["scores"]), np.array(steps["confidence"]))
