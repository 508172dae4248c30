"""Linkage without identifiers: each record as one long bit pattern that only its key makes, and that resembles others.

A cryptographic long-term key (Schnell, Bachteler and Reiher 2011) is a Bloom filter of all letter pairs of a person's
fields. Here each position is drawn from an HMAC of its own instead of by double hashing, which was broken (Niedermeyer
et al. 2014), and every bit that leaves is the exclusive or of several (diffusion, Armknecht, Heng and Schnell 2023), so
that frequent letter pairs show less in how often bits are set. What it does not hide is in SECURITY.md.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.base.errors import UsageError

BITS, SENT, MIXED = 1024, 2048, 3
"""Bits of the filter, bits that leave, and how many of the first go into one of the second."""
KEY = 32
VERSION = b"isthmus-clk-1"
CHUNK = 4_096
PATTERN = pa.binary(SENT // 8)
Bits = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Encoding:
    """What of a record goes into its pattern, and how much two patterns of one person share at `least`."""

    least: float
    fields: tuple["Encoded", ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A column whose letters go into the pattern.

    `grams` letters make a token; each sets `hashes` bits. Columns of one `space` have tokens in common, so that a given
    name and a surname may be exchanged.
    """

    column: str
    space: str
    grams: int
    hashes: int


def encode(records: pa.Table, encoding: Encoding, key: bytes) -> pa.Table:
    """`record_id`, `site` and `pattern` (2,048 bits) of records in normal form.

    The same key gives patterns that can be compared; who has the key can try out names, so it stays with those who
    encode and never comes to the one who links.

    :raises UsageError: for a key of fewer than 32 bytes.
    """
    if len(key) < KEY:
        raise UsageError(f"the key has {len(key)} bytes, and {KEY} at least are needed. Draw it at random.")
    ready = [field for field in encoding.fields if field.column in records.column_names]
    parts = [_patterns(records.slice(start, CHUNK), ready, key) for start in range(0, len(records), CHUNK)]
    bits = np.concatenate(parts) if parts else np.zeros((0, SENT // 8), dtype=np.uint8)
    whole = pa.FixedSizeBinaryArray.from_buffers(PATTERN, len(bits), [None, pa.py_buffer(bits.tobytes())])
    return pa.table({"record_id": records["record_id"], "site": records["site"], "pattern": whole})


def _patterns(records: pa.Table, fields: Sequence[Encoded], key: bytes) -> Bits:
    filled = np.zeros((len(records), BITS), dtype=np.uint8)
    for field in fields:
        tokens, rows = _tokens(records[field.column].combine_chunks(), field.grams)
        packed = pc.dictionary_encode(tokens)
        places = np.array([_places(token, field, key) for token in packed.dictionary.to_pylist()], dtype=np.int64)
        if len(rows):
            filled[rows[:, None], places[packed.indices.to_numpy()]] = 1
    mixed = np.zeros((len(records), SENT), dtype=np.uint8)
    for chosen in _mixture(key):
        mixed ^= filled[:, chosen]
    return np.packbits(mixed, axis=1)


def _tokens(texts: pa.Array, grams: int) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """All runs of so many letters, with the row of each; the ends of a text count as letters."""
    edge = "_" * (grams - 1)
    padded = pc.binary_join_element_wise(edge, texts, edge, "")
    longest = pc.max(pc.utf8_length(padded)).as_py() or 0
    runs, rows = [], []
    for start in range(longest - grams + 1):
        present = np.flatnonzero(
            pc.fill_null(pc.greater_equal(pc.utf8_length(padded), start + grams), False).to_numpy(zero_copy_only=False)
        )
        runs.append(pc.utf8_slice_codeunits(padded.take(pa.array(present)), start, start + grams))
        rows.append(present)
    if not runs:
        return pa.array([], pa.string()), np.zeros(0, dtype=np.int64)
    return pa.concat_arrays(runs), np.concatenate(rows)


def _places(token: str, field: Encoded, key: bytes) -> list[int]:
    """The bits of a token: two bytes each of a keyed stream."""
    said = VERSION + b"|" + field.space.encode() + b"|" + token.encode()
    stream = b""
    for turn in range(field.hashes // 16 + 1):
        stream += hmac.digest(key, said + b"|" + str(turn).encode(), hashlib.sha256)
    return [int.from_bytes(stream[2 * at : 2 * at + 2], "big") % BITS for at in range(field.hashes)]


def _mixture(key: bytes) -> list[npt.NDArray[np.int64]]:
    """Which bits of the filter go into each bit that leaves, told by the key."""
    seed = hmac.digest(key, VERSION + b"|mixture", hashlib.sha256)
    rng = np.random.Generator(np.random.PCG64(int.from_bytes(seed, "big")))
    places = np.concatenate([rng.permutation(BITS) for _ in range(SENT * MIXED // BITS)])
    return [*places.reshape(MIXED, SENT)]


def alike(left: pa.Table, right: pa.Table, least: float) -> pa.Table:
    """Pairs of records of two sites that are each other's nearest, and share at least so much of their bits.

    Columns: `l`, `r` (record ids), `shared` (0 to 1; strangers share half). Every record is compared with every other,
    in blocks that fit in memory: the cost is the product of the two sizes.
    """
    one, other = _signs(left["pattern"]), _signs(right["pattern"])
    best = np.zeros(len(one), dtype=np.int64)
    value = np.full(len(one), -np.inf, dtype=np.float32)
    back = np.zeros(len(other), dtype=np.int64)
    back_value = np.full(len(other), -np.inf, dtype=np.float32)
    for start in range(0, len(one), CHUNK):
        products = one[start : start + CHUNK] @ other.T
        if products.size:
            rows = slice(start, start + len(products))
            best[rows], value[rows] = products.argmax(axis=1), products.max(axis=1)
            nearer = products.max(axis=0) > back_value
            back = np.where(nearer, products.argmax(axis=0) + start, back)
            back_value = np.maximum(back_value, products.max(axis=0))
    shared = (value / SENT + 1.0) / 2.0
    found = np.flatnonzero((shared >= least) & (back[best] == np.arange(len(one)))) if len(other) else best[:0]
    return pa.table(
        {
            "l": left["record_id"].take(pa.array(found)),
            "r": right["record_id"].take(pa.array(best[found])),
            "shared": pa.array(shared[found].astype(np.float64)),
        }
    )


def _signs(patterns: pa.ChunkedArray) -> npt.NDArray[np.float32]:
    """Patterns as rows of 1 and -1: their product counts equal bits less unequal ones."""
    joined = b"".join(patterns.to_pylist())
    bits = np.unpackbits(np.frombuffer(joined, dtype=np.uint8).reshape(-1, SENT // 8), axis=1)
    return bits.astype(np.float32) * 2.0 - 1.0
