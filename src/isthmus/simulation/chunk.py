"""A few thousand people and all that happened to them, ready to be written in any dialect."""

from dataclasses import dataclass

import numpy as np

from isthmus.simulation import background, care, course, liver, pathway, population
from isthmus.simulation.care import Care
from isthmus.simulation.column import MINUTES, Ints, Text, join, whole
from isthmus.simulation.liver import Course
from isthmus.simulation.pathway import Along, Followed
from isthmus.simulation.population import People, Registrations

SIZE = 4096  # people per chunk; part of what the seed means, do not change


@dataclass(frozen=True, slots=True)
class Chunk:
    """`registration` gives each visit's row of `registrations`; `visit_number` is unique over all hospitals.

    `followed` is how the steps of a guideline were followed, where that was asked for.
    """

    people: People
    registrations: Registrations
    care: Care
    course: Course
    registration: Ints
    visit_number: Ints
    followed: Followed | None = None

    def rows(self, registration: Ints, dialect: int) -> Ints:
        """Rows whose registration (given for each row) is kept in this dialect, sorted by hospital."""
        mine = np.flatnonzero(self.registrations.dialect[registration] == dialect)
        return mine[np.argsort(self.registrations.site[registration[mine]], kind="stable")]

    def of_visits(self, visit: Ints, dialect: int) -> Ints:
        """Rows of a table with a column `visit` that are kept in this dialect, sorted by hospital."""
        return self.rows(self.registration[visit], dialect)

    def numbers(self, prefix: str, rows: Ints) -> Text:
        """Source keys for rows of a table: unique over all chunks, for each prefix."""
        return join(prefix, whole(self.people.number[0] * 400 + 1_000_000 + rows))

    def visit_text(self, visit: Ints) -> Text:
        """Visit numbers as the hospitals write them."""
        return join("V", whole(self.visit_number[visit]))


def draw(seed: int, start: int, count: int, sites: int, *, pathways: bool = False) -> Chunk:
    """People number `start` and following; the same for the same seed, whatever came before.

    `pathways`: steps of a guideline are taken and missed (`isthmus.simulation.pathway`).
    """
    rng = np.random.default_rng([seed, start])
    people = population.draw_people(rng, start, count, sites)
    registrations = population.register(rng, people, sites)
    patients = np.flatnonzero(people.liver)
    ill = liver.draw(rng, patients, people.onset[patients], people.birth[patients])
    happened, along = _care(rng, people, ill)
    followed = None
    if pathways:
        home = registrations.site[registrations.first[ill.person]]
        happened, followed = pathway.follow(seed, start, happened, ill, along, home)
    visits = happened.visits
    return Chunk(
        people=people,
        registrations=registrations,
        care=happened,
        course=ill,
        registration=registrations.first[visits.person] + visits.place,
        visit_number=start * 400 + 1_000_000 + np.arange(len(visits)),
        followed=followed,
    )


def _care(rng: np.random.Generator, people: People, ill: Course) -> tuple[Care, Along]:
    ordinary, death = background.draw_visits(rng, people)
    last = death.copy()
    last[ill.person] = ill.end + 1  # nobody is seen again after the last contact of the course
    ordinary = ordinary.take(background.alive(ordinary, last))
    special, row, kind = course.draw_visits(rng, ill)
    visit = len(ordinary) + np.arange(len(special))
    found = background.draw_diagnoses(rng, ordinary, people)
    everyday = np.arange(len(ordinary))
    happened = Care(
        visits=care.Visits.concat([ordinary, special]),
        diagnoses=care.Diagnoses.concat([found, course.diagnoses(ill, visit, row, kind)]),
        labs=care.Labs.concat(
            [
                background.draw_labs(rng, ordinary, everyday),
                course.labs(rng, ill, special, visit=visit, row=row, kind=kind),
            ]
        ),
        orders=care.Orders.concat(
            [
                background.draw_orders(rng, ordinary, found),
                course.orders(ill, special, visit=visit, row=row, kind=kind),
            ]
        ),
        operations=care.Operations.concat(
            [
                background.draw_operations(rng, ordinary, people),
                course.operations(ill, special, visit=visit, row=row, kind=kind),
            ]
        ),
        forms=course.forms(ill, visit, row, kind),
        contacts=_contacts(people, ill, death, ordinary),
        notes=course.notes(ill, special, visit=visit, row=row, kind=kind),
    )
    return happened, Along(visit, row, kind)


def _contacts(people: People, ill: Course, death: Ints, visits: care.Visits) -> care.Contacts:
    """One for each liver patient, and one for each other person who died."""
    dead = np.flatnonzero(death >= 0)
    nothing = np.full(len(dead), -1, dtype=np.int64)
    return care.Contacts(
        person=np.concatenate([ill.person, dead]),
        day=np.concatenate([ill.end, death[dead]]),
        death=np.concatenate([ill.death, death[dead]]),
        recurrence=np.concatenate([ill.recurrence, nothing]),
        cause=np.concatenate([np.zeros(len(ill), dtype=np.int64), nothing + 1 + 21]),
    )


def day_of(minute: Ints) -> Ints:
    """Days since 1970-01-01."""
    return np.asarray(minute // MINUTES)
