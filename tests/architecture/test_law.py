"""The tables of law and of ASVS name files and tests that exist, and leave nothing unsaid."""

import csv
import re
from pathlib import Path

import pytest

from lib.tree import ROOT

LAW = (ROOT / "docs/reference/law.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`((?:src|tests|docs)/[\w./-]+|[A-Z]+\.md|pyproject\.toml)`")
STATES = {"met", "partly", "open", "operator", "not applicable"}
CHECKED = {"no", "contents", "yes"}
COLUMNS = ["rule", "official text checked", "software", "operator", "open"]


def _tables() -> list[list[list[str]]]:
    blocks = re.findall(r"(?:^\|.*\|\n)+", LAW, re.MULTILINE)
    return [[[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()] for block in blocks]


def _items() -> list[dict[str, str]]:
    with (ROOT / "docs/reference/asvs.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_file_and_test_that_is_named_exists() -> None:
    named = NAMED.findall(LAW)
    assert len(named) > 60
    assert not [name for name in named if not (ROOT / name).exists()]


def test_every_rule_says_whether_its_text_was_checked_and_who_does_what() -> None:
    rules = [table for table in _tables() if table[0] == COLUMNS]
    assert len(rules) == 5
    for table in rules:
        for row in table[2:]:
            assert len(row) == len(COLUMNS), row
            assert row[1] in CHECKED, row
            assert row[2] or row[3], row
            assert "`" not in row[2] or "tests/" in row[2], row


def test_every_item_of_asvs_has_a_state_and_a_reason() -> None:
    items = _items()
    assert len({one["item"] for one in items}) == len(items) == 253
    for one in items:
        assert one["state"] in STATES and one["why"], one
        files = one["where"].split()
        assert not [name for name in files if not (ROOT / name).exists()], one
        if one["state"] in {"met", "partly"}:
            assert any(name.startswith("tests/") for name in files) and len(files) > 1, one


def test_the_page_counts_the_items_as_they_are() -> None:
    states = [one["state"] for one in _items()]
    said = {
        "met": "Met {}", "partly": "partly {}", "open": "open {}", "operator": "for the operator {}",
        "not applicable": "Of the {} that do not apply",
    }  # fmt: skip
    for state, words in said.items():
        assert words.format(states.count(state)) in " ".join(LAW.split()), state


@pytest.mark.acceptance
def test_the_items_are_those_of_the_standard(outside: Path) -> None:
    """Levels 1 and 2 of OWASP ASVS 5.0.0 (CC BY-SA 4.0); only numbers and levels are held here."""
    with (outside / "priv/asvs/asvs_5.0.0_en.csv").open(encoding="utf-8-sig", newline="") as stream:
        theirs = {(row["req_id"].removeprefix("V"), row["L"]) for row in csv.DictReader(stream) if row["L"] in "12"}
    assert {(one["item"], one["level"]) for one in _items()} == theirs
