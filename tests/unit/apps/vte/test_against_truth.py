"""What the application finds in simulated hospitals, against what was true there. The figures are printed (`-rP`)."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from isthmus.apps.contract import manifest_of
from isthmus.apps.contract.research import step
from isthmus.apps.vte.computed import compute
from isthmus.apps.vte.evidence.definition import shipped
from isthmus.apps.vte.indicator import COUNTED, shares
from isthmus.apps.vte.stay import Period, lay_deeds, lay_stays
from isthmus.flow.invented import invented_hospitals
from isthmus.gate.declared import Invented
from isthmus.simulation import thrombosis
from lib.vte import FOLDER

SITES, STAYS = 3, 1500
SETTINGS = {
    "profile": "caprini@cn-quality", "scale": "auto", "hours": 24, "cancer_hormones_count": False,
    "never": ["family_vte"],
}  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, pd.DataFrame]]:
    wards = {f"h{site}": thrombosis.draw(7, site, STAYS) for site in range(SITES)}
    root: Path = tmp_path_factory.mktemp("vte") / "ws"
    opened = invented_hospitals(root, ((site, ward.tables) for site, ward in wards.items()))
    edition = opened.lake.editions.current()
    assert edition is not None
    session = Invented(opened.lake, edition, manifest_of(FOLDER).reads)
    tables: dict[str, pd.DataFrame] = {}

    def work(desk: Any) -> pa.Table:
        year = pd.Timestamp(2024, 1, 1).date(), pd.Timestamp(2024, 12, 31).date()
        lay_stays(desk, Period(*year))
        lay_deeds(desk, shipped(), SETTINGS)
        tables["indicator"] = shares(desk.take(step(COUNTED.format(length="year")))).to_pandas()
        tables["deed"] = desk.take(step("SELECT * FROM deed")).to_pandas()
        compute(desk, shipped(), SETTINGS)
        tables["computed"] = desk.take(step("SELECT * FROM computed")).to_pandas()
        return pa.table({})

    session.steps("against the truth", work)
    truth = pd.concat([ward.truth.to_pandas() for ward in wards.values()], ignore_index=True)
    tables["truth"] = truth.rename(columns={"visit_occurrence_id": "visit"})
    yield tables


def _rates(told: "pd.Series[bool]", true: "pd.Series[bool]") -> tuple[float, float]:
    """Sensitivity and specificity."""
    return float(told[true].mean()), float((~told)[~true].mean())


def test_the_group_that_data_give_against_the_true_one(found: dict[str, pd.DataFrame]) -> None:
    rows = found["computed"].merge(found["truth"], on="visit")
    known = rows[rows.risk.notna()]
    told = known.risk.isin(["moderate", "high"])
    sensitivity, specificity = _rates(told, known.raised)
    false = rows.alert & ~(rows.raised & ~rows.drug & ~rows.mechanical)
    need = rows.raised & ~rows.drug & ~rows.mechanical
    sys.stdout.write(
        f"\nraised risk of {len(rows)} stays: assessable {len(known) / len(rows):.3f}, sensitivity {sensitivity:.3f}, "
        f"specificity {specificity:.3f}; alerts {100 * rows.alert.mean():.1f}, false alerts "
        f"{100 * false.mean():.2f} per 100 patients; of those in need found {rows.alert[need].mean():.3f}\n"
    )
    assert len(known) / len(rows) > 0.6
    assert sensitivity > 0.95
    assert specificity > 0.97
    assert 100 * false.mean() < 3


def test_thrombosis_in_hospital_against_the_true_one(found: dict[str, pd.DataFrame]) -> None:
    rows = found["deed"].merge(found["truth"], on="visit", suffixes=("_told", ""))
    told, true = rows.hospital_vte.fillna(False).astype(bool), rows.vte
    sensitivity, specificity = _rates(told, true)
    false = 100 * float((told & ~true).mean())
    sys.stdout.write(
        f"\nthrombosis in hospital of {len(rows)} stays ({int(true.sum())} true): sensitivity {sensitivity:.3f}, "
        f"specificity {specificity:.4f}, false {false:.2f} per 100 patients\n"
    )
    assert sensitivity > 0.85
    assert specificity > 0.995


def test_the_indicators_are_the_shares_that_are_true(found: dict[str, pd.DataFrame]) -> None:
    long = found["truth"][found["truth"].minutes > 24 * 60]
    counted = found["indicator"]
    assert counted.discharged.sum() == len(long)
    assert counted.assessed_in_time.sum() == long.assessed_in_time.sum()
    share = counted.raised.sum() / counted.graded.sum()
    sys.stdout.write(f"\nmoderate and high by the latest assessment {share:.3f}, truly {long.raised.mean():.3f}\n")
    assert abs(share - long.raised.mean()) < 0.05
    assert abs(counted.hospital_vte.sum() / len(long) - long.vte.mean()) < 0.005
