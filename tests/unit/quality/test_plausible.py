"""What is learnt from data: divergences, years that differ, and funnels, held against their definitions."""

import numpy as np
import pytest
from scipy import stats

from isthmus.quality.plausible.drift import jensen_shannon, of_codes, of_results
from isthmus.quality.plausible.funnel import Funnel, funnel
from isthmus.quality.plausible.limits import indicators, limits, sequences


@pytest.mark.parametrize(
    ("p", "q", "bits"),
    [([0.5, 0.5], [0.5, 0.5], 0.0), ([1, 0], [0, 1], 1.0), ([0.5, 0.5], [1, 0], 0.3112781244591328)],
)  # fmt: skip
def test_the_divergence_of_two_mixes_is_that_of_its_definition(p: list[float], q: list[float], bits: float) -> None:
    """Lin 1991, IEEE Transactions on Information Theory 37:145: H((p + q) / 2) - (H(p) + H(q)) / 2."""
    assert jensen_shannon(np.array(p), np.array(q)) == pytest.approx(bits, abs=1e-12)


def test_a_year_whose_results_moved_is_told_and_the_others_less() -> None:
    random = np.random.default_rng(7)
    years = np.repeat(np.arange(2018, 2024), 80)
    values = random.normal(80, 15, len(years))
    values[years == 2021] *= 1.4
    found = {one.year: one for one in of_results(years, values, fewest=30)}
    assert max(found.values(), key=lambda one: one.distance).year == 2021
    assert (found[2021].distance > limits("drift")["ks"]) and (found[2021].chance < 1e-6)
    assert found[2021].here == pytest.approx(80 * 1.4, rel=0.1)
    assert max(one.distance for year, one in found.items() if year != 2021) < limits("drift")["ks"]


@pytest.mark.parametrize(("moved", "told"), [([2020], [2020]), ([2020, 2021, 2022], [2020]), ([2018], []), ([], [])])
def test_an_odd_year_is_told_alone_and_a_change_for_good_once(moved: list[int], told: list[int]) -> None:
    """The first two years are not judged: there is nothing, or too little, before them."""
    random = np.random.default_rng(1)
    years = np.repeat(np.arange(2018, 2023), 60)
    values = random.normal(90, 15, len(years)) * np.where(np.isin(years, moved), 1.6, 1)
    assert [one.year for one in of_results(years, values, fewest=30) if one.distance >= 0.25] == told


def test_years_with_few_people_are_not_compared() -> None:
    years = np.array([2020] * 29 + [2021] * 100)
    assert list(of_results(years, np.arange(129.0), fewest=30)) == []


def test_a_year_with_another_mix_of_codes_is_told_with_the_code_that_changed_most() -> None:
    counts = np.array([[50, 50, 5], [50, 50, 52], [0, 0, 60]])
    people, years = np.array([60, 60, 60]), np.array([1, 2, 3])
    found = list(of_codes(np.array([11, 12, 13]), counts, people, years=years, fewest=30))
    worst = max(found, key=lambda one: one.distance)
    assert (worst.year, worst.code) == (3, 13)
    assert worst.distance > limits("drift")["js"]
    assert worst.chance < 1e-6


def test_limits_without_overdispersion_are_exact_binomial() -> None:
    """Between the limits lie the counts that a binomial quantile names, interpolated (Spiegelhalter 2005, A.1.1)."""
    expected = Funnel(0.3, 1.0, 6, 0.0, 1.0)
    rows = np.array([20, 100, 1000])
    low, high = expected.limits(rows, 0.95)
    for place, count in enumerate(rows):
        for limit, tail in ((low[place], 0.025), (high[place], 0.975)):
            quantile = stats.binom.ppf(tail, count, 0.3)
            assert quantile - 1 <= limit * count <= quantile


def test_overdispersed_limits_are_wider_by_the_root_of_the_spread() -> None:
    low, high = Funnel(0.3, 4.0, 6, 0.0, 1.0).limits(np.array([400.0]), 0.95)
    half = 1.959964 * np.sqrt(4 * 0.3 * 0.7 / 400)
    assert (low[0], high[0]) == (pytest.approx(0.3 - half, abs=1e-6), pytest.approx(0.3 + half, abs=1e-6))


def test_a_site_far_from_others_that_agree_is_told_and_one_among_others_that_differ_is_not() -> None:
    rows = np.full(8, 1000.0)
    agreeing = np.array([300, 305, 295, 302, 298, 301, 299, 480.0])
    found = funnel(agreeing, rows, 7, winsorised=0.1)
    assert found is not None
    assert found.chance < 1e-4
    differing = np.array([100, 500, 300, 200, 400, 150, 450, 480.0])
    among = funnel(differing, rows, 7, winsorised=0.1)
    assert among is not None
    assert among.spread > 50
    assert among.chance > 0.05


def test_where_others_have_all_or_none_there_is_nothing_to_expect() -> None:
    assert funnel(np.array([0.0, 0, 5]), np.full(3, 100.0), 2, winsorised=0.1) is None


def test_chance_is_no_smaller_than_it_says_among_sites_that_are_alike() -> None:
    random = np.random.default_rng(3)
    told = 0
    for _ in range(2000):
        counted = random.binomial(400, 0.3, 7).astype(float)
        found = funnel(counted, np.full(7, 400.0), 0, winsorised=0.1)
        assert found is not None
        told += found.chance < 0.01
    assert told / 2000 < 0.01


def test_counts_have_words_in_both_languages() -> None:
    for one in (*indicators(), *sequences()):
        assert one.en
        assert any("一" <= letter <= "鿿" for letter in one.zh)
    assert len({one.name for one in (*indicators(), *sequences())}) == len(indicators()) + len(sequences())
