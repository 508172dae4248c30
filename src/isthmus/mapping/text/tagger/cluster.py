"""Letters and pairs of letters that stand in like surroundings, found without labels.

Counts of a pair's neighbours, as positive pointwise mutual information, are brought to a few dimensions by a singular
value decomposition and grouped by k-means. What a rare letter lacks in annotated examples, its group has.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.cluster.vq import kmeans2
from scipy.sparse.linalg import svds

from isthmus.mapping.text.tagger.feature import Features

SMOOTH = 0.75
FEWEST = 3


@dataclass(frozen=True, slots=True)
class Clusters:
    """Group numbers of all strings of one size, for one number of groups."""

    size: int
    groups: dict[str, str]


def clusters(texts: Sequence[str], numbers: Sequence[int] = (60, 300), dimensions: int = 60) -> list[Clusters]:
    """Groups of single letters and of pairs, for every number in `numbers`; the same texts give the same groups."""
    found = []
    for size in (1, 2):
        names, vectors = embedded(texts, size, dimensions)
        for number in numbers:
            wanted = max(1, min(number, len(names) // 6))
            _, labels = kmeans2(vectors, wanted, minit="++", rng=np.random.default_rng(1), iter=15)
            found.append(Clusters(size, {name: str(label) for name, label in zip(names, labels.tolist(), strict=True)}))
    return found


def embedded(texts: Sequence[str], size: int, dimensions: int) -> tuple[list[str], NDArray[np.float64]]:
    """Strings of `size` letters that occur at least three times, and a unit vector for each."""
    counts = Counter(text[place : place + size] for text in texts for place in range(len(text) - size + 1))
    names = [name for name, count in counts.items() if count >= FEWEST]
    rows, columns, width = _neighbours(texts, size, {name: number for number, name in enumerate(names)})
    table = sparse.coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(names), width))
    table.sum_duplicates()
    total = table.data.sum()
    row, column = np.bincount(rows, minlength=len(names)), np.bincount(columns, minlength=width)
    seldom = column[table.coords[1]] ** SMOOTH * total ** (1 - SMOOTH)
    told = np.log(table.data * total / (row[table.coords[0]] * seldom))
    kept = told > 0
    positive = sparse.csr_array((told[kept], (table.coords[0][kept], table.coords[1][kept])), shape=table.shape)
    left, strength, _ = svds(positive, k=min(dimensions, min(table.shape) - 1), rng=np.random.default_rng(0))
    vectors = left * np.sqrt(strength)
    return names, vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9)


def _neighbours(texts: Sequence[str], size: int, numbers: dict[str, int]) -> tuple[list[int], list[int], int]:
    """Each occurrence of a string with the letter and the pair on either side of it."""
    contexts: dict[str, int] = {}
    rows: list[int] = []
    columns: list[int] = []
    for text in texts:
        padded = f"^^{text}$$"
        for place in range(len(text) - size + 1):
            row = numbers.get(text[place : place + size])
            if row is not None:
                after = place + 2 + size
                near = (
                    "a" + padded[place + 1], "b" + padded[after], "c" + padded[place : place + 2],
                    "d" + padded[after : after + 2],
                )  # fmt: skip
                rows += [row] * len(near)
                columns += [contexts.setdefault(context, len(contexts)) for context in near]
    return rows, columns, len(contexts)


def add_clusters(text: str, number: int, given: Clusters, features: Features) -> None:
    """The groups of the letters (or pairs) around each place."""
    name = f"K{number}"
    ids = [given.groups.get(text[place : place + given.size], "-") for place in range(len(text))]
    g = ["^", "^", *ids, "$", "$"]
    for place, found in enumerate(features):
        i = place + 2
        if given.size == 1:
            found += [
                f"{name}0{g[i]}", f"{name}a{g[i - 1]}_{g[i]}", f"{name}b{g[i]}_{g[i + 1]}",
                f"{name}c{g[i - 2]}_{g[i - 1]}", f"{name}d{g[i + 1]}_{g[i + 2]}",
                f"{name}e{g[i - 1]}_{g[i]}_{g[i + 1]}",
            ]  # fmt: skip
        else:
            found += [f"{name}0{g[i]}", f"{name}a{g[i - 1]}", f"{name}b{g[i + 1]}", f"{name}c{g[i - 2]}"]
