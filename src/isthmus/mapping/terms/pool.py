"""Candidates: the targets near a wording, near what its words were translated to before, or chosen for its like."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from isthmus.mapping.terms.abbreviation import spelled
from isthmus.mapping.terms.gram import best, unit
from isthmus.mapping.terms.knowledge import Knowledge
from isthmus.mapping.terms.past import strongest
from isthmus.mapping.terms.structure import marks
from isthmus.mapping.terms.writing import bare, segments

KEPT = 60  # candidates of a wording that go on to the ranker
NEIGHBOURS = 60


@dataclass(frozen=True)
class Views:
    """Wordings, first each as a whole, then, where it has stops, its pieces; `row` is the wording of each view.

    All matrices are views × n-grams (`grams`, `parts`, `translated`) or views × targets (`votes`, `nearest`).
    """

    rows: int
    row: np.ndarray
    grams: sp.csr_matrix
    parts: sp.csr_matrix
    translated: sp.csr_matrix
    votes: sp.csr_matrix
    nearest: sp.csr_matrix
    marks: np.ndarray
    length: np.ndarray


def look(known: Knowledge, texts: pa.Array, own: np.ndarray) -> Views:
    """The views of a block of texts; `own` is the decision that each text is (-1: none), to be left out."""
    told = spelled(texts)
    row, piece = segments(told)
    several = np.bincount(row, minlength=len(texts))[row] > 1
    whole = pa.concat_arrays([bare(told), piece.filter(pa.array(several))])
    row = np.concatenate([np.arange(len(texts)), row[several]])
    grams = known.grams.weigh(whole)
    weight = known.past.weigh(grams, own[row])
    return Views(
        rows=len(texts),
        row=row,
        grams=grams,
        parts=known.small.count(whole).sign(),
        translated=unit(strongest((strongest(weight, 400) @ known.answers).toarray(), 80)),
        votes=strongest(np.asarray((known.chosen.T @ weight.T).T), NEIGHBOURS),
        nearest=_nearest(known, grams, own[row]),
        marks=marks(told),
        length=pc.utf8_length(whole).to_numpy().astype(np.float32),
    )


def _nearest(known: Knowledge, grams: sp.csr_matrix, own: np.ndarray) -> sp.csr_matrix:
    """Views × targets: the cosine of the likest decided wording that was given the target."""
    view, decision, like = best(grams, known.past.wordings, NEIGHBOURS)
    other = decision != own[view]
    near = sp.csr_matrix((like[other], (view[other], decision[other])), shape=(grams.shape[0], known.chosen.shape[0]))
    order = np.argsort(near.data)  # the likest last: of several values for one place the last is kept
    view = np.repeat(np.arange(near.shape[0]), np.diff(near.indptr))[order]
    decision, like = near.indices[order], near.data[order]
    many = np.diff(known.chosen.indptr)[decision]
    step = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    target = known.chosen.indices[np.repeat(known.chosen.indptr[decision], many) + step]
    width = known.chosen.shape[1]
    cell = (np.repeat(view, many).astype(np.int64) * width + target)[::-1]
    cell, first = np.unique(cell, return_index=True)
    value = np.repeat(like, many)[::-1][first]
    return sp.csr_matrix((value, (cell // width, cell % width)), shape=(grams.shape[0], width))


def candidates(known: Knowledge, views: Views) -> tuple[np.ndarray, np.ndarray]:
    """At most `KEPT` (wording, target) pairs for each wording, sorted by wording."""
    width = len(known.names)
    both = unit(views.grams + views.translated)
    found = [
        best(both, known.targets, 50),
        best(views.grams, known.targets, 20),
        best(views.translated, known.targets, 20),
    ]
    worth = [score for _, _, score in found]
    votes = views.votes.tocoo()
    near = views.nearest.tocoo()
    view = np.concatenate([*(view for view, _, _ in found), votes.row, near.row])
    target = np.concatenate([*(target for _, target, _ in found), votes.col, near.col])
    # Votes are shares of decisions and mean more than a likeness of the same size.
    score = np.concatenate([worth[0], 0.9 * worth[1], 0.8 * worth[2], 3 * votes.data, 0.9 * near.data])
    cell = views.row[view].astype(np.int64) * width + target
    order = np.lexsort((-score, cell))
    cell, score = cell[order], score[order]
    first = np.diff(cell, prepend=-1) != 0
    cell, score = cell[first], score[first]
    row = cell // width
    order = np.lexsort((-score, row))
    row, cell = row[order], cell[order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    cell = np.sort(cell[place < KEPT])
    return cell // width, cell % width
