"""Whether the steps of a guideline were taken, and which were missed: an option that changes a course, and its truth.

Imaging, team discussions and AFP of liver cancer patients are drawn anew, from a random stream of their own: each step
is taken or missed, at some hospitals more often than at others. The truth says of every rule what became of it, as the
days of what was really done have it; the dirt of exports comes after.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from isthmus.simulation import care, catalogue, course, liver
from isthmus.simulation.care import Care
from isthmus.simulation.column import MINUTES, Ints, Mask
from isthmus.simulation.liver import Course

STREAM = 0x9A7
"""Sets the random stream of this module apart from those of all others."""
RULES = (
    "imaging at diagnosis", "AFP at diagnosis", "imaging before resection", "team before treatment",
    "imaging after local treatment", "AFP after treatment meant to cure", "imaging after treatment meant to cure",
)  # fmt: skip
"""As the pathway pack of liver cancer names them."""
STATES = ("not applicable", "met", "not assessable", "violated")
NOT_APPLICABLE, MET, NOT_ASSESSABLE, VIOLATED = range(4)
TAKEN, LESS, EVERY = 0.88, 0.3, 4
"""The chance that a step is taken; how much less it is at every so-manieth hospital."""
LOCAL = (liver.ABLATION, liver.TACE)
CURATIVE = (liver.RESECTION, liver.ABLATION, liver.TRANSPLANT)
OPERATED = (*LOCAL, liver.RESECTION, liver.TRANSPLANT)


@dataclass(frozen=True, slots=True)
class Along:
    """The visits of the courses: their rows in the table of visits, the course of each, its kind."""

    visit: Ints
    row: Ints
    kind: Ints


@dataclass(frozen=True, slots=True)
class Followed:
    """The truth: a row for each course (`row`) and rule, its state, and the day of what opens it."""

    row: Ints
    rule: Ints
    state: Ints
    day: Ints


def follow(seed: int, start: int, done: Care, ill: Course, along: Along, site: Ints) -> tuple[Care, Followed]:
    """What was done with steps taken and missed, and the truth of it. `site` is the hospital of each course."""
    rng = np.random.default_rng([seed, start, STREAM])
    chance = TAKEN - LESS * (site % EVERY == EVERY - 1)
    taken = rng.random((len(RULES), len(ill))) < chance
    operations = _operations(done, ill, along, taken)
    labs = _labs(done, ill, along, taken)
    # A text that tells of what was missed would be a record of it.
    first = (along.kind == course.DIAGNOSIS) & ~taken[0][along.row]
    early = np.isin(along.kind, (course.DIAGNOSIS, course.TREATMENT)) & ~taken[1][along.row]
    silent = along.visit[first | early]
    notes = done.notes.take(~np.isin(done.notes.visit, silent))
    changed = replace(done, operations=operations, labs=labs, notes=notes)
    return changed, _truth(changed, ill)


def truth_of(found: Followed, number: Ints) -> dict[str, pa.Array]:
    """The columns of truth/pathway.parquet; `number` is the person's of each course."""
    words = (np.array(RULES)[found.rule], np.array(STATES)[found.state])
    return {
        "person": pa.array(number[found.row]), "rule": pa.array(words[0].tolist()),
        "state": pa.array(words[1].tolist()), "day": pa.array(found.day.astype(np.int32)).cast(pa.date32()),
    }  # fmt: skip


def _operations(done: Care, ill: Course, along: Along, taken: Mask) -> care.Operations:
    """Without the imaging of the courses; with imaging and discussions as they were taken."""
    codes = catalogue.procedures()
    images = codes.having("img")
    kept = done.operations.take(~(np.isin(done.operations.code, images) & np.isin(done.operations.visit, along.visit)))
    contrast = images[: len(images) - 1][ill.person % (len(images) - 1)]  # the last is ultrasound
    parts = [kept]
    day = done.visits.start[along.visit] // MINUTES - ill.start[along.row]
    before = (along.kind == course.TREATMENT) & _had(ill, along, liver.RESECTION)
    for which, code, later in (
        (taken[0][along.row] & (along.kind == course.DIAGNOSIS), contrast[along.row], 180),
        (taken[2][along.row] & before, contrast[along.row], 90),
        (along.kind == course.RECURRENCE, contrast[along.row], 180),
        (taken[3][along.row] & (along.kind == course.DIAGNOSIS), np.full(len(along.row), codes.find("mdt")), 400),
        (taken[4][along.row] & _had(ill, along, *LOCAL) & _check(along, day, 20, 60), contrast[along.row], 45),
        (taken[6][along.row] & _had(ill, along, *CURATIVE) & _check(along, day, 100, 160), contrast[along.row], 45),
    ):  # fmt: skip
        visit = along.visit[which]
        parts.append(care.Operations(visit, code[which], done.visits.start[visit] + later))
    return care.Operations.concat(parts)


def _labs(done: Care, ill: Course, along: Along, taken: Mask) -> care.Labs:
    """Without the AFP that was missed."""
    day = done.visits.start[along.visit] // MINUTES - ill.start[along.row]
    early = np.isin(along.kind, (course.DIAGNOSIS, course.TREATMENT)) & ~taken[1][along.row]
    late = _had(ill, along, *CURATIVE) & (day >= 15) & (day <= 130) & ~taken[5][along.row]
    missed = along.visit[early | late]
    afp = done.labs.test == catalogue.tests().row("AFP")
    return done.labs.take(~(afp & np.isin(done.labs.visit, missed)))


def _had(ill: Course, along: Along, *treatments: int) -> Mask:
    return np.isin(ill.treatment[along.row], treatments)


def _check(along: Along, day: Ints, low: int, high: int) -> Mask:
    return np.asarray((along.kind == course.FOLLOW_UP) & (day >= low) & (day <= high))


def _truth(done: Care, ill: Course) -> Followed:
    """What became of every rule, from the days of what was done."""
    codes, tests = catalogue.procedures(), catalogue.tests()
    images = np.setdiff1d(codes.having("img"), codes.having("img")[-1:])
    of_person = np.full(int(done.visits.person.max(initial=0)) + 1, -1, dtype=np.int64)
    of_person[ill.person] = np.arange(len(ill))
    course_of = of_person[done.visits.person]
    imaging = _days(course_of, done.operations, np.isin(done.operations.code, images))
    team = _days(course_of, done.operations, done.operations.code == codes.find("mdt"))
    afp = _days(course_of, done.labs, done.labs.test == tests.row("AFP"))
    first, begun = ill.diagnosis, ill.start
    everyone = np.ones(len(ill), dtype=bool)
    parts = list(
        _judged(
            ill,
            (everyone, first, imaging, -30, 30), (everyone, first, afp, -30, 30),
            (ill.treatment == liver.RESECTION, begun, imaging, -28, 0),
            (np.isin(ill.treatment, OPERATED), begun, team, -60, 0),
            (np.isin(ill.treatment, LOCAL), begun, imaging, 20, 60),
            (np.isin(ill.treatment, CURATIVE), begun, afp, 20, 120),
            (np.isin(ill.treatment, CURATIVE), begun, imaging, 60, 240),
        )
    )  # fmt: skip
    rows = np.arange(len(ill))
    return Followed(
        np.tile(rows, len(parts)), np.repeat(np.arange(len(parts)), len(ill)),
        np.concatenate([state for state, _ in parts]), np.concatenate([day for _, day in parts]),
    )  # fmt: skip


def _days(course_of: Ints, done: care.Operations | care.Labs, which: Mask) -> tuple[Ints, Ints]:
    """Course and day of what was done, sorted."""
    rows = course_of[done.visit[which]]
    days = done.minute[which] // MINUTES
    days, rows = days[rows >= 0], rows[rows >= 0]
    order = np.lexsort((days, rows))
    return rows[order], days[order]


def _judged(
    ill: Course, *asked: tuple[Mask, Ints, tuple[Ints, Ints], int, int]
) -> Iterator[tuple[Ints, Ints]]:  # fmt: skip
    """State and opening day of each course: asked of whom, around which day, for what, from when to when."""
    far = 1_000_000
    for whom, around, (rows, days), low, high in asked:
        keys = rows * far + days
        begin = np.searchsorted(keys, np.arange(len(ill)) * far + around + low)
        end = np.searchsorted(keys, np.arange(len(ill)) * far + around + high, side="right")
        dies = (ill.death >= 0) & (ill.death <= around + high) & (high > 0)
        lost = (ill.death < 0) & (ill.end < around + max(high, 0))
        missing = np.select([dies, lost], [NOT_APPLICABLE, NOT_ASSESSABLE], VIOLATED)
        state = np.where(~whom, NOT_APPLICABLE, np.where(end > begin, MET, missing))
        yield state.astype(np.int64), around
