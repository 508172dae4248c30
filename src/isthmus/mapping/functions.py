"""What the functions of packs mean, in plain SQL. An engine is told them once, so that statements only name them.

The spelling is that of packs (`DIALECT` of `mapping.expression`); every function takes text, and gives null for what it
cannot read.
"""

from collections.abc import Mapping, Sequence
from functools import reduce

# Operators of measured values, as OMOP names them.
OPERATORS = (("<=", 4171754), ("≤", 4171754), (">=", 4171755), ("≥", 4171755), ("<", 4171756), (">", 4172704))

# Formats tried after ISO and before those of the pack. HL7 v2 writes the compact ones.
COMPACT = (
    "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d", "%Y%m%d%H%M%S.%f", "%Y年%m月%d日", "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M", "%Y年%m月%d日%H时%M分", "%Y年%m月%d日 %H时%M分", "%Y年%m月%d日%H时%M分%S秒",
    "%Y年%m月%d日 %H时%M分%S秒", "%Y.%m.%d",
    "%Y.%m.%d %H:%M:%S", "%Y.%m.%d %H:%M", "%Y%m%d %H:%M:%S", "%Y%m%d %H:%M", "%Y%m%dT%H%M%S",
)  # fmt: skip
FORMATS = "LIST_CONCAT([" + ", ".join(f"'{one}'" for one in COMPACT) + "], formats)"
# The text without its zone, which stands behind a time or a run of digits only: `05-03-2024` and `2024.3.5` have none.
WITHOUT_ZONE = r"REGEXP_REPLACE(TRIM(x), '(:\d{2}|\d{8,14})(\.\d+)?\s*(Z|[+-]\d{2}(:?\d{2})?)$', '\1\2')"


def _dated(kind: str, *tried: str) -> str:
    # The engine takes 'epoch' and 'infinity' for dates, and `24-03-05` for one of the year 24: a year has four digits.
    # What is rare stands inside CASE, where no optimiser hoists it.
    return (
        f"COALESCE(CASE WHEN TRY_CAST(LEFT(LTRIM(x), 4) AS UINT) >= 0 THEN COALESCE({', '.join(tried)}) END, "
        f"CASE WHEN REGEXP_MATCHES(x, '[0-9]') THEN CAST(TRY_STRPTIME({WITHOUT_ZONE}, {FORMATS}) AS {kind}) END)"
    )


def _signs() -> str:
    cases = " ".join(f"WHEN STARTS_WITH(LTRIM(x), '{sign}') THEN {concept}" for sign, concept in OPERATORS)
    # Most results are plain numbers, which an engine sees faster than it seeks six signs.
    return f"CASE WHEN TRY_CAST(x AS DOUBLE) IS NULL THEN CASE {cases} END END"


NUMBER = "COALESCE(TRY_CAST(x AS DOUBLE), TRY_CAST(REGEXP_REPLACE(x, '[<>≤≥=~≈,，\\s]', '', 'g') AS DOUBLE))"

# What HL7 v2 writes between two backslashes (chapter 2.7), and the character meant; the backslash itself last.
ESCAPES = (("F", "'|'"), ("S", "'^'"), ("R", "'~'"), ("T", "'&'"), (".br", "CHR(10)"), ("E", "'\\'"))
PLAIN_HL7 = reduce(lambda text, one: f"REPLACE({text}, '\\{one[0]}\\', {one[1]})", ESCAPES, "v")
UNESCAPED = f"CASE WHEN v IN ('', '\"\"') THEN NULL WHEN CONTAINS(v, '\\') THEN {PLAIN_HL7} ELSE v END"

# Name → parameters and meaning.
MEANINGS: Mapping[str, tuple[Sequence[str], str]] = {
    # A cast of the text as it is drops time and zone, so that the local day stays.
    "isthmus_date": (("x", "formats"), _dated("DATE", "TRY_CAST(x AS DATE)")),
    "isthmus_datetime": (
        ("x", "formats"),
        _dated("TIMESTAMP", "TRY_CAST(x AS TIMESTAMP)", f"TRY_CAST({WITHOUT_ZONE} AS TIMESTAMP)"),
    ),
    # Hospitals write 1e400 and NaN too; neither is a measurement.
    "isthmus_number": (("x",), f"CASE WHEN ISFINITE({NUMBER}) THEN {NUMBER} END"),
    "isthmus_comparator": (("x",), _signs()),
    # Versions are compared as text: whole numbers get one length.
    "isthmus_version": (
        ("x",),
        "CASE WHEN LENGTH(x) < 19 AND REGEXP_FULL_MATCH(x, '[0-9]+') THEN LPAD(x, 18, '0') ELSE x END",
    ),
    # Patient/7, urn:uuid:7, https://x.org/Patient/7/_history/2 and Patient?identifier=http://x.org/mrn|7 all mean 7.
    "isthmus_reference": (
        ("x",),
        "NULLIF(SPLIT_PART(SPLIT_PART(SPLIT_PART(SPLIT_PART(x, '/_history/', 1), '|', -1), '/', -1), ':', -1), '')",
    ),
    # One pass over the segment; the lambda keeps it at one, for CASE would compute its subject again.
    "isthmus_hl7": (
        ("segment", "pattern"),
        f"LIST_TRANSFORM([REGEXP_EXTRACT(segment, pattern, 1)], v -> {UNESCAPED})[1]",
    ),
}
