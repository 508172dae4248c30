"""Addresses to the codes of GB/T 2260: province, prefecture, county, as deep as the text and the table allow.

The table that comes along has provinces, prefectures, and the districts of the four municipalities. A hospital that
needs counties gives a list of its own (`read`), which is laid over it. An address is only read from its beginning.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import StringIO
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.base.errors import PackError
from isthmus.cdm.identity import text

PEOPLES = (
    "土家族|苗族|藏族|羌族|彝族|白族|傣族|景颇族|傈僳族|壮族|侗族|布依族|哈尼族|回族|蒙古族?|哈萨克族?|柯尔克孜族?|朝鲜族|满族|瑶族|"
    "畲族|黎族|水族|仡佬族|拉祜族|佤族|纳西族|怒族|独龙族|撒拉族|保安族|东乡族|裕固族|土族|锡伯族?|塔吉克族?|达斡尔族|鄂温克族|鄂伦春族?"
)
SHORT = re.compile(rf"(?:特别行政区|(?:壮族|回族|维吾尔)?自治区|省|市|地区|盟|(?:{PEOPLES})+自治[州县旗]|新?区|县|旗)$")
LEVELS = ("province", "prefecture", "county")
WITHIN = frozenset({"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"})
"""Names that say nothing of where."""
FULL_ONLY = 2  # a short name of fewer characters than this is no name


@dataclass(frozen=True, slots=True)
class Areas:
    """Names by code, codes by each way of writing a name (the full one and the short), and those ways by their number
    of characters, the longest first.
    """

    names: Mapping[str, str]
    codes: Mapping[str, tuple[str, ...]]
    by_length: Mapping[int, pa.Array]


@cache
def packed() -> Areas:
    """The areas that come along."""
    source = (files("isthmus.cdm") / "identity" / "areas.csv").read_text(encoding="utf-8")
    return _areas(_rows(StringIO(source), "areas.csv"))


def read(path: Path) -> Areas:
    """The areas that come along, with those of a user's list over them: a CSV in UTF-8 with columns code and name.

    :raises PackError: with file and line, where a code has not six digits, stands twice, or a name is missing.
    """
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return _areas([*packed().names.items(), *_rows(stream, path.name)])


def areas(addresses: pa.Array | pa.ChunkedArray, known: Areas | None = None) -> pa.Table:
    """Read addresses.

    Columns: `area` (the deepest code that the text says, and only if it can mean no other), `level` (province,
    prefecture, county), `reason` (missing, unknown, ambiguous).
    """
    known = known or packed()
    plain = text.plain(addresses, r"[\s,，、·.\-–—]+")
    reasons = text.Reasons(len(plain))
    reasons.mark(text.empty(plain), text.MISSING)
    rest = pc.replace_substring_regex(plain, pattern=r"^(?:中华人民共和国|中国)", replacement="")
    parts = []
    for _ in LEVELS:
        part, rest = _named(rest, known)
        parts.append(part)
    encoded = pc.dictionary_encode(pc.binary_join_element_wise(*parts, "/"))
    codes = pa.array([_code(words.split("/"), known) for words in encoded.dictionary.to_pylist()], pa.string())
    area = codes.take(encoded.indices)
    reasons.mark(text.empty(parts[0]), "unknown")
    reasons.mark(area.is_null().to_numpy(zero_copy_only=False), "ambiguous")
    return pa.table({"area": area, "level": _level(area), "reason": reasons.array()})


def _named(rest: pa.Array, known: Areas) -> tuple[pa.Array, pa.Array]:
    """The longest known name at the beginning of each text ("" for none), and what stands behind it."""
    name = pa.nulls(len(rest), pa.string())
    behind = rest
    for length, names in known.by_length.items():
        start = pc.utf8_slice_codeunits(rest, 0, length)
        fresh = pc.and_(name.is_null(), pc.fill_null(pc.is_in(start, names), False))
        name = pc.if_else(fresh, start, name)
        behind = pc.if_else(fresh, pc.utf8_slice_codeunits(rest, length), behind)
    return pc.fill_null(name, ""), pc.replace_substring_regex(behind, pattern="^市辖区", replacement="")


def _level(area: pa.Array) -> pa.Array:
    deep = pc.if_else(pc.ends_with(area, "0000"), 0, pc.if_else(pc.ends_with(area, "00"), 1, 2))
    return pa.array(LEVELS).take(deep)


def _code(words: list[str], known: Areas) -> str | None:
    """The code that the names lead to, each within the one before; None where the first can mean several.

    A county's name alone means nothing: there are many districts of peace, and the table need not know them all.
    """
    choices = [known.codes.get(word, ()) for word in words if word]
    if not choices:
        return None
    chosen = set(choices[0])
    for codes in choices[1:]:
        inside = {code for code in codes if any(_within(code, outer) for outer in chosen)}
        if not inside:
            break  # a street or a house may be called like a place far away
        chosen = inside
    if len(chosen) == 1 and not any(code.endswith("00") for code in choices[0]):
        return None
    top = {code for code in chosen if not any(_within(code, other) for other in chosen - {code})}
    return top.pop() if len(top) == 1 else None


def _within(code: str, outer: str) -> bool:
    """Whether one area lies in another: codes of provinces end in 0000, of prefectures in 00."""
    width = 2 if outer.endswith("0000") else 4 if outer.endswith("00") else 6
    return code != outer and code[:width] == outer[:width]


def _areas(rows: Iterable[tuple[str, str]]) -> Areas:
    names = dict(rows)
    codes: defaultdict[str, list[str]] = defaultdict(list)
    for code, name in names.items():
        if name in WITHIN:
            continue
        short = SHORT.sub("", name)
        for written in {name, short if len(short) >= FULL_ONLY else name, f"{short}州" if name[-1] == "州" else name}:
            codes[written].append(code)
    ordered = sorted(codes, key=len, reverse=True)
    by_length = {length: pa.array(list(some)) for length, some in groupby(ordered, key=len)}
    return Areas(names, {name: tuple(found) for name, found in codes.items()}, by_length)


def _rows(stream: Iterable[str], file: str) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for line, row in enumerate(csv.DictReader(stream), start=2):
        code, name = (row.get("code") or "").strip(), (row.get("name") or "").strip()
        if not re.fullmatch(r"\d{6}", code) or not name:
            raise PackError(f"{file}:{line}: an area needs a code of six digits and a name. Correct this line.")
        if code in seen:
            raise PackError(f"{file}:{line}: the code {code} stands twice. Keep one of the two lines.")
        seen.add(code)
        yield code, name
