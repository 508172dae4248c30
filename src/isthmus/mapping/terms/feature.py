"""What speaks for and against each candidate, as named numbers."""

import numpy as np
import scipy.sparse as sp

from isthmus.mapping.terms.gram import dots
from isthmus.mapping.terms.knowledge import Knowledge
from isthmus.mapping.terms.pool import Views
from isthmus.mapping.terms.structure import FAMILIES, agreement

COMPARED = ("likeness", "translated", "votes", "nearest")
VIEWED = ("likeness", "text covered", "target covered", "translated", "votes", "nearest")
ALONE = ("chosen before", "family votes", "family likeness", "text length", "target length", "longer by", "pieces")


def names() -> list[str]:
    """The features in the order of the columns of `measure` and then of `with_edit`."""
    sides = [f"{family} only in {side}" for family in FAMILIES for side in ("text", "target")]
    out = [*VIEWED, *(f"{name} of a piece" for name in VIEWED), *sides, *ALONE]
    ranked = [f"{name} {how}" for name in (*COMPARED, "rewriting") for how in ("rank", "behind the best")]
    return [*out, *ranked[:-2], "rewriting", *ranked[-2:]]


def measure(known: Knowledge, views: Views, row: np.ndarray, target: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Pairs × features, float32, all but the rewriting's; `own` hides each text's own decision (-1: there is none)."""
    viewed, of_piece = _viewed(known, views, row, target)
    agreed = agreement(views.marks[row], known.marks[target])
    compared = (np.maximum(viewed[:, VIEWED.index(name)], of_piece[:, VIEWED.index(name)]) for name in COMPARED)
    ranked = [column for values in compared for column in _ranked(row, values)]
    alone = _alone(known, views, row, target, own)
    alone[:, 1:3] = _kin(known, row, target, viewed)
    return np.hstack([viewed, of_piece, agreed, alone, np.stack(ranked, axis=1)]).astype(np.float32)


def with_edit(features: np.ndarray, row: np.ndarray, edit: np.ndarray) -> np.ndarray:
    """The features with those of the rewriting added."""
    return np.hstack([features, np.stack([edit, *_ranked(row, edit)], axis=1)]).astype(np.float32)


def first_guess(features: np.ndarray) -> np.ndarray:
    """A rough order of candidates before anything is trained on them: the sum of likeness, translation and votes."""
    likeness, translated, votes = (features[:, VIEWED.index(name)] for name in ("likeness", "translated", "votes"))
    out: np.ndarray = likeness + translated + 3 * votes
    return out


def _alone(known: Knowledge, views: Views, row: np.ndarray, target: np.ndarray, own: np.ndarray) -> np.ndarray:
    mine = own[row] >= 0
    hidden = np.zeros(len(row), np.float32)
    hidden[mine] = _at(known.chosen, own[row][mine], target[mine])
    before = np.log1p(np.asarray(known.chosen.sum(0)).ravel()[target] - hidden)
    length, other = views.length[row], known.length[target]
    pieces = np.bincount(views.row, minlength=views.rows)[row] - 1
    none = np.zeros(len(row))
    return np.stack([before, none, none, length, other, other - length, pieces], axis=1)


def _kin(known: Knowledge, row: np.ndarray, target: np.ndarray, viewed: np.ndarray) -> np.ndarray:
    """What speaks for the other candidates of the same family of codes: their votes, and their mean likeness."""
    family = known.family[target].astype(np.int64)
    kin = np.unique(row * (known.family.max() + 2) + family + 1, return_inverse=True)[1]
    votes = viewed[:, VIEWED.index("votes")]
    near = viewed[:, VIEWED.index("likeness")] + viewed[:, VIEWED.index("translated")]
    others = [np.bincount(kin, votes)[kin] - votes, (np.bincount(kin, near)[kin] - near) / np.bincount(kin)[kin]]
    return np.where(family[:, None] < 0, 0, np.stack(others, axis=1))


def _viewed(known: Knowledge, views: Views, row: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The features of whole wordings, and the greatest of each over the pieces (the whole where there are none)."""
    whole = _likeness(known, views, row, target)
    piece = np.arange(views.rows, len(views.row))
    if len(piece) == 0:
        return whole, whole
    first = np.searchsorted(views.row[piece], np.arange(views.rows))
    many = np.bincount(views.row[piece], minlength=views.rows)
    pair = np.repeat(np.arange(len(row)), many[row])
    step = np.arange(len(pair)) - np.repeat(np.cumsum(many[row]) - many[row], many[row])
    each = _likeness(known, views, piece[first[row[pair]] + step], target[pair])
    greatest = whole.copy()
    starts = np.flatnonzero(np.diff(pair, prepend=-1))
    greatest[pair[starts]] = np.maximum.reduceat(each, starts, axis=0)
    return whole, greatest


def _likeness(known: Knowledge, views: Views, view: np.ndarray, target: np.ndarray) -> np.ndarray:
    weight = sp.diags(known.small.idf)
    mass, other = (np.asarray(m.sum(1)).ravel() for m in (views.parts @ weight, known.parts @ weight))
    shared = dots((views.parts @ weight).tocsr(), known.parts, view, target)
    return np.stack(
        [
            dots(views.grams, known.targets, view, target),
            shared / np.maximum(mass[view], 1e-6),
            shared / np.maximum(other[target], 1e-6),
            dots(views.translated, known.targets, view, target),
            _at(views.votes, view, target),
            _at(views.nearest, view, target),
        ],
        axis=1,
    )


def _at(matrix: sp.csr_matrix, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """The entries of a sparse matrix at the given places."""
    if len(row) == 0:
        return np.zeros(0, np.float32)
    return np.asarray(matrix[row, column], np.float32).ravel()


def _ranked(row: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Within each wording: the rank (0 is best), and how far behind the best."""
    order = np.lexsort((-values, row))
    rank = np.empty(len(row))
    rank[order] = np.arange(len(row)) - np.searchsorted(row, row[order])
    top = np.full(int(row.max()) + 1 if len(row) else 0, -np.inf)
    np.maximum.at(top, row, values)
    return rank, top[row] - values
