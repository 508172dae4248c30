"""Which characters the bytes mean: decided by content, never by a name, and never with a replacement character.

Chinese hospitals write GB18030 (with its subsets GBK and GB2312) and UTF-8, with and without a byte order mark, under
every file name. UTF-8 is strict enough to recognise itself: text in GB18030 is hardly ever valid UTF-8 for many lines.
"""

import codecs
import re
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.base.errors import Unreadable
from isthmus.intake.record import Part
from isthmus.intake.stream import Blocks

UTF8 = "utf-8"
GB18030 = "gb18030"
SAMPLE = 1 << 20

_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = {"utf-16-le": 2, "utf-16-be": 2, "utf-32-le": 4, "utf-32-be": 4}
_MEANT = {
    "utf-8-sig": UTF8,
    "gb2312": GB18030,  # what calls itself GB2312 or GBK often holds characters of its supersets
    "gbk": GB18030,
    "cp936": GB18030,
    "utf-16": "utf-16-le",
    "utf-32": "utf-32-le",
    "ascii": UTF8,
}
_BINARY = (b"PK\x03\x04", b"\x1f\x8b", b"%PDF", b"\xd0\xcf\x11\xe0", b"\x7fELF", b"\x89PNG", b"\xff\xd8\xff", b"PAR1")
_HIGH = re.compile(rb"[\x80-\xff]+")
_HANZI = re.compile(rb"(?:[\xb0-\xf7][\xa1-\xfe])+")
_AMONG_LETTERS = re.compile(rb"[0-9A-Za-z][\x80-\xff]|[\x80-\xff][0-9A-Za-z]")
_IDEOGRAPHS = re.compile("[\u4e00-\u9fff]")
_SEEN, _FEW = 200, 4  # lines from which Big5 is told, and characters that are too few to tell it from
_EVERYDAY = 0.9  # of the characters of a text, that are among the common ones of its encoding
_CONTROLS = np.array([code < 32 and code not in (9, 10, 11, 12, 13, 26, 27, 28) for code in range(256)])


def canonical(name: str) -> str:
    """The codec for an encoding that somebody named.

    Raises `Unreadable` for a name that no codec has.
    """
    try:
        found = codecs.lookup(name).name
    except LookupError:
        raise Unreadable("undecodable", f"no encoding is called '{name}'; use gb18030, utf-8 or the like") from None
    return _MEANT.get(found, found)


def unit_size(encoding: str) -> int:
    """Bytes of the smallest unit: 2 or 4 for UTF-16 and UTF-32, else 1."""
    return _WIDE.get(encoding, 1)


def marked(head: bytes) -> tuple[str | None, int]:
    """The encoding that a byte order mark names, with the mark's length; or that zero bytes betray; or None."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    sample = np.frombuffer(head[: len(head[:4096]) // 2 * 2], np.uint8)
    even, odd = (int(np.count_nonzero(sample[start::2] == 0)) for start in (0, 1))
    enough = max(2, sample.size // 20)
    if odd > enough and not even:
        return "utf-16-le", 0
    if even > enough and not odd:
        return "utf-16-be", 0
    return None, 0


def refuse_binary(head: bytes) -> None:
    """Raise `Unreadable` when the bytes are no text at all."""
    sample = np.frombuffer(head[:65536], np.uint8)
    strange = int(_CONTROLS[sample].sum())
    if head.startswith(_BINARY) or strange > max(2, sample.size // 100):
        raise Unreadable("binary", f"{strange} of the first {sample.size} bytes are control characters; it is no text")


def decide(block: bytes) -> str:
    """UTF-8 or GB18030, for a block that holds bytes above 127.

    The lines vote: all valid in one encoding, or most of them. A few broken lines do not change the verdict; they are
    rejected when they are read. Raises `Unreadable` when neither fits half of the lines.
    """
    first = int(np.argmax(np.frombuffer(block, np.uint8) > 127))
    start = max(block.rfind(b"\n", 0, first), block.rfind(b"\r", 0, first)) + 1
    lines = block[start : start + SAMPLE].replace(b"\r", b"\n").split(b"\n")
    telling = [line for line in lines if not line.isascii()]
    if len(telling) > 1 and not lines[-1].isascii():
        telling.pop()  # it may be cut inside a character
    utf8 = [line.decode() for line in telling if fits(line, UTF8)]
    gb18030 = sum(fits(line, GB18030) for line in telling)
    if len(utf8) == len(telling):
        return GB18030 if gb18030 == len(telling) and _is_lone_hanzi(telling, utf8) else UTF8
    # Chinese in UTF-8 has characters of three bytes; bytes of GB18030 that happen to be UTF-8 hardly ever do.
    if 2 * sum(max(line) >= "\u0800" for line in utf8) > len(telling):
        return UTF8
    if _is_big5(telling):
        raise Unreadable("undecodable", "it looks like Big5, of which GB18030 makes nonsense; name the encoding: big5")
    best, votes = (GB18030, gb18030) if gb18030 >= len(utf8) else (UTF8, len(utf8))
    broken = len(telling) - votes
    if 2 * broken > len(lines):
        raise Unreadable(
            "undecodable",
            f"{broken} of {len(lines)} sampled lines are neither UTF-8 nor GB18030; name the encoding in the pack",
        )
    return best


def _is_big5(lines: list[bytes]) -> bool:
    """Whether lines are everyday Chinese in Big5 and nothing of the kind in GB18030, in which they may be valid too."""
    held = [line for line in lines[:_SEEN] if fits(line, "big5")]
    if len(held) < _EVERYDAY * len(lines[:_SEEN]):
        return False
    shares = []
    for encoding, plain, common in (("big5", "big5", range(0xA4, 0xC7)), (GB18030, "gb2312", range(0xB0, 0xD8))):
        hanzi = _IDEOGRAPHS.findall("".join(line.decode(encoding, "ignore") for line in held))
        if len(hanzi) < _FEW:
            return False
        leads = [one.encode(plain, "ignore")[:1] for one in hanzi]
        shares.append(sum(bool(lead) and lead[0] in common for lead in leads) / max(len(hanzi), 1))
    return shares[0] >= _EVERYDAY and shares[1] < 1 - _EVERYDAY / 2


def _is_lone_hanzi(lines: list[bytes], as_utf8: list[str]) -> bool:
    """Whether text that is valid in both encodings is Chinese: 女 alone in a field is valid UTF-8, for Ů.

    Letters of UTF-8 with two bytes stand among other letters or digits (José, µmol); a lone hanzi does not.
    """
    if any(max(line) >= "\u0800" for line in as_utf8):
        return False
    text = b"\n".join(lines)
    return _AMONG_LETTERS.search(text) is None and all(map(_HANZI.fullmatch, _HIGH.findall(text)))


def fits(line: bytes, encoding: str) -> bool:
    """Whether the bytes are text in the encoding."""
    try:
        line.decode(encoding)
    except UnicodeError:
        return False
    return True


def encoding_of(blocks: Iterable[bytes]) -> str:
    """The encoding of text without a mark: decided at the first block that is not pure ASCII."""
    for block in blocks:
        if not block.isascii():
            return decide(block)
    return UTF8


def detect(part: Part, head: bytes, option: object = None) -> str:
    """The encoding of the whole part: a mark leads, then the option, then the content."""
    encoding, _ = marked(head)
    if encoding is not None:
        return encoding
    return canonical(str(option)) if option else encoding_of(Blocks(part))


def visible(raw: bytes, encoding: str) -> str:
    """The text for a person to see; bytes that are no text become `\\xNN`."""
    return raw.decode(encoding, "backslashreplace")


def as_text(values: pa.BinaryArray, encoding: str) -> tuple[pa.StringArray, npt.NDArray[np.int64]]:
    """The strings of a column of bytes, and the rows (from 0) whose bytes are no text, which are null.

    Hospital columns repeat themselves, so each distinct value is decoded once. NUL counts as no text: it is never
    meant, and half of the programs downstream end a string there.
    """
    size = values.offset + len(values)
    offsets = np.frombuffer(values.buffers()[1], np.int32, size + 1)[values.offset :]
    content = values.buffers()[2]
    raw = content[int(offsets[0]) : int(offsets[-1])].to_pybytes() if content is not None else b""
    if raw.isascii() and b"\0" not in raw:
        return values.view(pa.string()), np.empty(0, np.int64)
    if encoding == UTF8 and b"\0" not in raw and fits(raw, UTF8):
        return values.view(pa.string()), np.empty(0, np.int64)
    coded = values.dictionary_encode()
    words, bad = _decode(coded.dictionary.to_pylist(), encoding)
    strings = pa.DictionaryArray.from_arrays(coded.indices, pa.array(words, pa.string())).cast(pa.string())
    if not bad:
        return strings, np.empty(0, np.int64)
    rows = np.flatnonzero(np.isin(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), bad))
    return strings, rows.astype(np.int64)


def _decode(values: list[bytes], encoding: str) -> tuple[list[str | None], list[int]]:
    words: list[str | None] = []
    bad: list[int] = []
    for index, value in enumerate(values):
        try:
            word = value.decode(encoding)
            word.encode()  # a codec may give half a surrogate pair, which is no text either
        except UnicodeError:
            bad.append(index)
            words.append(None)
            continue
        if "\0" in word:
            bad.append(index)
        words.append(word)
    return words, bad
