"""Rules of a linkage are read from a file, and what they may say is bounded."""

import pytest

from isthmus.base.errors import PackError
from isthmus.linkage.rules import packed, said, sides

GOOD = """
fields:
  name: words
pairs: [l.name = r.name]
comparisons:
  name:
    missing: l.name is null or r.name is null
    levels:
      - {label: same, when: l.name = r.name, frequency: name}
training: {certain: [l.name = r.name], recall: 0.8, within: [l.name = r.name]}
thresholds: {link: 0.9, review: 0.1}
"""


def _read(text: str) -> None:
    said("rules", text)


@pytest.mark.parametrize("name", ["chinese", "western"])
def test_the_packs_can_be_read(name: str) -> None:
    rules = packed(name)
    assert rules.pairs
    assert rules.comparisons
    assert rules.review < rules.link


def test_a_good_file_is_read() -> None:
    _read(GOOD)


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("pairs: [l.name = r.name]", "pairs: [l.name = r.town]", "r.town is unknown"),
        ("pairs: [l.name = r.name]", "pairs: ['l.name = (select 1)']", "looks at two records"),
        ("pairs: [l.name = r.name]", "pairs: ['l.name = getenv(''HOME'')']", "may not be called"),
        ("pairs: [l.name = r.name]", "pairs: ['l.name = = r.name']", "no condition"),
        ("name: words", "name: poem", "none of"),
        ("frequency: name", "frequency: town", "no column"),
        ("link: 0.9", "link: 7", "at most 1"),
        ("thresholds:", "limits:", "unknown here"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(good: str, bad: str, said: str) -> None:
    with pytest.raises(PackError, match=said) as raised:
        _read(GOOD.replace(good, bad))
    assert "rules.yaml:" in str(raised.value)


def test_conditions_are_spelled_for_pairs() -> None:
    assert sides("l.name = r.name") == '"name_l" = "name_r"'


def test_what_records_do_not_have_is_left_out() -> None:
    rules = packed("western").only(["record_id", "site", "given_name", "surname", "birth_date", "birth_date_day"])
    assert [one.name for one in rules.comparisons] == ["given_name", "surname", "birth_date"]
    assert all("email" not in pair for pair in rules.pairs)


def test_a_comparison_needs_levels() -> None:
    with pytest.raises(PackError, match=r"rules.yaml:\d+: the comparison name needs"):
        _read(GOOD.replace("    missing: l.name is null or r.name is null\n", ""))
