"""The care of liver cancer patients: from diagnosis through treatment to the last contact."""

import numpy as np

from isthmus.simulation import care, catalogue, liver
from isthmus.simulation.column import MINUTES, Floats, Ints
from isthmus.simulation.liver import Course

# Kinds of visits along the course.
DIAGNOSIS, TREATMENT, SESSION, FOLLOW_UP, RECURRENCE, LAST = range(6)
FOLLOW_UPS, SESSIONS = 12, 3
ONCOLOGY = 20  # row of DEPARTMENTS
ADMISSION, IMAGING, PATHOLOGY, OPERATION, CHEMOEMBOLISATION = range(5)


def draw_visits(rng: np.random.Generator, course: Course) -> tuple[care.Visits, Ints, Ints]:
    """Visits along the courses, the row of `course` of each, and its kind."""
    every = np.arange(len(course))
    tace = np.flatnonzero(course.treatment == liver.TACE)
    back = np.flatnonzero(course.recurrence >= 0)
    left = np.flatnonzero(course.death < 0)
    sessions = np.repeat(tace, SESSIONS)
    later = np.tile(np.arange(1, SESSIONS + 1), len(tace)) * 50
    checks = np.repeat(every, FOLLOW_UPS)
    order = np.tile(np.arange(FOLLOW_UPS), len(course))
    row = np.concatenate([every, every, sessions, checks, back, left])
    kind = np.repeat(np.arange(6), [len(every), len(every), len(sessions), len(checks), len(back), len(left)])
    day = np.concatenate(
        [
            course.diagnosis, course.start - 2, course.start[sessions] + later + rng.integers(0, 9, len(sessions)),
            course.start[checks] + 30 + order * 90 + rng.integers(0, 21, len(checks)), course.recurrence[back],
            course.end[left],
        ]
    )  # fmt: skip
    keep = (day < course.end[row] - 7) | (kind == LAST) | (kind == DIAGNOSIS) | (kind == TREATMENT)
    row, kind, day = row[keep], kind[keep], day[keep]
    stay = np.array([4, 9, 4, 0, 5, 0])[kind]
    start = day * MINUTES + 8 * 60 + rng.integers(0, 400, len(row))
    # Nobody leaves hospital after having died.
    end = np.minimum(start + stay * MINUTES + np.where(stay > 0, 0, 40), (course.end[row] + 1) * MINUTES - 1)
    inpatient = np.where(stay > 0, care.INPATIENT, care.OUTPATIENT)
    visits = care.Visits(
        course.person[row], np.zeros(len(row), dtype=np.int64), inpatient, start, np.maximum(end, start),
        np.full(len(row), ONCOLOGY),
    )  # fmt: skip
    return visits, row, kind


def diagnoses(course: Course, visit: Ints, row: Ints, kind: Ints) -> care.Diagnoses:
    """Liver cancer and its cause at every visit of the course, complications not at mere follow-up."""
    codes = catalogue.conditions().codes
    cause = np.array([codes.find(role) for role in ("hbv_cirrhosis", "hcv_cirrhosis", "alcohol", "nafld")])
    stays = kind != FOLLOW_UP
    parts = [
        (np.ones(len(row), dtype=bool), np.full(len(row), codes.find("hcc"))),
        (np.ones(len(row), dtype=bool), cause[course.cause[row]]),
        (stays & (course.ascites[row] > 0), np.full(len(row), codes.find("ascites"))),
        (stays & (course.encephalopathy[row] > 0), np.full(len(row), codes.find("he"))),
        (stays & (course.vascular[row] > 0), np.full(len(row), codes.find("pvtt"))),
        (stays & (course.spread[row] > 0), np.full(len(row), codes.find("lungmet"))),
        (stays & (course.points[row] >= 7), np.full(len(row), codes.find("portal"))),
    ]
    rank = np.cumsum(np.stack([mask for mask, _ in parts]), axis=0) - 1
    return care.Diagnoses.concat(
        [care.Diagnoses(visit[mask], code[mask], rank[level][mask]) for level, (mask, code) in enumerate(parts)]
    )


PANEL_OF_KIND = ("liver", "coag", "cbc", "marker")


def labs(
    rng: np.random.Generator, course: Course, visits: care.Visits, *, visit: Ints, row: Ints, kind: Ints
) -> care.Labs:
    """Liver function, clotting, blood count and markers; at diagnosis exactly the values that staged the patient."""
    table = catalogue.tests()
    wanted = np.concatenate([table.panels[catalogue.PANELS.index(name)] for name in PANEL_OF_KIND])
    first = np.flatnonzero(kind == DIAGNOSIS)
    virus = np.array([table.row("HBSAG"), table.row("HCVAB")])
    some = np.flatnonzero((kind != DIAGNOSIS) & (kind != LAST))
    reduced = np.array([table.row(key) for key in ("ALB", "TBIL", "ALT", "AST", "INR", "PLT", "AFP")])
    plan = [
        (np.repeat(first, len(wanted)), np.tile(wanted, len(first))),
        (np.repeat(first, 2), np.tile(virus, len(first))),
    ]
    plan.append((np.repeat(some, len(reduced)), np.tile(reduced, len(some))))
    at = np.concatenate([where for where, _ in plan])
    test = np.concatenate([which for _, which in plan])
    value = _values(rng, course, row[at], test, kind[at])
    positive = np.select(
        [test == virus[0], test == virus[1]],
        [(course.cause[row[at]] == liver.HBV) * 1, (course.cause[row[at]] == liver.HCV) * 1],
        -1,
    )
    return care.Labs(
        visit[at], test, visits.start[at] + 75 + test % 5, np.where(positive >= 0, np.nan, value), positive
    )


def _values(rng: np.random.Generator, course: Course, row: Ints, test: Ints, kind: Ints) -> Floats:
    table = catalogue.tests()
    noise = np.where(kind == DIAGNOSIS, 0.0, rng.normal(size=len(row)))
    cured = np.isin(course.treatment[row], (liver.RESECTION, liver.ABLATION, liver.TRANSPLANT)) & (kind == FOLLOW_UP)
    afp = np.where(cured, np.minimum(course.afp[row] * 0.1, 12) + 1, course.afp[row]) * np.exp(0.25 * noise)
    spread = rng.normal(size=len(row))
    damage = course.points[row] - 5
    value = table.mean[test] + table.sd[test] * spread
    measured = {
        "ALB": course.albumin[row] + 1.2 * noise,
        "TBIL": course.bilirubin[row] * np.exp(0.12 * noise),
        "INR": course.inr[row] + 0.03 * noise,
        "PT": course.inr[row] * 12 + 0.2 * spread,
        "AFP": afp,
        "PIVKA": np.exp(4.5 + 0.3 * course.size[row] / 3 + spread),
        "DBIL": course.bilirubin[row] * 0.4,
        "ALT": 48 + 9 * damage + 15 * spread,
        "AST": 55 + 11 * damage + 18 * spread,
        "GGT": 95 + 20 * damage + 35 * spread,
        "PLT": 148 - 12 * damage + 45 * spread,
    }
    for key, replaced in measured.items():
        value = np.where(test == table.row(key), replaced, value)
    scale = 10.0 ** table.decimals[test]
    return np.asarray(np.round(np.maximum(value, np.nan_to_num(table.mean[test]) * 0.1) * scale) / scale)


def orders(course: Course, visits: care.Visits, *, visit: Ints, row: Ints, kind: Ints) -> care.Orders:
    """Antivirals, diuretics, drugs of chemoembolisation and systemic therapy."""
    codes = catalogue.drugs().codes
    named = [int(codes.having("sys")[number]) for number in range(4)]
    systemic = (course.treatment[row] == liver.SYSTEMIC) & ((kind == TREATMENT) | (kind == FOLLOW_UP))
    regimen = course.person[row] % 3
    tace = ((kind == TREATMENT) & (course.treatment[row] == liver.TACE)) | (kind == SESSION)
    antiviral = (course.cause[row] == liver.HBV) & np.isin(kind, (DIAGNOSIS, FOLLOW_UP))
    plan = [
        (systemic & (regimen == 0), named[0], 28, 112), (systemic & (regimen == 1), named[1], 28, 56),
        (systemic & (regimen == 2), named[2], 1, 1), (systemic & (regimen == 2), named[3], 1, 3),
        (tace, int(codes.having("tace")[0]), 1, 5), (tace, int(codes.having("tace")[2]), 1, 3),
        (antiviral, int(codes.having("hbv")[0]), 90, 90),
        ((course.ascites[row] > 0) & (kind != LAST), codes.find("asc"), 30, 60),
        ((course.encephalopathy[row] > 0) & (kind == DIAGNOSIS), codes.find("he"), 14, 3),
    ]  # fmt: skip
    parts = []
    for mask, drug, days, quantity in plan:
        here = np.flatnonzero(mask)
        same = np.ones(len(here), dtype=np.int64)
        parts.append(care.Orders(visit[here], same * drug, visits.start[here] + 240, same * days, same * quantity))
    return care.Orders.concat(parts)


def operations(course: Course, visits: care.Visits, *, visit: Ints, row: Ints, kind: Ints) -> care.Operations:
    """Imaging at diagnosis and recurrence, and the treatment itself on its day."""
    codes = catalogue.procedures()
    resections, imaging = codes.having("resection"), codes.having("img")
    done = np.array([0, codes.find("tace"), codes.having("ablation")[0], codes.find("transplant"), -1, -1])
    code = done[course.treatment[row]]
    code = np.where(course.treatment[row] == liver.RESECTION, resections[course.person[row] % len(resections)], code)
    treated = np.flatnonzero((kind == TREATMENT) & (code >= 0))
    again = np.flatnonzero(kind == SESSION)
    seen = np.flatnonzero((kind == DIAGNOSIS) | (kind == RECURRENCE))
    probed = np.flatnonzero((kind == DIAGNOSIS) & (course.person[row] % 4 == 0))
    return care.Operations.concat(
        [
            care.Operations(visit[treated], code[treated], course.start[row[treated]] * MINUTES + 10 * 60),
            care.Operations(visit[again], np.full(len(again), done[liver.TACE]), visits.start[again] + MINUTES),
            care.Operations(visit[seen], imaging[course.person[row[seen]] % len(imaging)], visits.start[seen] + 180),
            care.Operations(visit[probed], np.full(len(probed), codes.find("biopsy")), visits.start[probed] + 900),
        ]
    )


def forms(course: Course, visit: Ints, row: Ints, kind: Ints) -> care.Forms:
    """The tumour form, filled in once, at diagnosis."""
    here = np.flatnonzero(kind == DIAGNOSIS)
    at = row[here]
    return care.Forms(
        visit[here], course.bclc[at], course.cnlc[at], course.points[at], course.grade[at], course.number[at],
        course.size[at], course.vascular[at], course.spread[at], course.ascites[at], course.encephalopathy[at],
        course.ecog[at],
    )  # fmt: skip


def notes(course: Course, visits: care.Visits, *, visit: Ints, row: Ints, kind: Ints) -> care.Notes:
    """Admission note and imaging report at diagnosis; report of pathology, operation or chemoembolisation later."""
    form = np.cumsum(kind == DIAGNOSIS) - 1
    by_row = np.zeros(len(course), dtype=np.int64)
    by_row[row[kind == DIAGNOSIS]] = form[kind == DIAGNOSIS]
    first = kind == DIAGNOSIS
    cut = (kind == TREATMENT) & (course.treatment[row] == liver.RESECTION)
    tace = ((kind == TREATMENT) & (course.treatment[row] == liver.TACE)) | (kind == SESSION)
    parts = []
    for what, mask, later in (
        (ADMISSION, first, 60), (IMAGING, first, 300), (OPERATION, cut, 3 * MINUTES), (PATHOLOGY, cut, 6 * MINUTES),
        (CHEMOEMBOLISATION, tace, 2 * MINUTES),
    ):  # fmt: skip
        here = np.flatnonzero(mask)
        parts.append(
            care.Notes(
                visit[here], np.full(len(here), what), np.minimum(visits.start[here] + later, visits.end[here]),
                by_row[row[here]], course.treatment[row[here]],
            )
        )  # fmt: skip
    return care.Notes.concat(parts)
