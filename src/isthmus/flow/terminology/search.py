"""The search's index of a workspace: made anew when names, synonyms or relations changed, and kept beside the lake."""

import os
import shutil
from pathlib import Path

from isthmus.base.identity import digest63
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import query
from isthmus.flow.workspace import Workspace
from isthmus.mapping.search import store
from isthmus.mapping.search.ask import Search
from isthmus.mapping.search.index import Index, build

FOLDER = "search"
TABLES = ("concept", "concept_synonym", "concept_relationship")

CONCEPTS = """
    SELECT concept_id, any_value(coalesce(concept_name, '')) AS concept_name,
        any_value(coalesce(concept_code, '')) AS concept_code, any_value(coalesce(vocabulary_id, '')) AS vocabulary_id,
        any_value(coalesce(domain_id, '')) AS domain_id, bool_or(coalesce(standard_concept, '') = 'S') AS standard,
        bool_and(invalid_reason IS NULL OR invalid_reason = '') AS valid
    FROM concept WHERE concept_id > 0 GROUP BY concept_id ORDER BY concept_id
"""
SYNONYMS = """
    SELECT DISTINCT concept_id, concept_synonym_name AS name FROM concept_synonym
    WHERE concept_synonym_name IS NOT NULL ORDER BY concept_id, name
"""
MAPS = """
    SELECT DISTINCT r.concept_id_1 AS concept_id, r.concept_id_2 AS standard_id
    FROM concept_relationship r JOIN concept s ON s.concept_id = r.concept_id_2 AND s.standard_concept = 'S'
    WHERE r.relationship_id = 'Maps to' AND r.concept_id_1 <> r.concept_id_2 AND coalesce(r.invalid_reason, '') = ''
    ORDER BY concept_id, standard_id
"""


def search(workspace: Workspace) -> Search:
    """The search over the vocabulary as it is now; its index is made where there is none of it yet."""
    return Search(index_of(workspace))


def digest(workspace: Workspace) -> str:
    """Changes with any row that the index is made of, and with the form of the index."""
    names = [one.path for table in TABLES for one in workspace.lake.deltas.files(table)]
    return f"{digest63(store.FORM, *sorted(names)):016x}"


def index_of(workspace: Workspace) -> Index:
    """The index, from the workspace's folder `search` or made now and kept there if that may be written."""
    root = workspace.root / FOLDER
    folder = root / digest(workspace)
    if folder.is_dir():
        try:
            return store.load(folder)
        except (OSError, ValueError, KeyError):
            shutil.rmtree(folder, ignore_errors=True)  # half of it was lost; everything in it can be made again
    made = made_of(workspace)
    try:
        draft = root / f".{folder.name}.{os.getpid()}"
        shutil.rmtree(draft, ignore_errors=True)
        store.save(made, draft)
        draft.rename(folder)
    except OSError:
        return made  # who may only read searches all the same; or another process was first
    _forget(root, folder.name)
    return store.load(folder)


def made_of(workspace: Workspace) -> Index:
    """An index over the vocabulary as it is now."""
    with workspace.lake.engine() as engine:
        for name in TABLES:
            files: list[Path] = [workspace.lake.root / one.path for one in workspace.lake.deltas.files(name)]
            engine.view(name, files, empty=schema_of(name))
        return build(*(engine.rows(query(sql)) for sql in (CONCEPTS, SYNONYMS, MAPS)))


def _forget(root: Path, kept: str) -> None:
    for old in root.iterdir():
        if old.name not in (kept, f".{kept}.{os.getpid()}") and old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
