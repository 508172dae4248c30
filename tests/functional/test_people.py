"""Who may act, and how they show it."""

import base64
from datetime import UTC, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from isthmus.base.clock import now
from isthmus.base.errors import InputError, RefusedError
from isthmus.flow import workspace
from isthmus.gate.office import people, second
from isthmus.gate.office.unit import Office
from isthmus.records.models import Account

PASSWORD = "correct horse battery"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    opened = workspace.create(tmp_path / "ws")
    return Office(opened.root, opened.records, opened.settings)


@pytest.fixture
def root(office: Office) -> Account:
    with office.open():
        return people.add(office, "root", ["administrator"], [], PASSWORD, by=None)


def test_the_first_account_is_an_administrator_and_adds_the_others(office: Office, root: Account) -> None:
    with office.open():
        with pytest.raises(RefusedError, match="add `--as NAME`"):
            people.add(office, "eve", ["user"], [], PASSWORD, by=None)
        ann = people.add(office, "ann", ["user"], [], None, by=root)
        with pytest.raises(RefusedError, match="is no administrator"):
            people.add(office, "bo", ["user"], [], None, by=ann)
        with pytest.raises(InputError, match="already"):
            people.add(office, "ann", ["user"], [], None, by=root)


def test_a_password_shows_who_one_is_and_is_kept_nowhere(office: Office, root: Account) -> None:
    assert people.known(office, "root", "people", shown=None, password=PASSWORD).name == "root"
    kept = b"".join(path.read_bytes() for path in office.root.rglob("*") if path.is_file())
    assert PASSWORD.encode() not in kept
    assert b"$argon2id$" in kept


def test_too_many_wrong_passwords_lock_also_the_right_one(office: Office, root: Account) -> None:
    for _ in range(people.TRIES):
        with pytest.raises(RefusedError, match="do not fit"):
            people.known(office, "root", "people", shown=None, password="wrong")
    with pytest.raises(RefusedError, match="too many"):
        people.known(office, "root", "people", shown=None, password=PASSWORD)
    office.accounts.change("root", locked_until=now() - timedelta(seconds=1))
    assert people.known(office, "root", "people", shown=None, password=PASSWORD).name == "root"


def test_an_unknown_name_is_told_from_a_wrong_password_by_nothing(office: Office, root: Account) -> None:
    said = set()
    for name in ("root", "nobody"):
        with pytest.raises(RefusedError) as error:
            people.known(office, name, "people", shown=None, password="wrong")
        said.add(str(error.value))
    assert len(said) == 1


def test_a_token_holds_for_its_account_its_scope_and_its_time(office: Office, root: Account) -> None:
    with office.open():
        people.add(office, "ann", ["user"], [], None, by=root)
        given = people.token(office, "ann", ["ask"], 1, by=root)
    assert people.known(office, "ann", "ask", shown=given, password=None).name == "ann"
    for name, scope, shown in (
        ("root", "ask", given), ("ann", "use", given), ("ann", "ask", given[:-1] + "x"), ("ann", "ask", "isthmus.x.y"),
    ):  # fmt: skip
        with pytest.raises(RefusedError):
            people.known(office, name, scope, shown=shown, password=None)
    kept = office.accounts.token(given.split(".")[1])
    assert kept is not None
    assert given.split(".")[2] not in kept.digest
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "now", lambda: now() + timedelta(days=2))
        with pytest.raises(RefusedError, match="expired"):
            people.known(office, "ann", "ask", shown=given, password=None)


# RFC 6238, appendix B: the eight digits of SHA-1 at these seconds, for the secret "12345678901234567890".
PUBLISHED = {
    59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924", 2000000000: "69279037",
    20000000000: "65353130",
}  # fmt: skip


@pytest.mark.parametrize("seconds", PUBLISHED)
def test_codes_are_those_of_the_standard(seconds: int) -> None:
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert second.code(secret, seconds // second.SECONDS, 8) == PUBLISHED[seconds]


def test_a_second_factor_is_asked_for_and_each_code_holds_once(office: Office, root: Account) -> None:
    with office.open():
        link = people.enrol(office, root)
    secret = parse_qs(urlsplit(link).query)["secret"][0]
    code = second.code(secret, int(now().replace(tzinfo=UTC).timestamp()) // second.SECONDS)
    for wrong in ("", "000000" if code != "000000" else "111111"):
        with pytest.raises(RefusedError, match="do not fit"):
            people.known(office, "root", "people", shown=None, password=PASSWORD, code=wrong)
    assert people.known(office, "root", "people", shown=None, password=PASSWORD, code=code).name == "root"
    with pytest.raises(RefusedError, match="do not fit"):
        people.known(office, "root", "people", shown=None, password=PASSWORD, code=code)
    with office.open():
        people.unenrol(office, "root", by=root)
    assert people.known(office, "root", "people", shown=None, password=PASSWORD).name == "root"


def test_who_was_disabled_acts_no_more(office: Office, root: Account) -> None:
    with office.open():
        people.add(office, "ann", ["user"], [], PASSWORD, by=root)
        given = people.token(office, "ann", ["ask"], 1, by=root)
        people.disable(office, "ann", by=root)
    with pytest.raises(RefusedError):
        people.known(office, "ann", "ask", shown=given, password=None)
    with pytest.raises(RefusedError, match="not in use"):
        people.known(office, "ann", "ask", shown=None, password=PASSWORD)
