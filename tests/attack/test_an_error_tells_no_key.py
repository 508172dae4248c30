"""Files of the lake are torn, so that the engine fails on the very SQL that holds the keys of a use: none is shown."""

from pathlib import Path

from isthmus.base.errors import IsthmusError
from isthmus.cdm.questions import person
from isthmus.flow.workspace import Workspace
from isthmus.gate.grade.keys import Keys
from isthmus.gate.office.session import open_granted
from isthmus.gate.office.unit import Office
from lib import granted
from lib.command import apart
from lib.granted import showing


def test_an_error_of_the_engine_tells_no_key(tmp_path: Path) -> None:
    house = granted.granted(tmp_path, patients=3)
    opened = Workspace(house.root)
    edition = opened.lake.editions.current()
    assert edition is not None
    for one in edition.files("person"):
        path = opened.lake.root / one.path
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-40] + b"x" * 40)
    office = Office(opened.root, opened.records, opened.settings)
    with office.open():
        keys = Keys(office.secret, house.grant)
    told = []
    for way in ("--json", "--debug"):
        with showing(house.tokens["ann"]):
            words = ("ask", house.root, "--grant", house.grant, "--sql", "select * from person", "--as", "ann", way)
            done = apart(*words)
        assert done.code != 0
        told += [done.out, done.err]
    account = office.accounts.get("ann")
    assert account is not None
    try:
        open_granted(office, opened.lake, account, house.grant).ask(person)
    except IsthmusError as error:
        assert error.__suppress_context__
        told.append(str(error))
    kept = [path.read_bytes() for path in house.root.rglob("*") if path.is_file() and path.parent.name != "keys"]
    padded = [key.ljust(64, b"\0") for key in keys._keys.values()]
    for key in padded:
        inner = bytes(byte ^ 0x36 for byte in key).hex()
        assert not [text for text in told if inner[:32] in text.lower()]
        assert not [content for content in kept if inner[:32].encode() in content.lower() or key[:32] in content]
