"""What is known before a wording is seen: the targets, the decisions made, and the n-grams of both."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from isthmus.mapping.terms.abbreviation import familiar, spelled, strange
from isthmus.mapping.terms.gram import Grams, unit
from isthmus.mapping.terms.past import Past
from isthmus.mapping.terms.structure import marks
from isthmus.mapping.terms.writing import bare, plain

RIDGE = 0.3


@dataclass(frozen=True)
class Decisions:
    """Wordings with the targets that people chose: distinct `texts`, and parallel row numbers `text` and `target`."""

    texts: pa.Array
    text: np.ndarray
    target: np.ndarray

    def only(self, kept: np.ndarray) -> "Decisions":
        """The decisions on the wordings of which the mask `kept` is true."""
        place = np.cumsum(kept) - 1
        held = kept[self.text]
        return Decisions(self.texts.filter(pa.array(kept)), place[self.text[held]], self.target[held])


@dataclass(frozen=True)
class Usage:
    """Which n-grams, short or long ones, the targets and the decided wordings have: 0 and 1."""

    grams: Grams
    targets: sp.csr_matrix
    wordings: sp.csr_matrix

    @classmethod
    def learn(cls, grams: Grams, targets: pa.Array, wordings: pa.Array) -> "Usage":
        """From a set of n-grams and the texts as they are compared."""
        return cls(grams, grams.count(targets).sign(), grams.count(wordings).sign())


@dataclass(frozen=True)
class Knowledge:
    """Targets and decisions, with everything that features need of them."""

    names: pa.Array
    family: np.ndarray  # number of the group of codes that each target belongs to, -1 where none is known
    decisions: Decisions
    grams: Grams
    small: Grams
    targets: sp.csr_matrix
    parts: sp.csr_matrix
    marks: np.ndarray
    length: np.ndarray
    past: Past
    chosen: sp.csr_matrix  # decided wordings × targets, 0 and 1
    answers: sp.csr_matrix  # decided wordings × n-grams of what was chosen
    usage: tuple["Usage", ...]

    @classmethod
    def learn(
        cls, names: pa.Array, family: np.ndarray, decisions: Decisions, solver: np.ndarray | None = None
    ) -> "Knowledge":
        """From distinct target names, the family of each, and decisions on them; `solver` where it was saved."""
        told = spelled(names)
        texts = bare(spelled(decisions.texts))
        corpus = pa.concat_arrays([bare(told), texts])
        grams, small = Grams.learn(corpus, (1, 2, 3)), Grams.learn(corpus, (1, 2), at_least=2)
        count = len(decisions.texts)
        ones = np.ones(len(decisions.text), np.float32)
        chosen = sp.csr_matrix((ones, (decisions.text, decisions.target)), shape=(count, len(names)))
        targets = grams.weigh(bare(told))
        wordings = grams.weigh(texts)
        return cls(
            names=names,
            family=family,
            decisions=decisions,
            grams=grams,
            small=small,
            targets=targets,
            parts=small.count(bare(told)).sign(),
            marks=marks(told),
            length=pc.utf8_length(bare(told)).to_numpy().astype(np.float32),
            past=Past.learn(wordings, RIDGE) if solver is None else Past(wordings, solver),
            chosen=chosen,
            answers=unit(chosen @ targets),
            usage=tuple(Usage.learn(counted, bare(told), texts) for counted in (small, Grams.learn(corpus, (3,), 2))),
        )

    @cached_property
    def _words(self) -> tuple[pa.Array, pa.Array]:
        """Words in Latin letters that are known: from targets and decided wordings, and without any one wording."""
        listed, decided = familiar(plain(self.names)), plain(self.decisions.texts)
        return pa.concat_arrays([listed, familiar(decided)]), pa.concat_arrays([listed, familiar(decided, 2)])

    def strange(self, texts: pa.Array) -> np.ndarray:
        """For each text whether a word in Latin letters is in it that nothing here has: nobody knows what it means."""
        return strange(plain(texts), self._words[0])

    def was_strange(self) -> np.ndarray:
        """The same of each decided wording, as if it had not been decided yet."""
        return strange(plain(self.decisions.texts), self._words[1])
