"""The promise of trust: what is taken from the score on that it allows is right in the share that it promises."""

import numpy as np
import pytest

from isthmus.mapping.terms.calibration import Trust

PROMISED, SAMPLES, ANSWERS = 0.99, 300, 4_000


@pytest.mark.parametrize(
    ("seed", "floor", "bend", "slope", "power"),
    [(1, 0.002, 0.3, 0.5, 2.2), (2, 0.004, 0.5, 0.6, 1.5), (3, 0.006, 0.4, 0.35, 2.0), (4, 0.0005, 0.0, 0.25, 3.0)],
)
def test_the_promise_is_kept_in_nearly_every_sample(
    seed: int, floor: float, bend: float, slope: float, power: float
) -> None:
    """Answers from the surest on are wrong with a rising chance that is known; trust sees one sample of them."""
    rng = np.random.default_rng(seed)
    chance = np.minimum(floor + slope * np.maximum(np.arange(ANSWERS) / ANSWERS - bend, 0) ** power, 1)
    truth = 1 - np.cumsum(chance) / np.arange(1, ANSWERS + 1)
    scores = np.linspace(1, 0, ANSWERS)
    kept, covered = 0, []
    for _ in range(SAMPLES):
        trust = Trust.learn(scores, rng.random(ANSWERS) >= chance)
        taken = int((trust.read(scores) >= PROMISED).sum())
        covered.append(taken / ANSWERS)
        kept += taken == 0 or truth[taken - 1] >= PROMISED
    assert kept >= 0.95 * SAMPLES
    assert np.mean(covered) > 0.1  # it is no promise about nothing
