"""Liver cancer: cause, tumour, liver function, stage, treatment, recurrence and death, with a known treatment effect.

Stages follow BCLC 2022 and CNLC; Child-Pugh uses the 34/51 µmol/L and 28/35 g/L table. Death follows a proportional
hazards model in exactly the covariates named in ADJUST_FOR, so an analysis that adjusts for them recovers EFFECT.
"""

from dataclasses import dataclass

import numpy as np

from isthmus.simulation.column import Floats, Ints, Mask, day_number

EFFECT = float(np.log(0.60))  # resection against chemoembolisation, BCLC A and B
ADJUST_FOR = ("bclc_b", "child_pugh", "log_afp", "age")
LAST_DAY = day_number(2024, 12, 31)

RESECTION, TACE, ABLATION, TRANSPLANT, SYSTEMIC, SUPPORTIVE = range(6)
TREATMENTS = ("resection", "tace", "ablation", "transplant", "systemic", "supportive")
HBV, HCV, ALCOHOL, NAFLD = range(4)
CAUSES = ("hbv", "hcv", "alcohol", "nafld")
BCLC = ("0", "A", "B", "C", "D")
CNLC = ("Ia", "Ib", "IIa", "IIb", "IIIa", "IIIb", "IV")

SHAPE, SCALE = 1.15, 1900.0  # Weibull baseline, days
STAGE_HAZARD = np.array([-0.5, 0.0, 0.55, 1.2, 2.0])
TREATMENT_HAZARD = np.array([EFFECT, 0.0, -0.35, -0.9, 0.0, 0.3])
POINTS_HAZARD, AFP_HAZARD, AGE_HAZARD = 0.28, 0.10, 0.18  # per point, per log unit, per ten years
LOSS = 0.07  # lost to follow-up, per year


@dataclass(frozen=True, slots=True)
class Course:
    """One row per liver cancer patient. Days since 1970-01-01; `recurrence` and `death` are -1 where not seen."""

    person: Ints
    cause: Ints
    diagnosis: Ints
    age: Floats
    albumin: Floats
    bilirubin: Floats
    inr: Floats
    ascites: Ints
    encephalopathy: Ints
    points: Ints
    grade: Ints
    ecog: Ints
    number: Ints
    size: Floats
    vascular: Ints
    spread: Ints
    afp: Floats
    bclc: Ints
    cnlc: Ints
    treatment: Ints
    start: Ints
    end: Ints
    death: Ints
    recurrence: Ints

    def __len__(self) -> int:
        return len(self.person)

    @property
    def died(self) -> Mask:
        """Whose death was seen."""
        return self.death >= 0


def child_pugh(albumin: Floats, bilirubin: Floats, inr: Floats, ascites: Ints, encephalopathy: Ints) -> Ints:
    """Points, 5 to 15: albumin in g/L, bilirubin in µmol/L; ascites and encephalopathy graded 0 to 2."""
    return np.asarray(
        (1 + (bilirubin >= 34) + (bilirubin > 51))
        + (1 + (albumin <= 35) + (albumin < 28))
        + (1 + (inr >= 1.7) + (inr > 2.3))
        + (1 + ascites)
        + (1 + encephalopathy),
        dtype=np.int64,
    )


def bclc(ecog: Ints, points: Ints, number: Ints, size: Floats, beyond: Mask) -> Ints:
    """BCLC 2022 as a row of BCLC; `size` in cm, `beyond` large-vessel invasion or spread outside the liver."""
    small = (number == 1) & (size <= 2)
    early = (number == 1) | ((number <= 3) & (size <= 3))
    return np.select([(ecog >= 3) | (points >= 10), beyond | (ecog >= 1), small, early], [4, 3, 0, 1], 2)


def cnlc(ecog: Ints, points: Ints, number: Ints, size: Floats, *, vascular: Ints, spread: Ints) -> Ints:
    """China stage as a row of CNLC; the first rule that holds counts."""
    return np.select(
        [
            (ecog >= 3) | (points >= 10), spread == 1, vascular == 1, number >= 4, (number >= 2) & (size > 3),
            (number >= 2) | (size > 5),
        ],
        [6, 5, 4, 3, 2, 1],
        0,
    )  # fmt: skip


def _chance(rng: np.random.Generator, log_odds: Floats) -> Mask:
    return np.asarray(rng.random(len(log_odds)) < 1 / (1 + np.exp(-log_odds)))


def draw(rng: np.random.Generator, person: Ints, onset: Ints, birth: Ints) -> Course:
    """The courses of these people; `onset` is the day of diagnosis."""
    count = len(person)
    damage, growth = rng.normal(size=count), rng.normal(size=count)
    age = (onset - birth) / 365.25
    albumin = (39.5 - 4.2 * damage + rng.normal(0, 2.2, count)).clip(19, 52).round(1)
    bilirubin = np.exp(np.log(16) + 0.42 * damage + rng.normal(0, 0.28, count)).clip(4, 300).round(1)
    inr = (1.08 + 0.11 * damage + rng.normal(0, 0.06, count)).clip(0.8, 3.5).round(2)
    ascites = np.where(_chance(rng, 1.5 * damage - 2.6), np.where(_chance(rng, damage - 1.2), 2, 1), 0)
    encephalopathy = np.where(_chance(rng, 1.5 * damage - 5), np.where(_chance(rng, damage - 2), 2, 1), 0)
    ecog = np.select([rng.random(count) < 0.80, rng.random(count) < 0.6, rng.random(count) < 0.75], [0, 1, 2], 3)
    number = np.where(_chance(rng, 0.5 - 0.5 * growth), 1, 1 + rng.geometric(0.42, count).clip(1, 8))
    size = np.exp(np.log(4.0) + 0.55 * growth + rng.normal(0, 0.25, count)).clip(0.8, 22).round(1)
    vascular = _chance(rng, 1.3 * growth - 2.4).astype(np.int64)
    spread = _chance(rng, 1.2 * growth - 3.0).astype(np.int64)
    afp = np.exp(rng.normal(3.6, 2.0, count) + 0.7 * growth).clip(1, 400_000).round(1)
    points = child_pugh(albumin, bilirubin, inr, ascites, encephalopathy)
    stage = bclc(ecog, points, number, size, (vascular + spread) > 0)
    treatment = _treatment(rng, stage, points, np.log(afp), age)
    start = onset + rng.integers(6, 28, count)
    death, end = _survival(rng, start, stage=stage, points=points, afp=afp, age=age, treatment=treatment)
    return Course(
        person=person, cause=rng.choice(4, size=count, p=(0.80, 0.05, 0.07, 0.08)), diagnosis=onset, age=age,
        albumin=albumin, bilirubin=bilirubin, inr=inr, ascites=ascites, encephalopathy=encephalopathy, points=points,
        grade=np.select([points <= 6, points <= 9], [0, 1], 2), ecog=ecog, number=number, size=size, vascular=vascular,
        spread=spread, afp=afp, bclc=stage,
        cnlc=cnlc(ecog, points, number, size, vascular=vascular, spread=spread),
        treatment=treatment, start=start, end=end, death=death, recurrence=_recurrence(rng, start, end, treatment),
    )  # fmt: skip


def _treatment(rng: np.random.Generator, stage: Ints, points: Ints, log_afp: Floats, age: Floats) -> Ints:
    """Who is fitter is operated on more often: the confounding that an analysis has to undo."""
    count = len(stage)
    fit = 1.3 - 1.9 * (stage == 2) - 0.9 * (points - 5) - 0.22 * (log_afp - 4) - 0.055 * (age - 56)
    early = np.where(_chance(rng, fit), RESECTION, TACE)
    luck = rng.random(count)
    smallest = np.select([luck < 0.45, luck < 0.85], [ABLATION, RESECTION], TACE)
    first = np.select([luck < 0.10, luck < 0.13], [ABLATION, TRANSPLANT], early)
    middle = np.where(luck < 0.12, SYSTEMIC, early)
    late = np.select([luck < 0.55, luck < 0.85], [SYSTEMIC, TACE], SUPPORTIVE)
    last = np.where(luck < 0.12, TRANSPLANT, SUPPORTIVE)
    return np.choose(stage, [smallest, first, middle, late, last])


def _survival(
    rng: np.random.Generator, start: Ints, *, stage: Ints, points: Ints, afp: Floats, age: Floats, treatment: Ints
) -> tuple[Ints, Ints]:
    """Day of death (-1 if not seen) and last day seen alive or dead."""
    risk = (
        STAGE_HAZARD[stage] + TREATMENT_HAZARD[treatment] + POINTS_HAZARD * (points - 5)
        + AFP_HAZARD * (np.log(afp) - 4) + AGE_HAZARD * (age - 56) / 10
    )  # fmt: skip
    life = SCALE * (rng.exponential(size=len(start)) / np.exp(risk)) ** (1 / SHAPE)
    lost = rng.exponential(365.25 / LOSS, len(start))
    death = start + np.maximum(life, 1).astype(np.int64)
    seen_until = np.minimum(start + np.maximum(lost, 1).astype(np.int64), LAST_DAY)
    seen = death <= seen_until
    return np.where(seen, death, -1), np.where(seen, death, seen_until)


def _recurrence(rng: np.random.Generator, start: Ints, end: Ints, treatment: Ints) -> Ints:
    """Day on which the tumour came back after treatment meant to cure, -1 where it did not or was not seen."""
    curative = (treatment == RESECTION) | (treatment == ABLATION) | (treatment == TRANSPLANT)
    day = start + 60 + rng.exponential(900, len(start)).astype(np.int64)
    return np.where(curative & (day < end - 20), day, -1)
