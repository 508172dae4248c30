"""Survival: the product-limit estimate and proportional hazards, on arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from statsmodels.duration.hazard_regression import PHReg

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """A step function: at `times` (ascending, from 0) survival becomes `survival`.

    `at_risk` counts the subjects just before each time.
    """

    times: Numbers
    survival: Numbers
    at_risk: Numbers
    lower: Numbers
    upper: Numbers

    def median(self) -> float | None:
        """The first time at which survival is one half or less; None when it is never reached."""
        reached = np.flatnonzero(self.survival <= 0.5)
        return float(self.times[reached[0]]) if reached.size else None


def kaplan_meier(times: Numbers, events: npt.NDArray[np.bool_], *, z: float = 1.959963984540054) -> Curve:
    """The product-limit estimate with pointwise intervals on the log scale (Greenwood's variance).

    `times` are durations in any unit, `events` whether each ended in the event. Source: Kaplan & Meier, JASA 1958;
    the interval is R survival's default `conf.type = "log"`.
    """
    order = np.argsort(times, kind="stable")
    sorted_times, sorted_events = times[order], events[order]
    distinct, first = np.unique(sorted_times, return_index=True)
    at_risk = len(sorted_times) - first
    died = np.add.reduceat(sorted_events.astype(np.float64), first) if len(first) else np.array([])
    survival = np.cumprod(1 - died / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(died / (at_risk * (at_risk - died)))
        width = z * np.sqrt(variance)
        lower, upper = survival * np.exp(-width), np.minimum(survival * np.exp(width), 1.0)
    start = np.array([0.0])
    return Curve(
        times=np.concatenate([start, distinct]),
        survival=np.concatenate([start + 1, survival]),
        at_risk=np.concatenate([start + len(times), at_risk.astype(np.float64)]),
        lower=np.concatenate([start + 1, np.nan_to_num(lower)]),
        upper=np.concatenate([start + 1, np.nan_to_num(upper)]),
    )


@dataclass(frozen=True, slots=True)
class Hazards:
    """Log hazard ratios of a proportional hazards model, with their standard errors, in the order of `names`."""

    names: Sequence[str]
    log_ratios: Numbers
    errors: Numbers
    subjects: int
    deaths: int

    def ratio(self, name: str, *, z: float = 1.959963984540054) -> tuple[float, float, float]:
        """The hazard ratio of one covariate and its 95 % interval."""
        at = list(self.names).index(name)
        value, width = self.log_ratios[at], z * self.errors[at]
        return float(np.exp(value)), float(np.exp(value - width)), float(np.exp(value + width))


def cox(times: Numbers, events: npt.NDArray[np.bool_], covariates: Numbers, names: Sequence[str]) -> Hazards:
    """Proportional hazards by partial likelihood, ties after Efron. `covariates` is subjects × names."""
    fitted = PHReg(times, covariates, status=events.astype(np.int64), ties="efron").fit()
    return Hazards(tuple(names), np.asarray(fitted.params), np.asarray(fitted.bse), len(times), int(events.sum()))
