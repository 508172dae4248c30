"""The walk of `docs/how-to/use-data-under-a-grant.md`, command by command as it is written there."""

import re
import shlex
from pathlib import Path

from isthmus.flow import start
from isthmus.flow.ingest import ingest
from isthmus.flow.workspace import Workspace
from lib import harbour, workspace
from lib.command import run
from lib.granted import showing
from lib.tree import ROOT

PAGE = (ROOT / "docs/how-to/use-data-under-a-grant.md").read_text(encoding="utf-8")
MINTED = {"$CASE": r"Case (\S+/AP\w+)", "$GRANT": r"Grant (\S+/GR\w+)", "$RELEASE": r"Release (\S+/RE\w+)"}


def _fences(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def _workspace(folder: Path) -> Workspace:
    harbour.deliver(folder / "in", number=1, patients=20)
    opened = start.new(folder / "harbour")
    workspace.add(opened, harbour.feeds(folder / "packs", folder / "in"), site="east")
    site = opened.root / "sites" / "east.toml"
    title, feeds = site.read_text().split("[[feed]]", 1)
    (conditions,) = _fences("toml")
    site.write_text(f"{title}{conditions}\n[[feed]]{feeds}")
    assert not ingest(opened).failed
    return opened


def test_a_reader_goes_the_whole_way(tmp_path: Path) -> None:
    opened = _workspace(tmp_path)
    (application,) = _fences("yaml")
    (tmp_path / "application.yaml").write_text(application)
    places = {
        "./harbour": str(opened.root), "application.yaml": str(tmp_path / "application.yaml"),
        "./released": str(tmp_path / "released"),
    }  # fmt: skip
    tokens: dict[str, str] = {}
    lines = [line for fence in _fences("sh") for line in fence.splitlines()]
    assert len(lines) > 20
    for line in lines:
        words = [places.get(word, word) for word in shlex.split(line)[1:]]
        who = words[words.index("--as") + 1] if "--as" in words else ""
        with showing(tokens.get(who, "")):
            done = run(*words)
        assert done.code == 0, (line, done)
        if "--scope" in words:
            tokens[words[3]] = done.out.split()[-1]
        for name, pattern in MINTED.items():
            if name not in places and (found := re.search(pattern, done.out)):
                places[name] = found[1]
    assert {path.name for path in (tmp_path / "released").iterdir()} == {"table.csv", "manifest.json"}
    assert opened.site("east").conditions == {"codes": ["HMB", "PUB"]}
