"""The whole API against its own description, by Schemathesis: no failure of the server, no authorisation ignored.

Half of the examples get identifiers that exist, so that they come further than `there is no such thing`.
"""

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi

from lib import granted
from lib.calling import bearer, serving, short
from lib.granted import APPLICATION, House
from lib.wide import unhurried

CHECKS = (
    checks.not_a_server_error, openapi.ignored_auth, openapi.content_type_conformance,
    openapi.response_schema_conformance, openapi.status_code_conformance,
)  # fmt: skip
TABLES = {**APPLICATION["tables"], "measurement": ["measurement_id", "person_id", "measurement_concept_id"]}
FEWEST = {"/api/v1": 20, "/fhir": 10}
"""How many operations each part describes at least."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    root = tmp_path_factory.mktemp("described")
    return unhurried(granted.granted(root, patients=5, tables=TABLES))


@pytest.fixture(scope="module")
def base(house: House) -> Iterator[str]:
    with serving(house) as client:
        yield str(client.base_url).rstrip("/")


def described(house: House, address: str, examples: int) -> int:
    """Try every operation that an address describes with so many examples; how many operations there were."""
    there = {
        "grant": short(house.grant),
        "case": short(house.case),
        "site": "h01",
        "table": "person",
        "kind": "Patient",
    }
    count = 0
    for found in schemathesis.openapi.from_url(f"{address}/openapi.json").get_all_operations():
        operation = found.ok()
        count += 1

        @given(case=operation.as_strategy())
        @settings(
            max_examples=examples, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def tried(case: schemathesis.Case) -> None:
            if sum(map(ord, str(case.path_parameters))) % 2:
                case.path_parameters = {name: there.get(name, one) for name, one in case.path_parameters.items()}
            who = ("ann", "platform", "aud")[len(str(case.query)) % 3]
            case.call_and_validate(headers=bearer(house, who), checks=list(CHECKS), timeout=120)

        tried()
    return count


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", FEWEST)
def test_the_api_is_what_it_says_of_itself(house: House, base: str, part: str) -> None:
    assert described(house, f"{base}{part}", 3) >= FEWEST[part]


@pytest.mark.prove
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", FEWEST)
def test_the_api_is_what_it_says_of_itself_with_many_examples(house: House, base: str, part: str) -> None:
    assert described(house, f"{base}{part}", 100) >= FEWEST[part]
