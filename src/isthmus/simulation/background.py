"""Ordinary care: people with a cold, high blood pressure, a broken ankle; tests, drugs and small operations."""

import numpy as np

from isthmus.simulation import care, catalogue
from isthmus.simulation.column import MINUTES, Floats, Ints, Mask, day_number
from isthmus.simulation.population import People

BEGIN = day_number(2014, 1, 1)
END = day_number(2024, 12, 31)
MEAN_VISITS = 4.0
DEATHS = 0.04  # of people without a liver tumour, over the years seen

# How often a panel of tests is ordered at an outpatient, emergency or inpatient visit; order of catalogue.PANELS.
PANEL_CHANCE = np.array(
    [
        [0.30, 0.20, 0.15, 0.03, 0.15, 0.15, 0.03, 0.04, 0.10, 0.10],
        [0.80, 0.30, 0.50, 0.20, 0.02, 0.20, 0.02, 0.01, 0.40, 0.20],
        [0.95, 0.90, 0.85, 0.50, 0.40, 0.40, 0.40, 0.20, 0.35, 0.40],
    ]
)


def draw_visits(rng: np.random.Generator, people: People) -> tuple[care.Visits, Ints]:
    """Visits of all people, sorted by person and time, and the day of death (-1) of those without a liver tumour."""
    count = 1 + rng.poisson(np.where(people.liver, MEAN_VISITS * 0.6, MEAN_VISITS)).clip(0, 20)
    person = np.repeat(np.arange(len(people)), count)
    begin = np.maximum(BEGIN, people.birth + 1)
    day = begin[person] + (rng.random(len(person)) * (END - begin[person])).astype(np.int64)
    dies = (rng.random(len(people)) < DEATHS) & ~people.liver
    death = np.where(dies, begin + (rng.random(len(people)) * (END - begin)).astype(np.int64), -1)
    kind = rng.choice(3, size=len(person), p=(0.80, 0.08, 0.12))
    start = day * MINUTES + rng.integers(8 * 60, 17 * 60, len(person))
    stay = np.where(kind == care.INPATIENT, rng.integers(2, 15, len(person)) * MINUTES, 0)
    other = rng.random(len(person)) < 0.30
    place = np.where(other, rng.integers(0, 3, len(person)), 0) % people.places[person]
    end = start + stay + np.where(kind == care.OUTPATIENT, rng.integers(5, 90, len(person)), 180)
    visits = care.Visits(person, place, kind, start, end, rng.integers(0, 20, len(person)))
    return visits, death


def draw_diagnoses(rng: np.random.Generator, visits: care.Visits, people: People) -> care.Diagnoses:
    """One to five diagnoses per visit; people keep three of their own that come back."""
    table = catalogue.conditions()
    more = rng.binomial(np.where(visits.kind == care.INPATIENT, 4, 1), 0.4)
    visit = np.repeat(np.arange(len(visits)), 1 + more)
    rank = np.arange(len(visit)) - np.repeat(np.cumsum(1 + more) - (1 + more), 1 + more)
    person = visits.person[visit]
    own = _weighted(rng, table.weight, np.repeat(people.sex - 1, 3)).reshape(-1, 3)
    fresh = _weighted(rng, table.weight, people.sex[person] - 1)
    code = np.where(rng.random(len(visit)) < 0.5, own[person, rank % 3], fresh)
    once = _first_of_each(visit * len(table.codes.code) + code)
    visit, code = visit[once], code[once]
    return care.Diagnoses(visit, code, np.arange(len(visit)) - np.searchsorted(visit, visit))


def _first_of_each(key: Ints) -> Ints:
    """Rows on which a key stands for the first time: nobody writes one diagnosis twice into one visit."""
    return np.sort(np.unique(key, return_index=True)[1])


def _weighted(rng: np.random.Generator, weight: Floats, row: Ints) -> Ints:
    """One column per entry of `row`, drawn with the weights of that row."""
    edges = np.cumsum(weight, axis=1)
    luck = rng.random(len(row))
    drawn = np.zeros(len(row), dtype=np.int64)
    for number, edge in enumerate(edges):
        mask = row == number
        drawn[mask] = np.searchsorted(edge / edge[-1], luck[mask], side="right")
    return drawn.clip(0, weight.shape[1] - 1)


def draw_labs(rng: np.random.Generator, visits: care.Visits, rows: Ints) -> care.Labs:
    """Whole panels of tests at these visits, with the values of people of ordinary health."""
    ordered = rng.random((len(rows), len(catalogue.PANELS))) < PANEL_CHANCE[visits.kind[rows]]
    parts = []
    for panel, tests in enumerate(catalogue.tests().panels):
        chosen = rows[ordered[:, panel]]
        if catalogue.PANELS[panel] == "misc":
            # Two different ones: the same test twice in one visit would be one result sent twice.
            picked = rng.integers(0, len(tests), len(chosen))
            second = (picked + rng.integers(1, len(tests), len(chosen))) % len(tests)
            parts.append(_measure(rng, visits, np.tile(chosen, 2), tests[np.concatenate([picked, second])]))
        else:
            parts.append(_measure(rng, visits, np.repeat(chosen, len(tests)), np.tile(tests, len(chosen))))
    return care.Labs.concat(parts)


def _measure(rng: np.random.Generator, visits: care.Visits, visit: Ints, test: Ints) -> care.Labs:
    table = catalogue.tests()
    mean, sd = table.mean[test], table.sd[test]
    value = np.maximum(mean + sd * rng.normal(size=len(test)), mean * 0.15)
    number = ~np.isnan(mean)
    scale = 10.0 ** table.decimals[test]
    return care.Labs(
        visit=visit,
        test=test,
        minute=visits.start[visit] + 60 + test % 7,
        value=np.round(value * scale) / scale,
        positive=np.where(number, -1, (rng.random(len(test)) < 0.08).astype(np.int64)),
    )


def draw_orders(rng: np.random.Generator, visits: care.Visits, diagnoses: care.Diagnoses) -> care.Orders:
    """Drugs fitting the diagnoses, for three days to a month."""
    table, roles = catalogue.conditions(), catalogue.drugs().codes.role
    groups = sorted(set(roles))
    members = [np.array([row for row, role in enumerate(roles) if role == group]) for group in groups]
    group = np.array([groups.index(name) for name in table.treated_by])[diagnoses.code]
    treated = np.flatnonzero(rng.random(len(diagnoses)) < 0.7)
    sizes = np.array([len(one) for one in members])
    offsets = np.cumsum(sizes) - sizes
    drug = np.concatenate(members)[
        offsets[group[treated]] + (rng.random(len(treated)) * sizes[group[treated]]).astype(np.int64)
    ]
    days = rng.choice(np.array([3, 5, 7, 14, 28]), size=len(treated))
    visit = diagnoses.visit[treated]
    return care.Orders(visit, drug, visits.start[visit] + 20, days, days * rng.integers(1, 4, len(treated)))


def draw_operations(rng: np.random.Generator, visits: care.Visits, people: People) -> care.Operations:
    """Operations and examinations that have nothing to do with liver cancer."""
    codes = catalogue.procedures()
    chance = np.array([0.10, 0.25, 0.45])[visits.kind]
    visit = np.flatnonzero(rng.random(len(visits)) < chance)
    woman = people.sex[visits.person[visit]] == 2
    for_all, women, men = codes.having("bg", "img"), codes.having("bgf"), codes.having("bgm")
    code = for_all[rng.integers(0, len(for_all), len(visit))]
    special = np.where(
        woman, women[rng.integers(0, len(women), len(visit))], men[rng.integers(0, len(men), len(visit))]
    )
    code = np.where(rng.random(len(visit)) < 0.08, special, code)
    later = np.where(visits.kind[visit] == care.INPATIENT, MINUTES + 120, 45)
    return care.Operations(visit, code, visits.start[visit] + later)


def alive(visits: care.Visits, death: Ints) -> Mask:
    """Visits that ended before the person died."""
    day = death[visits.person]
    return np.asarray((day < 0) | (visits.end // MINUTES < day))
