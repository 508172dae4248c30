"""The simulated years with thrombosis: the same for the same seed, and nothing else of the simulation is touched."""

import numpy as np
import pyarrow.compute as pc

from isthmus.cdm.tables import TABLES
from isthmus.simulation import thrombosis


def test_the_same_seed_and_hospital_give_the_same_and_another_hospital_another() -> None:
    one, again, other = (thrombosis.draw(3, site, 400) for site in (2, 2, 5))
    assert one.truth.equals(again.truth)
    assert all(one.tables[name].equals(again.tables[name]) for name in one.tables)
    assert not one.truth.drop(["visit_occurrence_id"]).equals(other.truth.drop(["visit_occurrence_id"]))
    ids = [set(ward.tables["measurement"]["measurement_id"].to_pylist()) for ward in (one, other)]
    assert not ids[0] & ids[1]


def test_its_rows_are_of_the_model_and_lie_in_the_stays() -> None:
    ward = thrombosis.draw(1, 0, 1000)
    for name, rows in ward.tables.items():
        assert set(rows.column_names) <= {column.name for column in TABLES[name].columns}
    ended = ward.tables["visit_occurrence"]["visit_end_date"]
    assert pc.min(pc.year(ended)).as_py() == pc.max(pc.year(ended)).as_py() == 2024


def test_there_is_thrombosis_more_often_at_high_risk_and_less_with_prophylaxis() -> None:
    truth = thrombosis.draw(1, 0, 60_000).truth.to_pandas()
    rate = truth.groupby(["high", "drug"]).vte.mean()
    assert 0.002 < truth.vte.mean() < 0.03
    assert rate[True, False] > 2 * rate[False, False]
    assert rate[True, True] < 0.7 * rate[True, False]
    assert 0.1 < np.mean(truth.raised) < 0.6
