"""People, and what hospitals write about who they are."""

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from isthmus.simulation import population

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def check_digit(number: str) -> str:
    return "10X98765432"[sum(int(digit) * weight for digit, weight in zip(number, WEIGHTS, strict=False)) % 11]


def test_resident_numbers_have_the_check_digit_of_gb_11643(world: Path) -> None:
    people = pq.read_table(world / "truth" / "person.parquet").slice(0, 300).to_pylist()
    for person in people:
        number = person["resident_id"]
        assert len(number) == 18
        assert number[17] == check_digit(number)
        assert number[6:14] == person["birth_date"].strftime("%Y%m%d")
        assert (int(number[16]) % 2 == 1) == (person["sex"] == "male")


def test_a_resident_number_written_out() -> None:
    birth = np.array([int(np.datetime64("1949-12-31").astype(int))])
    number = population.resident_number(np.array([0]), birth, np.array([2]))
    assert number.to_pylist() == ["11010519491231002X"]  # the standard's own example


def test_people_go_to_one_to_three_different_hospitals(world: Path) -> None:
    people = pq.read_table(world / "truth" / "person.parquet").to_pandas()
    visited = people.groupby("person")["site"]
    assert set(visited.size()) == {1, 2, 3}
    assert (visited.nunique() == visited.size()).all()


def test_what_is_written_differs_as_the_truth_says(world: Path) -> None:
    people = pq.read_table(world / "truth" / "person.parquet").to_pandas()
    assert set(people["change"]) == set(population.CHANGES)
    assert (people.loc[people["primary"], "change"] == "").all()
    same = people["change"] == ""
    for field in ("name", "birth_date", "resident_id", "phone"):
        differs = people[f"written_{field}"] != people[field]
        assert not differs[same].any()
    short = people.loc[people["change"] == "id-15", "written_resident_id"]
    assert (short.str.len() == 15).all()
    heard = people[people["change"] == "name-homophone"]
    assert (heard["written_name"] != heard["name"]).mean() > 0.9
    birth = people[people["change"] == "birth-digit"]
    assert (birth["written_birth_date"] != birth["birth_date"]).all()


def test_numbers_at_a_hospital_belong_to_one_person(world: Path) -> None:
    people = pq.read_table(world / "truth" / "person.parquet")
    keys = pc.binary_join_element_wise(people["site"].cast("string"), people["person_key"], "/")
    assert len(keys.unique()) == len(people)
