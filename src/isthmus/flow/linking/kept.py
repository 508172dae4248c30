"""Models of the linkage as the workspace keeps them: rules and weights, one file a version, never changed.

`linkage/000001.json` below the workspace. The newest is the one that links; where there is one, linking is switched on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from isthmus.base.clock import now
from isthmus.base.durable import publish_once
from isthmus.base.errors import IntegrityError
from isthmus.flow.workspace import Workspace
from isthmus.linkage import rules
from isthmus.linkage.model import Model


@dataclass(frozen=True, slots=True)
class Kept:
    """A version of the model. `columns` of `identity` are read; `steps` are the names of the weights of a pair."""

    number: int
    name: str
    text: str
    columns: Sequence[str]
    steps: Sequence[str]
    model: Model


def steps(model: Model) -> list[str]:
    """The names of a pair's weights, in one order: of each comparison, and of its rarity where that counts."""
    found = []
    for one in model.rules.comparisons:
        found.append(f"weight_{one.name}")
        if any(level.frequency for level in one.levels) and all(level.most is None for level in one.levels):
            found.append(f"rarity_{one.name}")
    return found


def keep(
    workspace: Workspace, *, name: str, text: str, columns: Sequence[str], normal: Sequence[str], model: Model
) -> Kept:  # fmt: skip
    """Keep a model as the next version, with the columns of `identity` and of the normal form that it was learnt on."""
    number = max(_numbers(workspace), default=0) + 1
    made = Kept(number, name, text, tuple(columns), tuple(steps(model)), model)
    body: dict[str, Any] = {
        "model": number, "made_at": now().isoformat(timespec="seconds") + "Z", "rules": name, "text": text,
        "columns": list(columns), "normal": list(normal), "settings": model.settings,
    }  # fmt: skip
    path = _path(workspace, number)
    path.parent.mkdir(parents=True, exist_ok=True)
    publish_once(path, orjson.dumps(body, option=orjson.OPT_INDENT_2))
    return made


def newest(workspace: Workspace) -> Kept | None:
    """The model that links, or None where linking is not switched on.

    Raises IntegrityError for one that was altered.
    """
    numbers = _numbers(workspace)
    if not numbers:
        return None
    path = _path(workspace, max(numbers))
    try:
        body = orjson.loads(path.read_bytes())
        said = rules.said(body["rules"], body["text"]).only(body["normal"])
        model = Model(said, body["settings"])
        return Kept(body["model"], body["rules"], body["text"], body["columns"], steps(model), model)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise IntegrityError(f"linkage/{path.name} was altered. Restore it from a backup, or learn anew.") from None


def _numbers(workspace: Workspace) -> list[int]:
    return [int(path.stem) for path in (workspace.root / "linkage").glob("[0-9]*.json") if path.stem.isdecimal()]


def _path(workspace: Workspace, number: int) -> Path:
    return workspace.root / "linkage" / f"{number:06d}.json"
