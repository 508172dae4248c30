"""Our unit facts against the definitions of ucum-lhc 7.1.9 (`cn/ucum`, US National Library of Medicine, free licence).

Every unit of that list that our reader knows has the same dimension and, within 1e-9, the same magnitude.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from isthmus.cdm.units import spelling, ucum

pytestmark = pytest.mark.acceptance

BASES = ("m", "s", "g", "rad", "K", "C", "cd")
AVOGADRO = 6.0221367e23
# Their mole is a number and ours a base; equivalents and osmoles have no fixed worth in moles; fields and pH neither.
OWN_BASES = frozenset(("eq", "osm", "[HPF]", "[LPF]", "[pH]", "[iU]", "[arb'U]", "[AU]", "[CFU]", "[PFU]"))


def _units(outside: Path) -> Iterator[dict[str, object]]:
    """Units that are neither logarithmic nor offset; the packed form names its columns first."""
    packed = json.loads((outside / "cn/ucum/package/data/ucumDefs.min.json").read_text(encoding="utf-8"))["units"]
    names = [name if isinstance(name, str) else name[0] for name in packed["config"]]
    for row in packed["data"]:
        unit = dict(zip(names, row, strict=True))
        if not unit["isSpecial_"]:
            yield unit


def test_magnitudes_and_dimensions_agree(outside: Path) -> None:
    agreed, differing, unknown = [], [], []
    for unit in _units(outside):
        code = str(unit["csCode_"])
        if not ucum.readable(code):
            unknown.append(code)
            continue
        mine = ucum.read(code)
        powers = dict(mine.dimension)
        if OWN_BASES & set(powers):
            continue
        magnitude = mine.factor * AVOGADRO ** powers.pop("mol", 0)
        dimension = [powers.get(base, 0) for base in BASES]
        theirs = unit["dim_"] or [0] * len(BASES)
        same = math.isclose(magnitude, float(str(unit["magnitude_"])), rel_tol=1e-9) and dimension == theirs
        (agreed if same else differing).append(code)
    print(f"{len(agreed)} units agree, {len(differing)} differ, {len(unknown)} are not known here")
    assert not differing
    assert len(agreed) >= 440


def test_arbitrary_units_are_not_mixed(outside: Path) -> None:
    """What they call arbitrary is a base of its own here, so that no factor leads from one to another."""
    arbitrary = [str(unit["csCode_"]) for unit in _units(outside) if unit["isArbitrary_"]]
    ours = [code for code in arbitrary if ucum.readable(code)]
    assert {"[iU]", "[arb'U]", "[CFU]"} <= set(ours)
    assert all(ucum.factor(code, "mol") is None and ucum.factor(code, "g") is None for code in ours)


def test_their_codes_read_as_themselves(outside: Path) -> None:
    """A UCUM code that arrives as the unit's text is not turned into another unit."""
    wrong = []
    for unit in _units(outside):
        code = str(unit["csCode_"])
        found = spelling.code(code)
        if ucum.readable(code) and found is not None and ucum.factor(code, found) != pytest.approx(1, rel=1e-12):
            wrong.append((code, found))
    assert wrong == [("K", "10*3"), ("A", "a"), ("S", "s"), ("K/W", "10*3/W")]  # a laboratory means these
