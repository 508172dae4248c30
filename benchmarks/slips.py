"""Slips of the keyboard in names of drugs: how often they are forgiven, and how often they lead to another drug."""

import random

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from isthmus.mapping.drugs.lexicon import HAN, lexicon
from isthmus.mapping.drugs.match import match

LENGTHS = ((5, 5), (6, 7), (8, 9), (10, 12), (13, 99))
TRIES = 3


def slips(show: Console, seed: int = 5) -> None:
    """Print, by slips and length of the name, the share that comes right, and the count that goes wrong."""
    rng = random.Random(seed)
    known = lexicon()
    names = [name for name, drugs in known.names.items() if name.isalpha() and not HAN.search(name) and len(drugs) == 1
             and name not in known.regimens]  # fmt: skip
    table = Table("slips", "letters", "tries", "right", "wrong", title="names of the lexicon", title_justify="left")
    for count in (1, 2):
        for least, most in LENGTHS:
            chosen = [name for name in names if least <= len(name) <= most for _ in range(TRIES)]
            found = match(pa.array([slipped(name, rng, count) for name in chosen]))["ingredients"].to_pylist()
            meant = [list(known.names[name][0].ingredients) for name in chosen]
            right = sum(one == drug for one, drug in zip(found, meant, strict=True))
            wrong = sum(one not in (None, drug) for one, drug in zip(found, meant, strict=True))
            table.add_row(str(count), f"{least}-{most}", str(len(chosen)), f"{right / len(chosen):.3f}", str(wrong))
    show.print(table)


def slipped(word: str, rng: random.Random, count: int = 1) -> str:
    """The word with letters put in, left out, changed, doubled or exchanged; the first letter stays."""
    for _ in range(count):
        at, letter = rng.randrange(1, len(word)), rng.choice("abcdefghijklmnopqrstuvwxyz")
        word = rng.choice(
            (
                word[:at] + letter + word[at:],
                word[:at] + letter + word[at + 1 :],
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
                word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :],
            )
        )
    return word
