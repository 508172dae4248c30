"""One installation, 40,000 institutions: settings by scope, the narrowest counts, and finding them costs nothing."""

import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from isthmus.apps.contract import InputError, Manifest, Setting
from isthmus.apps.manager.settings import Settings, read
from isthmus.apps.manager.shelf import Shelf
from isthmus.flow import start
from isthmus.flow.workspace import Workspace

HELP = {"en": "h", "zh": "h"}
MANIFEST = Manifest(
    app="vte", version="1.0.0", title=HELP,
    settings={
        "high": Setting(name="high", type="integer", default=4, help=HELP, least=1),
        "silent": Setting(name="silent", type="boolean", default=False, help=HELP),
        "day": Setting(name="day", type="day", default="", help=HELP),
        "since": Setting(name="since", type="moment", default="", help=HELP),
    },
)  # fmt: skip


def test_the_narrowest_scope_counts_for_each_setting() -> None:
    given = {"*": {"high": 5}, "31*": {"high": 6}, "3101*": {"silent": True}, "310115007": {"high": 8}}
    found = Settings(MANIFEST, given)
    usual = {"day": "", "since": ""}
    assert found.of("") == {"high": 5, "silent": False} | usual
    assert found.of("44") == {"high": 5, "silent": False} | usual
    assert found.of("3109") == {"high": 6, "silent": False} | usual
    assert found.of("310115") == {"high": 6, "silent": True} | usual
    assert found.of("310115007") == {"high": 8, "silent": True} | usual
    assert found.whence("310115007") == {"high": "310115007", "silent": "3101*", "day": "", "since": ""}


def test_what_a_version_does_not_know_or_admit_is_left_out() -> None:
    given = {"*": {"high": 0, "gone": 1, "silent": True, "day": '"2019-06-01"'}}
    assert Settings(MANIFEST, given).of("a") == {"high": 4, "silent": True, "day": "", "since": ""}


@pytest.mark.parametrize(
    ("scope", "values", "why"),
    [
        ("3*1", {"high": "1"}, "is no scope"), ("*", {"low": "1"}, "no setting 'low'"),
        ("*", {"high": "x"}, "of type integer"), ("*", {"high": "yes"}, "of type integer"),
        ("*", {"day": '"2019-06-01"'}, "a day, as 2024"), ("*", {"day": "2019-06-31"}, "a day, as 2024"),
        ("*", {"day": "2019-06-01T08:00"}, "a day, as 2024"), ("*", {"since": "noon"}, "a day and time, as 2024"),
        ("*", {"high": "[1"}, "of type integer"), ("*", {"high": "0"}, "1 or more"),
    ],
)  # fmt: skip
def test_what_may_not_be_given_is_told(scope: str, values: dict[str, str], why: str) -> None:
    with pytest.raises(InputError, match=why):
        read(MANIFEST, scope, values)


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        ("text", "2019-06-01", "2019-06-01"), ("text", "no", "no"), ("text", "", None),
        ("texts", "[2019-06-01, 3]", ["2019-06-01", "3"]), ("integer", "3", 3), ("boolean", "no", False),
        ("number", "1.5", 1.5), ("day", "2019-06-01", "2019-06-01"), ("moment", "2019-06-01T08:00", "2019-06-01T08:00"),
    ],
)  # fmt: skip
def test_a_value_is_read_as_the_type_says(kind: str, written: str, value: object) -> None:
    setting = Setting(name="one", type=kind, default=None, help=HELP)
    assert read(replace(MANIFEST, settings={"one": setting}), "*", {"one": written}) == {"one": value}


def test_40000_institutions_are_lines_of_configuration_and_not_copies() -> None:
    sites = [f"{district:06d}{number:03d}" for district in range(310101, 310501) for number in range(100)]
    given = {site: {"high": at % 9 + 1} for at, site in enumerate(sites)} | {"31*": {"silent": True}}
    found = Settings(MANIFEST, given)
    began = time.process_time()
    answers = [found.of(site) for site in sites]
    each = (time.process_time() - began) / len(sites)
    assert len(sites) == 40_000
    assert answers[12] == {"high": 4, "silent": True, "day": "", "since": ""}
    assert each < 0.0005  # seconds; 8 µs were measured
    assert sys.getsizeof(given) + sum(map(sys.getsizeof, given.values())) < 20_000_000


@pytest.mark.parametrize("said", ['trusted = "recall"', "fenced = 0", 'seconds = "x"', "memory_mib = 0", "trust = []"])
def test_a_table_of_the_settings_that_cannot_be_read_is_told(tmp_path: Path, said: str) -> None:
    opened = start.new(tmp_path / "ws", synthetic=True)
    with (opened.root / "isthmus.toml").open("a") as stream:
        stream.write(f"[apps]\n{said}\n")
    with pytest.raises(InputError, match=r"\[apps\] has `trusted`, a list of names"):
        Shelf(Workspace(opened.root))
