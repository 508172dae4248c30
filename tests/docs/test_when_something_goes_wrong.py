"""The walk of `docs/how-to/when-something-goes-wrong.md`, command by command as it is written there."""

import re
import shlex
from pathlib import Path

from lib import granted
from lib.command import run
from lib.granted import showing
from lib.tree import ROOT

PAGE = (ROOT / "docs/how-to/when-something-goes-wrong.md").read_text(encoding="utf-8")


def test_a_reader_goes_the_whole_way(tmp_path: Path) -> None:
    house = granted.granted(tmp_path, patients=5)
    places = {"./harbour": str(house.root), "$GRANT": house.grant, "$CASE": house.case} | {
        f"./{name}": str(tmp_path / name) for name in ("drafts", "proof")
    }
    places["./harbour/keys/log.vkey"] = str(house.root / "keys" / "log.vkey")
    lines = [one for fence in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.M | re.S) for one in fence.splitlines()]
    assert len(lines) == 11
    for line in lines:
        words = [places.get(word, word) for word in shlex.split(line)[1:]]
        with showing(house.tokens["root"]):
            done = run(*words)
        assert done.code == 0, (line, done)
        if found := re.search(r"Incident (\S+/IN\w+) is open", done.out):
            places["$INCIDENT"] = found[1]
    assert len(list((tmp_path / "drafts").iterdir())) == 6
    assert house.ask("select count(*) from person").code == 5, "the account is disabled"
