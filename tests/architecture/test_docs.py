"""The documents are true: commands exist, rooms are named, links lead somewhere, decisions are numbered."""

import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from lib import command
from lib.tree import ROOT, files, rooms

FENCE = re.compile(r"^```(?P<kind>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`(?P<body>[^`\n]+)`")
COMMAND = re.compile(r"^\s*(?:\$ )?(?:\S*/bin/)?isthmus(?P<words>(?: [a-z]+)*)", re.MULTILINE)
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
DECISION = re.compile(r"^(?P<number>\d{4})-[a-z0-9-]+\.md$")
PICTURES = {".png", ".svg", ".jpg", ".gif"}


def _documents() -> list[Path]:
    return [path for path in files() if path.suffix == ".md"]


@cache
def _commands() -> tuple[str, ...]:
    """The words after `isthmus` in every code fence and code span of the documents that users read."""
    users = [path for path in _documents() if path.name.startswith("README") or "how-to" in path.parts]
    texts = [path.read_text(encoding="utf-8") for path in users]
    spans = [found["body"] for text in texts for pattern in (FENCE, CODE) for found in pattern.finditer(text)]
    return tuple(sorted({found["words"].strip() for span in spans for found in COMMAND.finditer(span)} - {""}))


def _links(*, pictures: bool) -> list[tuple[Path, Path]]:
    found = []
    for document in _documents():
        text = FENCE.sub("", document.read_text(encoding="utf-8"))
        for link in LINK.finditer(text):
            target = link["target"].split("#")[0]
            if target and "://" not in target and (Path(target).suffix in PICTURES) == pictures:
                found.append((document.relative_to(ROOT), document.parent / target))
    return found


@pytest.mark.parametrize("words", _commands())
def test_every_command_that_a_document_names_exists(words: str) -> None:
    done = command.run(*words.split(), "--help")
    assert done.code == 0, done.err


def test_architecture_names_every_room_and_no_other() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^  ([a-z]+)/ ", text, flags=re.MULTILINE)) == rooms()


def test_architecture_is_one_page() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()) <= 120


def test_every_link_leads_somewhere() -> None:
    assert not [f"{document}: {target.name}" for document, target in _links(pictures=False) if not target.exists()]


def test_every_picture_is_there() -> None:
    missing = {target.name for _, target in _links(pictures=True) if not target.exists()}
    if missing == {"demo.png"}:
        pytest.skip("docs/images/demo.png has not been taken yet")
    assert not missing


def test_decisions_are_numbered_without_gaps() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "adr").glob("*.md"))
    matches = [DECISION.match(name) for name in names]
    assert all(matches), names
    assert [int(match["number"]) for match in matches if match] == list(range(1, len(names) + 1))


def test_a_decision_says_what_it_stands_on_and_what_follows() -> None:
    for path in (ROOT / "docs" / "adr").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {path.name[:4]}. "), path.name
        assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == ["Status", "Context", "Decision", "Consequences"]


def test_every_yaml_example_can_be_read() -> None:
    examples = [
        (path.name, found["body"])
        for path in _documents()
        for found in FENCE.finditer(path.read_text(encoding="utf-8"))
        if found["kind"] == "yaml"
    ]
    assert examples
    for name, body in examples:
        assert yaml.safe_load(body), name


def test_both_readmes_have_the_same_shape() -> None:
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))
    assert len(re.findall(r"^## ", english, re.MULTILINE)) == len(re.findall(r"^## ", chinese, re.MULTILINE))
    fences = [[found["body"] for found in FENCE.finditer(text) if found["kind"] == "sh"] for text in (english, chinese)]
    commands = [[re.sub(r"\s+#.*", "", body) for body in bodies] for bodies in fences]
    assert commands[0] == commands[1]
