"""Wrong manifests, records and packs, as people write them: each is refused with file, line and mend; none crashes."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from isthmus.apps.contract import PackError, manifest_of
from isthmus.apps.contract.schema import steps_of
from isthmus.apps.pathways.reader import read
from isthmus.apps.vte.evidence.definition import HERE
from isthmus.apps.vte.evidence.definition import read as definition
from lib.applications import MANIFEST as M
from lib.pathways import document as rules

SAID = re.compile(r"[^\s:]+:\d+: .+[.]\s*", re.DOTALL)
"""File, line, and a sentence at least."""
EN = {"en": "x", "zh": "y"}


def b(text: str) -> bytes:
    return text.encode()


G = rules({"of a": {"exists": "a"}}).decode()
MANIFESTS = [
    ("empty", b("")),
    ("only comment", b("# nothing\n")),
    ("a list", b("- app: x\n")),
    ("a scalar", b("hello\n")),
    ("tab", b(M.replace("  - GET elders", "\t- GET elders"))),
    ("twice key", b(M + "app: other\n")),
    ("utf16", M.encode("utf-16")),
    ("gb18030", M.encode("gb18030")),
    ("latin", M.encode() + b"\xff"),
    ("unknown key", b(M + "colour: red\n")),
    ("no app", b(M.replace("app: elders\n", ""))),
    ("app number", b(M.replace("app: elders", "app: 7"))),
    ("app null", b(M.replace("app: elders", "app:"))),
    ("version float", b(M.replace("version: 1.0.0", "version: 1.0"))),
    ("version list", b(M.replace("version: 1.0.0", "version: [1,0,0]"))),
    ("contract text", b(M.replace("contract: 1", "contract: '1'"))),
    ("contract true", b(M.replace("contract: 1", "contract: true"))),
    ("contract 1.0", b(M.replace("contract: 1", "contract: 1.0"))),
    ("contract 2", b(M.replace("contract: 1", "contract: 2"))),
    ("title text", b(M.replace("title: {en: Elders, zh: 老年人}", "title: Elders"))),
    ("title one", b(M.replace(", zh: 老年人}\npurpose", "}\npurpose"))),
    ("title fr", b(M.replace("{en: Elders, zh: 老年人}\npurpose", "{en: Elders, zh: 老年人, fr: vieux}\npurpose"))),
    ("title list", b(M.replace("{en: Elders, zh: 老年人}\npurpose", "{en: [Elders], zh: 老年人}\npurpose"))),
    ("purpose unknown", b(M.replace("[CC]", "[XX]"))),
    ("purpose text", b(M.replace("[CC]", "CC"))),
    ("purpose twice", b(M.replace("[CC]", "[CC, CC]"))),
    ("reads list", b(M.replace("reads: {person: [person_id, year_of_birth]}", "reads: [person]"))),
    ("reads text", b(M.replace("reads: {person: [person_id, year_of_birth]}", "reads: {person: all}"))),
    ("reads null", b(M.replace("reads: {person: [person_id, year_of_birth]}", "reads: {person: }"))),
    ("reads col", b(M.replace("year_of_birth]", "year]"))),
    ("reads table", b(M.replace("reads: {person:", "reads: {persons:"))),
    ("reads nested", b(M.replace("[person_id, year_of_birth]", "[[person_id]]"))),
    ("hook unknown", b(M.replace("hooks: [published]", "hooks: [publish]"))),
    ("hook map", b(M.replace("hooks: [published]", "hooks: {published: yes}"))),
    ("hooks ready", b(M.replace("hooks: [published]", "hooks: [published, ready]"))),
    ("grade text", b(M + "grade: high\n")),
    ("grade 9", b(M + "grade: 9\n")),
    ("grade 3.5", b(M + "grade: 3.5\n")),
    ("grade true", b(M + "grade: true\n")),
    ("route method", b(M.replace("GET elders", "FETCH elders"))),
    ("route twice brace", b(M.replace("GET patients/{person}", "GET patients/{person}/{person}"))),
    ("route open brace", b(M.replace("GET patients/{person}", "GET patients/{person"))),
    ("route dots", b(M.replace("GET elders", "GET ../elders"))),
    ("route twice", b(M.replace("  - GET ask", "  - GET elders"))),
    ("route same shape", b(M.replace("  - GET ask", "  - GET patients/{one}"))),
    ("entry", b(M + "entry: app.py\n")),
    ("entry dots", b(M + "entry: ../x:App\n")),
    ("setting no help", b(M.replace("help: {en: From which age, zh: 年龄}", ""))),
    ("setting type", b(M.replace("type: integer", "type: int"))),
    ("setting default type", b(M.replace("default: 65", "default: old"))),
    ("setting default below", b(M.replace("default: 65", "default: -1"))),
    ("setting least text", b(M.replace("least: 1", "least: one"))),
    ("setting bounds crossed", b(M.replace("least: 1", "least: 70, most: 60"))),
    ("setting choices empty", b(M.replace("least: 1", "choices: 65"))),
    ("setting choices types", b(M.replace("least: 1", "choices: [65, old]"))),
    ("setting no default", b(M.replace("default: 65, ", ""))),
    ("setting name", b(M.replace("settings: {age:", "settings: {'my age':"))),
    (
        "settings list",
        b(
            M.replace(
                "settings: {age: {type: integer, default: 65, least: 1, help: {en: From which age, zh: 年龄}}}",
                "settings: [age]",
            )
        ),
    ),
    ("setting nan", b(M.replace("type: integer, default: 65, least: 1", "type: number, default: .nan"))),
    ("anchor bomb", b("a: &a [x,x]\nb: &b [*a,*a]\n" + M)),
    ("alias self", b(M + "x: &x [*x]\n")),
    ("python tag", b(M.replace("version: 1.0.0", "version: !!python/object/apply:os.system [ls]"))),
    ("two docs", b(M + "---\napp: y\n")),
    ("nul", b(M.replace("elders", "eld\x00ers"))),
    ("merge key", b(M + "<<: {grade: 3}\n")),
]
RECORDS = [
    ("empty", b("")),
    ("list", b("[]")),
    ("steps null", b("steps:\n")),
    ("step list of text", b("steps: [x]\n")),
    ("type", b("steps: [{tables: {a: {columns: {x: int}}}}]\n")),
    ("key unknown", b("steps: [{tables: {a: {columns: {x: text}, key: [y]}}}]\n")),
    ("key text", b("steps: [{tables: {a: {columns: {x: text}, key: x}}}]\n")),
    ("columns list", b("steps: [{tables: {a: {columns: [x]}}}]\n")),
    ("no columns", b("steps: [{tables: {a: {columns: {}}}}]\n")),
    ("key twice", b("steps: [{tables: {a: {columns: {x: text}, key: [x, x]}}}]\n")),
    ("table twice steps", b("steps: [{tables: {a: {columns: {x: text}}}}, {tables: {a: {columns: {x: text}}}}]\n")),
    ("col of none", b("steps: [{columns: {a: {x: text}}}]\n")),
    ("index flat", b("steps: [{tables: {a: {columns: {x: text}, index: [x]}}}]\n")),
    ("type list", b("steps: [{tables: {a: {columns: {x: [text]}}}}]\n")),
    ("index empty", b("steps: [{tables: {a: {columns: {x: text}, index: [[]]}}}]\n")),
    ("name step_", b("steps: [{tables: {step_: {columns: {x: text}}}}]\n")),
    ("tables text", b("steps: [{tables: a}]\n")),
    ("empty step", b("steps: [{}]\n")),
]
CONCEPTS = {"a": [31], "b": [32], "c": [33], "stage": [21], "size": [41]}
PATHWAYS = [
    ("empty", b("")),
    ("list", b("- a\n")),
    ("tab", b(G.replace("  a:", "\ta:", 1))),
    ("unknown key", b(G + "colour: red\n")),
    ("utf16", G.encode("utf-16")),
    (
        "cycle of steps",
        rules(
            {"r": {"exists": "a"}},
            steps={"a": {"en": "a", "zh": "a", "any of": ["b"]}, "b": {"en": "a", "zh": "a", "any of": ["a"]}},
        ),
    ),
    ("own part", rules({"r": {"exists": "a"}}, steps={"a": {"en": "a", "zh": "a", "any of": ["a"]}})),
    ("any of empty", rules({"r": {"exists": "a"}}, steps={"a": {"en": "a", "zh": "a", "any of": []}})),
    ("step nothing", rules({"r": {"exists": "a"}}, steps={"a": {"en": "a", "zh": "a"}})),
    (
        "step two domains",
        rules({"r": {"exists": "a"}}, steps={"a": {"en": "a", "zh": "a", "procedure": "a", "drug": "b"}}),
    ),
    ("unknown set", rules({"r": {"exists": "a"}}, steps={"a": {"en": "a", "zh": "a", "procedure": "zzz"}})),
    (
        "neg concept",
        rules({"r": {"exists": "a"}}, concepts={"a": [-5], "b": [32], "c": [33], "stage": [21], "size": [41]}),
    ),
    (
        "concept text",
        rules({"r": {"exists": "a"}}, concepts={"a": ["liver"], "b": [32], "c": [33], "stage": [21], "size": [41]}),
    ),
    (
        "concept float",
        rules({"r": {"exists": "a"}}, concepts={"a": [1.5], "b": [32], "c": [33], "stage": [21], "size": [41]}),
    ),
    (
        "concept empty",
        rules({"r": {"exists": "a"}}, concepts={"a": [], "b": [32], "c": [33], "stage": [21], "size": [41]}),
    ),
    (
        "concept huge",
        rules({"r": {"exists": "a"}}, concepts={"a": [10**20], "b": [32], "c": [33], "stage": [21], "size": [41]}),
    ),
    ("window backwards", rules({"r": {"exists": "a", "window": "5 after to 3 after"}})),
    ("window outside looks", rules({"r": {"exists": "a", "window": "1000 before to 900 before"}})),
    ("window number", rules({"r": {"exists": "a", "window": 5}})),
    ("window unit", rules({"r": {"exists": "a", "window": "5 weeks after to 3 months after"}})),
    ("window huge", rules({"r": {"exists": "a", "window": "1 after to 99999999999999999999 after"}})),
    ("looks backwards", rules({"r": {"exists": "a"}}, looks="200 after to 60 before")),
    ("contradiction", rules({"r": {"exists": "a"}, "s": {"absent": "a"}})),
    ("contradiction exactly", rules({"r": {"exactly": "a", "times": 2}, "s": {"exactly": "a", "times": 3}})),
    (
        "contradiction between",
        rules({"r": {"between": "a", "times": "1 to 2"}, "s": {"between": "a", "times": "4 to 6"}}),
    ),
    (
        "contra resp",
        rules(
            {
                "r": {"response": "b", "of": "a"},
                "s": {"absent": "b", "of": "a", "window": "any time before to any time after"},
            }
        ),
    ),
    ("times backwards", rules({"r": {"between": "a", "times": "4 to 2"}})),
    ("times neg", rules({"r": {"exactly": "a", "times": -1}})),
    ("times text", rules({"r": {"exactly": "a", "times": "twice"}})),
    (
        "response cycle",
        rules(
            {
                "r": {"response": "b", "of": "a", "window": "1 after to 9 after"},
                "s": {"response": "a", "of": "b", "window": "1 after to 9 after"},
            }
        ),
    ),
    ("self response", rules({"r": {"response": "a", "of": "a", "window": "1 after to 9 after"}})),
    ("unknown fact", rules({"r": {"exists": "a", "when": {"rain": "early"}}})),
    ("unknown code", rules({"r": {"exists": "a", "when": {"stage": ["middle"]}}})),
    ("number as code", rules({"r": {"exists": "a", "when": {"size": ["big"]}}})),
    ("compare code", rules({"r": {"exists": "a", "when": {"stage": "at most 5"}}})),
    ("when never", rules({"r": {"exists": "a", "when": {"size": "at most 5"}, "unless": {"size": "at most 5"}}})),
    ("when both", rules({"r": {"exists": "a", "when": {"done": ["a"], "not done": ["a"]}}})),
    ("when list", rules({"r": {"exists": "a", "when": ["stage"]}})),
    ("followed neg", rules({"r": {"exists": "a", "followed": -5}})),
    ("followed text", rules({"r": {"exists": "a", "followed": "long"}})),
    ("seen float", rules({"r": {"exists": "a", "seen before": 1.5}})),
    ("valid backwards", rules({"r": {"exists": "a", "valid": "2024-01-01 to 2020-01-01"}})),
    ("valid nonsense", rules({"r": {"exists": "a", "valid": "soon"}})),
    ("valid 30 feb", rules({"r": {"exists": "a", "valid": "from 2024-02-30"}})),
    ("strength", rules({"r": {"exists": "a", "strength": "very"}})),
    ("source", rules({"r": {"exists": "a", "source": "them"}})),
    ("reasons unknown", rules({"r": {"exists": "a", "reasons": ["tired"]}})),
    ("names text", rules({"r": {"exists": "a", "en": ["x"]}})),
    ("name empty", rules({"r": {"exists": "a", "en": ""}})),
    ("rules list", b(G.replace("rules:\n  of a:", "rules:\n- x: 1\n#", 1))),
    ("rules empty", rules({})),
    ("steps list", rules({"r": {"exists": "a"}}, steps=["a"])),
    (
        "records at least",
        rules({"r": {"exists": "a"}}, records={"of b": {"en": "x", "zh": "x", "procedure": "b", "at least": -1}}),
    ),
    ("records unknown", rules({"r": {"exists": "a", "records": ["of z"]}})),
    ("hospital", rules({"r": {"exists": "a"}}, hospital="ward")),
    ("ends", rules({"r": {"exists": "a"}}, ends="soon")),
    ("anchor", rules({"r": {"exists": "a"}}, anchor="zzz")),
    ("population none", rules({"r": {"exists": "a"}}, population={"concepts": {}, "enter": []})),
    ("population list", rules({"r": {"exists": "a"}}, population=[1])),
    ("registry none", rules({"r": {"exists": "a"}}, population={"registry": "nothing"})),
    ("pathway name", rules({"r": {"exists": "a"}}, pathway="../../etc")),
    ("pathway num", rules({"r": {"exists": "a"}}, pathway=7)),
    ("version list", rules({"r": {"exists": "a"}}, version=[1])),
    ("title none", rules({"r": {"exists": "a"}}, title={"en": "x"})),
    ("source no title", rules({"r": {"exists": "a"}}, sources={"us": {}})),
    ("sources text", rules({"r": {"exists": "a"}}, sources={"us": "a book"})),
    ("fact no source", rules({"r": {"exists": "a"}}, facts={"f": {"en": "x", "zh": "y", "from": []}})),
    (
        "fact numeric codes",
        rules(
            {"r": {"exists": "a"}},
            facts={
                "f": {
                    "en": "x",
                    "zh": "y",
                    "numeric": True,
                    "from": [{"observation": "stage", "codes": {"early": [22]}}],
                }
            },
        ),
    ),
    (
        "fact take",
        rules(
            {"r": {"exists": "a"}},
            facts={"f": {"en": "x", "zh": "y", "numeric": True, "take": "best", "from": [{"measurement": "size"}]}},
        ),
    ),
    (
        "fact numeric text",
        rules(
            {"r": {"exists": "a"}},
            facts={"f": {"en": "x", "zh": "y", "numeric": "yes", "from": [{"measurement": "size"}]}},
        ),
    ),
    (
        "fact codes overlap",
        rules(
            {"r": {"exists": "a"}},
            facts={
                "f": {"en": "x", "zh": "y", "from": [{"observation": "stage", "codes": {"early": [22], "late": [22]}}]}
            },
        ),
    ),
    ("each", rules({"r": {"exists": "a", "each": "some", "of": "b"}})),
    ("of unknown", rules({"r": {"response": "a", "of": "z"}})),
    ("among", rules({"r": {"first": "a", "among": ["z"]}})),
    ("among self", rules({"r": {"first": "a", "among": []}})),
    ("absent of whom it was done", rules({"r": {"absent": "a", "when": {"done": ["a"]}}})),
    ("demanded of whom it was not done", rules({"r": {"exists": "a", "when": {"not done": ["a"]}}})),
    ("each part forbidden", rules({"r": {"exists": "b or c"}, "s": {"absent": "b"}, "t": {"absent": "c"}})),
    ("all that can be left out", rules({"r": {"exists": "a", "unless": {"stage": ["early", "late"]}}})),
    ("in force before", rules({"r": {"exists": "a", "valid": "2010-01-01 to 2011-01-01"}}, valid="2024-01-01 to open")),
    ("a key that is not read", rules({"r": {"first": "a", "window": "1 after to 9 after"}})),
    ("times not read", rules({"r": {"exists": "a", "times": 2}})),
    ("more than days", rules({"r": {"exactly": "a", "times": 9, "window": "1 after to 3 after"}})),
    ("concept 0", rules({"r": {"exists": "a"}}, concepts=CONCEPTS | {"a": [0]})),
    ("value 0", rules({"r": {"exists": "a"}}, steps={"a": EN | {"observation": "stage", "value": [0]}})),
    ("cases of no registry", rules({"r": {"exists": "a"}}, cases="nothing")),
]

CHANGED: dict[str, Callable[[bytes], bytes | None]] = {
    "empty": lambda raw: b"", "only its header": lambda raw: raw.split(b"\n")[0] + b"\n", "missing": lambda raw: None,
    "UTF-16": lambda raw: raw.decode().encode("utf-16"), "GB18030": lambda raw: raw + "坏,坏".encode("gb18030"),
    "a column more": lambda raw: raw.replace(b"\n", b",more\n", 1), "short": lambda raw: raw.rstrip() + b"\nx\n",
    "long": lambda raw: raw.rstrip() + b"\nx" + b",1" * 30 + b"\n", "semicolons": lambda raw: raw.replace(b",", b";"),
    "twice": lambda raw: raw.rstrip() + b"\n" + raw.rstrip().split(b"\n")[-1] + b"\n",
    "an open quote": lambda raw: raw.rstrip() + b'\n"abc,1,2\n',
}  # fmt: skip


def refused(work: Callable[[], object]) -> None:
    with pytest.raises(PackError) as met:
        work()
    assert SAID.fullmatch(str(met.value)), str(met.value)


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in MANIFESTS])
def test_a_wrong_manifest_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_bytes(content)
    refused(lambda: manifest_of(tmp_path))


@pytest.mark.parametrize("form", ["\r\n", "\ufeff"])
def test_a_manifest_of_another_editor_is_read(form: str, tmp_path: Path) -> None:
    text = M.replace("\n", form) if form == "\r\n" else form + M
    (tmp_path / "app.yaml").write_bytes(text.encode())
    assert manifest_of(tmp_path).app == "elders"


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in RECORDS])
def test_wrong_records_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "records.yaml").write_bytes(content)
    refused(lambda: steps_of(tmp_path))


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in PATHWAYS])
def test_a_wrong_pathway_is_refused(content: bytes) -> None:
    refused(lambda: read(content, file="small.yaml"))


@pytest.mark.parametrize("how", CHANGED)
@pytest.mark.parametrize("name", ["sets", "facts", "items", "contraindications"])
def test_wrong_definitions_of_thrombosis_are_refused(name: str, how: str, tmp_path: Path) -> None:
    shutil.copytree(HERE, tmp_path / "vte")
    path = tmp_path / "vte" / f"{name}.csv"
    made = CHANGED[how](path.read_bytes())
    if made is None:
        path.unlink()
    else:
        path.write_bytes(made)
    refused(lambda: definition(tmp_path / "vte"))
