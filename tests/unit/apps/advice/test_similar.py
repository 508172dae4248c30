"""Who is most like one: the numbers by hand, the statement beside the plain reckoning, and what is not told."""

from datetime import date, timedelta
from math import log10
from pathlib import Path
from typing import Any

import pytest

from isthmus.apps.advice.looks.routes import similar_of
from isthmus.apps.advice.pack.base import shipped
from isthmus.apps.advice.similar.features import FILE, Feature, alike, features
from isthmus.apps.advice.similar.nearest import Similar
from isthmus.apps.contract import InputError, PackError
from isthmus.apps.contract.trial import Trial
from isthmus.flow.workspace import Workspace
from isthmus.gate.release.rules import rules
from isthmus.research.registries.enrolment.model import WITHDRAWN
from isthmus.research.registries.enrolment.ruling import CASE, CONSENT, REFUTED
from isthmus.research.registries.enrolment.said import say
from lib.advised import DAY, FOLDER, PACKAGE, condition, person, result

CANCER, AFP, BILIRUBIN, PLATELETS, ALBUMIN, ECOG, NUMBER = (
    4246127, 2000001001, 3024128, 3024929, 3024561, 2000001110, 2000001105,
)  # fmt: skip
NANOGRAM, UMOL, GIGA, GRAM = 8842, 8749, 9444, 8636
FOUND = date(2020, 1, 1)
THERE = FOUND + timedelta(days=80)


def _patient(
    who: int, *, born: int, afp: float, bilirubin: float, ecog: int, now: bool = False
) -> list[dict[str, Any]]:
    """The rows of a patient: values eighty days after the diagnosis, or today."""
    day, first = (DAY.isoformat() if now else THERE.isoformat()), who * 100
    return [
        person(who, year_of_birth=born),
        condition(first, CANCER, FOUND.isoformat(), who),
        result(first + 1, AFP, afp, NANOGRAM, day, who), result(first + 2, BILIRUBIN, bilirubin, UMOL, day, who),
        result(first + 3, PLATELETS, 150.0, GIGA, day, who), result(first + 4, ALBUMIN, 40.0, GRAM, day, who),
        {
            "observation_id": first + 5, "person_id": who, "observation_concept_id": ECOG, "observation_date": day,
            "value_as_number": ecog,
        },
        {
            "observation_id": first + 6, "person_id": who, "observation_concept_id": NUMBER, "observation_date": day,
            "value_as_number": 1,
        },
    ]  # fmt: skip


def _tables(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        key = next(iter(row))
        name = {"person_id": "person", "death_date": "death"}.get(key, key.removesuffix("_id"))
        found.setdefault(name, []).append(row)
    return found


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """Patient 1 today, and thirty others: the younger, the more like the first; ten of them died."""
    whole = _patient(1, born=1960, afp=100, bilirubin=20, ecog=0, now=True)
    for who in range(2, 32):
        whole += _patient(who, born=1960 - who, afp=100.0 * 2 ** (who % 4), bilirubin=20.0 + who, ecog=who % 3)
        last = FOUND + timedelta(days=90 + 100 * who)
        whole.append(result(who * 100 + 9, PLATELETS, 150.0, GIGA, last.isoformat(), who))
        if who % 3 == 0:
            whole.append({"death_date": last.isoformat(), "person_id": who})
    return whole


@pytest.fixture(scope="module")
def found(rows: list[dict[str, Any]]) -> Similar:
    return _found(rows)


def _found(rows: list[dict[str, Any]], who: str = "1") -> Similar:
    with Trial(FOLDER, _tables(rows), package=PACKAGE, settings={"day": DAY.isoformat()}) as trial:
        return similar_of(trial.context(), who)


@pytest.mark.parametrize(
    ("feature", "one", "other", "expected"),
    [
        (Feature("x", 1, 0.0, 10.0, False, "", ""), 2.0, 7.0, 0.5),
        (Feature("x", 1, 0.0, 10.0, False, "", ""), -5.0, 30.0, 0.0),  # beyond the range they are its ends
        (Feature("x", 1, 1.0, 100.0, True, "", ""), 1.0, 10.0, 0.5),
        (Feature("x", 1, None, None, False, "", ""), "A", "A", 1.0),
        (Feature("x", 1, None, None, False, "", ""), True, False, 0.0),
        (Feature("x", 1, None, None, False, "", ""), None, "A", None),
    ],
)
def test_likeness_by_hand(feature: Feature, one: object, other: object, expected: float | None) -> None:
    assert alike(feature, one, other) == (None if expected is None else pytest.approx(expected))


def test_the_statement_and_the_plain_reckoning_agree(found: Similar) -> None:
    declared = features(shipped())
    assert found.patients == 30
    assert len(found.neighbours) == declared.most
    for one in found.neighbours:
        known = {name: how for name, how in one.alike.items() if how is not None}
        weight = sum(declared.features[name].weight for name in known)
        likeness = sum(declared.features[name].weight * how for name, how in known.items())
        assert one.similarity == pytest.approx(likeness / weight)
        assert one.known == pytest.approx(weight / sum(each.weight for each in declared.features.values()))
        mine = sum(declared.features[name].weight for name, value in found.mine.items() if value is not None)
        assert weight >= declared.known * mine
    similar = [one.similarity for one in found.neighbours]
    assert similar == sorted(similar, reverse=True)


def test_the_nearest_by_hand(found: Similar) -> None:
    """Patient 6: ECOG 0 and one tumour as the first; AFP 400 against 100, bilirubin 26 against 20, 66 years against 64.
    ALBI is 0.66 · log10 of bilirubin - 0.085 · albumin, and albumin is the same."""
    first = found.neighbours[0]
    assert first.person == 6
    assert (found.mine["age"], first.values["age"]) == (64, 66)
    by_hand = {
        "performance": (2, 1.0), "tumours": (2, 1.0), "platelets": (1, 1.0), "sex": (0.5, 1.0),
        "age": (1, 1 - 2 / 70), "bilirubin": (1, 1 - 6 / 198), "afp": (1, 1 - log10(4) / 5),
        "albi_value": (2, 1 - 0.66 * log10(26 / 20) / 4),
    }  # fmt: skip
    assert {name: how for name, how in first.alike.items() if how is not None} == {
        name: pytest.approx(how) for name, (_, how) in by_hand.items()
    }
    whole = sum(weight for weight, _ in by_hand.values())
    assert whole == 10.5
    assert first.similarity == pytest.approx(sum(weight * how for weight, how in by_hand.values()) / whole)
    assert first.alike["largest_tumour"] is None


def test_what_became_of_them_is_told_and_few_are_not(rows: list[dict[str, Any]], found: Similar) -> None:
    assert found.became.followed == 30
    assert found.became.deaths == 10
    alive = found.became.survival
    assert alive[1] is not None
    assert alive[1][0] == pytest.approx(1 - 1 / 29)  # 365 days: one died on day 300, of 29 who were still followed
    assert alive[2] is not None
    assert alive[1][0] > alive[2][0]
    assert set(found.became.treated.values()) == {0}
    fewer = [one for one in rows if one.get("death_date", "0") <= "2022"]
    few = _found(fewer)
    assert few.became.deaths is None
    assert set(few.became.survival.values()) == {None}
    assert features(shipped()).hide == rules("default").hide


def test_nobody_is_alike_where_too_little_is_known(rows: list[dict[str, Any]]) -> None:
    """Of patient 40 only age, sex and AFP are known, 2.5 of 23.5; of patient 1's features patient 41 has those only."""
    few = [person(40), result(4001, AFP, 100.0, NANOGRAM, DAY.isoformat(), 40)]
    assert _found([*rows, *few], "40").neighbours == ()
    other = [
        person(41, year_of_birth=1960), condition(4100, CANCER, FOUND.isoformat(), 41),
        result(4101, AFP, 100.0, NANOGRAM, THERE.isoformat(), 41),
    ]  # fmt: skip
    assert 41 not in {one.person for one in _found([*rows, *other]).neighbours}


def test_who_is_not_there_is_told_so(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(InputError, match="no such person"):
        _found(rows, "77")
    with pytest.raises(InputError, match="no such person"):
        _found(rows, "x'; --")


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("age: {weight: 1, range: [20, 90]}", "age: {weight: 0, range: [20, 90]}", "a number above 0"),
        ("age: {weight: 1, range: [20, 90]}", "age: {weight: 1, range: [90, 20]}", "the lower first"),
        ("age: {weight: 1, range: [20, 90]}", "age: {weight: 1}", "two numbers"),
        ("cnlc: {weight: 3}", "cnlc: {weight: 3, range: [1, 2]}", "it is no number"),
        ("cnlc: {weight: 3}", "cnlcs: {weight: 3}", "no such fact"),
        ("range: [1, 100000], log: yes", "range: [0, 100000], log: yes", "a logarithm needs a range above 0"),
        ("patients: liver_cancer", "patients: lever_cancer", "no concept 'lever_cancer'"),
        ("after: 90 days", "after: a while", "is no span"),
    ],
)
def test_wrong_features_are_told_with_the_line(tmp_path: Path, was: str, becomes: str, told: str) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert was in text
    path = tmp_path / "features.yaml"
    path.write_text(text.replace(was, becomes), encoding="utf-8")
    with pytest.raises(PackError, match=rf"features.yaml:\d+: .*{told}"):
        features(shipped(), path)


def test_nobody_is_compared_who_withdrew_or_is_no_case(rows: list[dict[str, Any]], found: Similar) -> None:
    first, second, third = [one.person for one in found.neighbours[:3]]
    with Trial(FOLDER, _tables(rows), package=PACKAGE, settings={"day": DAY.isoformat()}) as trial:
        opened = Workspace(Path(trial._scratch.name) / "ws")
        say(opened, "breast", CONSENT, {first: None}, WITHDRAWN, author="ann", reason="a letter")
        say(opened, "liver", CASE, {second: None}, REFUTED, author="ann", reason="a biopsy")
        say(opened, "breast", CASE, {third: None}, REFUTED, author="ann", reason="a biopsy")
        less = similar_of(trial.context(), "1")
        assert less.patients == found.patients - 2
        assert less.neighbours[0].person == third
        assert not {first, second} & {one.person for one in less.neighbours}
        say(opened, "liver", CONSENT, {1: None}, WITHDRAWN, author="ann", reason="a letter")
        assert similar_of(trial.context(), "1").patients == less.patients, "who asks for care of one may compare them"
