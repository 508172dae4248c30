"""All terms of a lexicon, found in a whole page at once.

A trie is walked from every position together: step k looks up, for all walks still alive, the edge for the character
k places on. Most walks die at once, so that the cost is a few table look-ups per character whatever the number of
terms. No compiled extension is needed; the edges are one sorted array.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.mapping.text.page import BASIC, Codes, Ints

DEAD = -1


@dataclass(frozen=True, slots=True)
class Trie:
    """Terms as nodes: `first` edges leave the root, `edges` (sorted, node * letters + letter) lead to `targets`."""

    letter: Ints
    letters: int
    first: Ints
    edges: Ints
    targets: Ints
    term: Ints

    def find(self, codes: Codes) -> tuple[Ints, Ints, Ints]:
        """Every occurrence of every term: starts, exclusive ends, term numbers; sorted by start, longest first."""
        ids = self.letter[np.minimum(codes, BASIC)]
        state = self.first[ids]
        start = np.flatnonzero(state != DEAD)
        state = state[start]
        found: list[tuple[Ints, Ints, Ints]] = []
        depth = 1
        while len(start):
            hit = self.term[state] != DEAD
            found.append((start[hit], start[hit] + depth, self.term[state[hit]]))
            alive = start + depth < len(ids)
            start, state = start[alive], state[alive]
            start, state = self._step(start, state, ids[start + depth])
            depth += 1
        if not found:
            return _nothing(), _nothing(), _nothing()
        starts, ends, terms = (np.concatenate(columns) for columns in zip(*found, strict=True))
        order = np.lexsort((-ends, starts))
        return starts[order], ends[order], terms[order]

    def _step(self, start: Ints, state: Ints, letter: Ints) -> tuple[Ints, Ints]:
        """Walks that have an edge for their next letter, and where it leads."""
        wanted = state * self.letters + letter
        at = np.minimum(np.searchsorted(self.edges, wanted), len(self.edges) - 1)
        alive = (self.edges[at] == wanted) & (letter > 0) if len(self.edges) else np.zeros(len(wanted), dtype=bool)
        return start[alive], self.targets[at[alive]]


def build(terms: Sequence[str]) -> Trie:
    """A trie of different, non-empty terms; a term's number is its place in the sequence."""
    alphabet = sorted({ord(letter) for term in terms for letter in term if ord(letter) < BASIC})
    letter = np.zeros(BASIC + 1, dtype=np.int64)
    letter[alphabet] = np.arange(1, len(alphabet) + 1)
    letters = len(alphabet) + 1
    nodes: list[dict[int, int]] = [{}]
    ends: list[int] = [DEAD]
    for number, term in enumerate(terms):
        node = 0
        for code in map(ord, term):
            step = int(letter[min(code, BASIC)])
            if step not in nodes[node]:
                nodes[node][step] = len(nodes)
                nodes.append({})
                ends.append(DEAD)
            node = nodes[node][step]
        ends[node] = number
    first = np.full(letters, DEAD, dtype=np.int64)
    for step, node in nodes[0].items():
        first[step] = node
    first[0] = DEAD
    edges = sorted(
        (node * letters + step, target) for node in range(1, len(nodes)) for step, target in nodes[node].items()
    )
    table = np.array(edges, dtype=np.int64).reshape(-1, 2)
    return Trie(letter, letters, first, table[:, 0].copy(), table[:, 1].copy(), np.array(ends, dtype=np.int64))


def _nothing() -> Ints:
    return np.zeros(0, dtype=np.int64)
