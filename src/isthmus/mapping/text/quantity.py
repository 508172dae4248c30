"""Numbers with their units, and what they measure.

One expression finds every number of the page, in its many shapes: `>1210 ng/mL`, `9.5×10^9/L`, `5.2cm×4.1cm`,
`120/80mmHg`, `30-40%`. A number belongs to the test, quantity or drug named before it when nothing but linking words
and at most one bracket stand between them. A length belongs to the lesion beside it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from isthmus.mapping.text.boundary import Bounds, is_latin
from isthmus.mapping.text.lexicon import Lexicon, Meaning, lexicon
from isthmus.mapping.text.page import Ints, Mask, Page
from isthmus.mapping.text.span import Spans

Floats = NDArray[np.float64]

NEAR, NEAR_DRUG, NEAR_LESION, FAR_LESION = 24, 12, 30, 40
LINKS = (
    r"[ :=,(\[)\]]", "约|为|是|由|从|达|至|测|值|共|计|各|用|高于|低于|大于|小于|超过|升高|降低|增高|下降|偏高|偏低",
    "明显|轻度|正常|复查|最高|最低|水平|浓度|定量|结果|剂量|注射|混合液?|胶囊|片|注射液",
    r"was|is|of|level|count|at|to|elevated|about|approximately|\([^()\d]{1,16}\)",
)  # fmt: skip
LINK = re.compile(f"(?:{'|'.join(LINKS)})*")
NUMBER = r"\d{1,12}(?!\d)(?:,\d{3}(?!\d))*(?:\.\d{1,12}(?!\d))?"
SIGNS = ("", "<", ">", "<=", ">=")
OPERATORS = {"大于": ">", "小于": "<", "超过": ">", "高于": ">", "低于": "<", "≥": ">=", "≤": "<=", "约": "", "": ""}
SCALE = {"cm": 1.0, "mm": 0.1, "m": 100.0}
DIGITS = 9  # 68 mm are 6.8 cm and not 6.800000000000001
SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
OF_LENGTH = ("_diameter", "_thickness", "_distance", "height")
OF_A_TUMOUR = ("liver_cancer", "cholangiocarcinoma", "satellite_nodule", "liver_malignancy", "liver_recurrence")
NOT_OF_A_TEST = {"d", "wk", "mo", "a", "1", "cm", "mm"}


@dataclass(frozen=True, slots=True)
class Quantities:
    """Numbers of a page. `value` is the first (of a length: the largest, in centimetres), `high` the end of a range.

    `unit` numbers the UCUM codes of `codes`, -1 for none; `operator` numbers `SIGNS`.
    """

    spans: Spans
    value: Floats
    high: Floats
    unit: Ints
    operator: Ints
    is_length: Mask


@cache
def codes() -> tuple[str, ...]:
    """The UCUM codes that a quantity may have, in a fixed order."""
    return tuple(sorted(set(lexicon().units.values())))


@cache
def quantity() -> re.Pattern[str]:
    """The expression for a number with its unit; see the module for the shapes."""
    spelled = sorted(lexicon().units, key=len, reverse=True)
    units = "|".join(
        re.escape(unit) + ("(?![a-z])" if unit[-1].isalpha() and unit[-1].isascii() else "") for unit in spelled
    )
    length = "(?:cm|mm|厘米|毫米)"
    power = r" ?x ?10 ?(?:\^|e|x|\*|\()? ?(?P<power>1[0-2]|[1-9]|[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2})\)?(?![\d.])"
    per = r" ?(?P<per>/ ?u?l(?![a-z]))?"
    times = rf" ?(?P<first>{length})? ?x ?(?!10 ?[\^*e⁰¹²³⁴⁵⁶⁷⁸⁹(]|109/|1012/)(?P<second>{NUMBER})"
    third = rf"(?: ?{length})? ?x ?(?P<third>{NUMBER})"
    return re.compile(
        rf"(?P<sign>[<>≤≥]=?|大于|小于|超过|高于|低于|约)? ?(?<![\d.])(?P<value>{NUMBER})"
        rf"(?:{times}(?:{third})?|{power}{per}|/(?P<under>\d{{2,3}})(?![\d./])| ?(?:-|~|至|to|±) ?(?P<high>{NUMBER}))?"
        rf"(?: ?(?P<unit>{units}))?"
    )


def quantities(page: Page, taken: Mask, entity_ends: Ints) -> Quantities:
    """Every number outside the `taken` positions; one that follows a letter must stand at the end of an entity."""
    units = {code: number for number, code in enumerate(codes())}
    spelled = lexicon().units
    rows = [_read(found, spelled, units) for found in quantity().finditer(page.text)]
    table = np.array(rows, dtype=np.float64).reshape(-1, 8)
    start, end, first = (table[:, column].astype(np.int64) for column in range(3))
    letter = (first > 0) & is_latin(page.codes[np.maximum(first - 1, 0)])
    free = ~taken[first] & (~letter | np.isin(first, entity_ends)) if len(first) else np.zeros(0, dtype=bool)
    table, start, end = table[free], start[free], end[free]
    nothing = np.zeros(len(start), dtype=np.int64)
    return Quantities(
        Spans(start, end, nothing), table[:, 3], table[:, 4], table[:, 5].astype(np.int64),
        table[:, 6].astype(np.int64), table[:, 7] > 0,
    )  # fmt: skip


def _read(found: re.Match[str], spelled: Mapping[str, str], units: Mapping[str, int]) -> tuple[float, ...]:
    """(start, end, start of the digits, value, high, unit, operator, is it a length?) of one number."""
    value, high = _number(found["value"]), float("nan")
    unit = spelled.get(found["unit"] or "", "")
    if found["power"]:
        value, unit = _powered(value, found["power"], found["per"] or "", unit)
    is_length = unit in SCALE and unit != "m"
    if found["second"]:
        value = _largest(found, unit)
    elif is_length:
        value *= SCALE[unit]
    if found["high"] or found["under"]:
        high = _number(found["high"] or found["under"]) * (SCALE[unit] if is_length else 1.0)
    if is_length:
        unit = "cm"
    sign = found["sign"] or ""
    operator = SIGNS.index(OPERATORS.get(sign, sign))
    start = found.start("sign" if operator else "value")
    value, high = round(value, DIGITS), round(high, DIGITS)
    return start, found.end(), found.start("value"), value, high, units.get(unit, -1), operator, is_length


def _number(written: str) -> float:
    return float(written.replace(",", ""))


def _powered(value: float, power: str, per: str, unit: str) -> tuple[float, str]:
    """`9.5x10^9/L` keeps 9.5 and the unit 10*9/L; with any other unit the number is multiplied."""
    exponent = power.translate(SUPERSCRIPT)
    counted = lexicon().units.get(f"x10^{exponent}{per.replace(' ', '')}", "") if per else ""
    return (value, counted) if counted else (value * 10.0 ** int(exponent), unit)


def _largest(found: re.Match[str], unit: str) -> float:
    """The largest side in centimetres; each side may have its own unit, else it has that of the last."""
    own = lexicon().units.get(found["first"] or "", unit)
    sides = [_number(found["value"]) * SCALE.get(own, 1.0), _number(found["second"]) * SCALE.get(unit, 1.0)]
    if found["third"]:
        sides.append(_number(found["third"]) * SCALE.get(unit, 1.0))
    return max(sides)


def measured(page: Page, entities: Spans, found: Quantities, bounds: Bounds, lexicon: Lexicon) -> Ints:
    """For each entity the number of the quantity that measures it; -1 for none.

    A test takes the first number after it, if it is near and only linking words stand between; a drug takes a dose.
    """
    owner = np.full(len(entities), -1, dtype=np.int64)
    if not len(found.spans) or not len(entities):
        return owner
    tests, drugs = lexicon.having(kinds=("test",)), lexicon.having(kinds=("drug",))
    may = tests | drugs
    last = entities.before(found.spans.start)
    inside = last >= 0
    what = entities.what[last]
    gap = found.spans.start - entities.end[last]
    limit = np.where(tests[what], NEAR, NEAR_DRUG)
    same = bounds.sentence[found.spans.start] == bounds.sentence[entities.end[last] - 1]
    for number in np.flatnonzero(inside & may[what] & (gap <= limit) & same).tolist():
        entity, meaning = int(last[number]), lexicon.meanings[what[number]]
        between = page.text[int(entities.end[entity]) : int(found.spans.start[number])]
        unit = codes()[found.unit[number]] if found.unit[number] >= 0 else ""
        if owner[entity] < 0 and LINK.fullmatch(between) and _fits(meaning, unit, lexicon):
            owner[entity] = number
    return owner


def _fits(meaning: Meaning, unit: str, lexicon: Lexicon) -> bool:
    """A drug needs a unit of an amount; a test takes anything but an age, a time ago or a count of things."""
    if meaning.kind == "drug":
        return unit in lexicon.doses
    return unit not in NOT_OF_A_TEST or (meaning.code.endswith(OF_LENGTH) and unit in {"cm", "mm"})


def sizes(entities: Spans, found: Quantities, bounds: Bounds, lexicon: Lexicon) -> Ints:
    """The numbers of those quantities that are the size of a lesion.

    The lesion stands close behind the length in the same clause, or is the last thing named before it in the sentence;
    segments and lobes of the liver, examinations and symptoms are looked through, another name ends the search.
    """
    lesion = lexicon.having(("lesion",), codes=OF_A_TUMOUR)
    clear = lexicon.having(("symptom", "procedure"), codes=("liver", "contrast_agent"), findings=("tumour_site",))
    seen = entities.where(~clear[entities.what])
    lengths = np.flatnonzero(found.is_length)
    start, end = found.spans.start[lengths], found.spans.end[lengths]
    if not len(seen) or not len(lengths):
        return lengths[:0]
    behind = np.minimum(seen.after(end), len(seen) - 1)
    near = (seen.start[behind] >= end) & (seen.start[behind] - end <= NEAR_LESION)
    near &= bounds.clause[seen.start[behind]] == bounds.clause[end - 1]
    ahead = seen.before(start)
    far = (ahead >= 0) & (start - seen.end[ahead] <= FAR_LESION)
    far &= bounds.sentence[seen.end[ahead] - 1] == bounds.sentence[start]
    return lengths[(near & lesion[seen.what[behind]]) | (far & lesion[seen.what[ahead]])]
