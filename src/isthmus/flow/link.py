"""Linking the persons of all sites: learn or take the kept model, link, publish one edition."""

from dataclasses import dataclass
from pathlib import Path

from isthmus.base.errors import InputError
from isthmus.base.progress import Progress, Silence
from isthmus.flow.ingest import Report, finish_interrupted, publish
from isthmus.flow.linking import records as identity
from isthmus.flow.linking.forms import Forms
from isthmus.flow.linking.kept import Kept, keep, newest
from isthmus.flow.linking.person import Person, person
from isthmus.flow.linking.renew import Linked, renew
from isthmus.flow.linking.verdict import PERSON, decide, take_back
from isthmus.flow.linking.waiting import Waiting, joined, waiting
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.lake.engine import lent
from isthmus.linkage import rules
from isthmus.linkage.model import train

__all__ = ["PERSON", "Outcome", "Person", "Waiting", "decide", "joined", "link", "person", "take_back", "waiting"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The model that linked, whether it was learnt now, what the linkage came to, and the edition if one was due."""

    kept: Kept
    learnt: bool
    linked: Linked
    edition: Edition | None


def link(
    workspace: Workspace, *, chosen: str = "", learn: bool = False, progress: Progress | None = None
) -> Outcome:  # fmt: skip
    """Link all records of identity and publish an edition, unless nothing changed.

    With `learn`, with other rules (`chosen`: the name of rules that come along, or a file), or at the first time, the
    model is learnt from the records as they are, and kept. Raises InputError where there is nothing to learn from.
    """
    progress = progress or Silence()
    with workspace.lake.writing():
        done = finish_interrupted(workspace, Report(), progress)
        kept = newest(workspace)
        name, text = _rules(workspace, chosen, kept)
        due = learn or kept is None or (kept.name, kept.text) != (name, text)
        if kept is None or due:
            kept = _learn(workspace, name, text)
        linked = renew(workspace, kept, progress=progress)
        edition = publish(workspace, done, linked=linked) if linked.changed or due or done else None
    return Outcome(kept, due, linked, edition)


def _rules(workspace: Workspace, chosen: str, kept: Kept | None) -> tuple[str, str]:
    """Name and text of the rules: those chosen, else those kept, else those that suit the names."""
    if chosen in rules.PACKED:
        return chosen, rules.text_of(chosen)
    if chosen:
        path = Path(chosen)
        try:
            return path.stem, path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            known = ", ".join(rules.PACKED)
            raise InputError(
                f"there are no rules {chosen}: no file that can be read, and not one of {known}. Name one of them, or "
                "a file as docs/reference/linkage.md describes it."
            ) from None
    if kept is not None:
        return kept.name, kept.text
    with workspace.lake.engine() as engine:
        identity.read(workspace.lake, engine)
        name = identity.usual(engine)
    return name, rules.text_of(name)


def _learn(workspace: Workspace, name: str, text: str) -> Kept:
    told = rules.said(name, text)
    with workspace.lake.engine() as engine:
        found = identity.read(workspace.lake, engine)
        if not len(found.rows):
            raise InputError(
                "no record of identity is in the lake, so nobody can be linked. Packs fill table `identity`: see "
                "docs/how-to/link-persons.md."
            )
        columns = [one for one in identity.columns_of(engine) if one in _sources(told)]
        forms = Forms(workspace, engine, told, columns)
        forms.complete(found)
        with lent(engine) as connection:
            model = train(connection, forms.rows(), told)
    return keep(workspace, name=name, text=text, columns=columns, normal=forms.names, model=model)


def _sources(told: rules.Rules) -> set[str]:
    return {source for _, sources in told.fields.values() for source in sources}
