"""What the house refuses is told in Chinese where a page shows it: every sentence has a line, and holes are filled."""

import ast
import csv
import re
from collections.abc import Iterator

import pytest

from isthmus.gate.committee.event import acts
from isthmus.gate.office import incidents, releases
from isthmus.gate.office.unit import APPOINTED
from isthmus.serving.page.words import Speech
from isthmus.serving.web.shell.refusals import HOLE, sentences, translated
from isthmus.serving.web.shell.words import texts
from lib.tree import SOURCE, modules

ERRORS = {"RefusedError", "InputError", "UsageError", "IntegrityError", "IsthmusError", "Missing"}
OFFICE = ("cases", "federated", "people", "releases", "session", "trail", "unit", "written", "vault")
SHOWN = (
    "serving/web/", "gate/committee/", "gate/grade/", "gate/leaves.py", "gate/desk.py", "gate/session.py",
    "gate/release/", "gate/use/", *(f"gate/office/{one}.py" for one in OFFICE), "lake/asking.py", "lake/engine.py",
    "lake/locked.py", "flow/linking/verdict.py", "flow/findings/life.py",
)  # fmt: skip
"""Whose errors a page may show. What only a command line reaches is told in English."""
NOT_OF_PAGES = {
    "the keys of a use need a secret of {1} bytes and the use's name.": "a mistake of ours, not of who reads it",
    "noise needs an epsilon above 0, a delta from 0 up to 1, and narrower bounds.": "noise is asked for by commands",
    "noise is added by OpenDP, which is not installed. Run `pip install isthmus[dp]`.": "as above",
}


def test_every_sentence_that_a_page_may_show_is_told_in_chinese() -> None:
    said = {text: name for name, text in _said() if text not in NOT_OF_PAGES}
    assert len(said) > 150
    assert {text: name for text, name in said.items() if text not in sentences()} == {}


def test_what_an_act_of_the_committee_does_and_what_comes_next_is_told_too() -> None:
    told = {text for act in acts().values() for text in (act.does, act.next)}
    assert told <= set(sentences())


def test_the_chinese_has_the_holes_of_the_english() -> None:
    for english, chinese in sentences().items():
        holes = set(re.findall(r"\{w?(\d)\}", chinese))
        assert holes <= set(HOLE.findall(english)), english
        assert re.search(r"[一-鿿]", chinese), english


TWO = (
    (
        "it may not leave: table.csv: a: nothing says on how many people it stands; table.csv: n: 3 cells show 7 "
        "people or fewer. Ask a question whose table fits the rules."
    ),
    (
        "此表不得离开：table.csv：a：没有说明它基于多少人；table.csv：n：3 个单元格显示的人数不超过 7。"
        "请换一个结果符合规则的问题。"
    ),
)
FAULTS = (
    (
        "there is no grade 9. Ask for one from 1 (public) to 5 (strictest); the application is not complete: summary, "
        "columns missing. Add what is missing."
    ),
    "没有 9 级。请申请 1（公开）至 5（最严）级；申请不完整，缺少：问题说明、列。请补充。",
)
NEXT = (
    "the grant does not hold note. What next: leave it out, or ask for other terms.",
    "授权不包含 note。下一步：去掉它，或申请变更条款。",
)
ROLES = (
    "a user is not one who votes. Ask a committee or steward.",
    "研究者不能表决，请联系数据使用委员会委员或医院数据管理员。",
)
NAMED = ("Ann is no administrator. Ask one.", "Ann 不是管理员，请联系管理员。")


@pytest.mark.parametrize(("english", "chinese"), [TWO, FAULTS, NEXT, ROLES, NAMED])
def test_a_sentence_is_told_with_what_stands_in_it(english: str, chinese: str) -> None:
    assert translated(english, "zh") == chinese
    assert translated(english, "en") == english


@pytest.mark.parametrize("text", ["something else happened.", "here: there", "one; two", "ann or bo", ""])
def test_what_is_no_sentence_of_ours_stays_as_it_is(text: str) -> None:
    assert translated(text, "zh") is None


def test_a_name_that_is_a_word_of_ours_stays_a_name() -> None:
    assert translated("committee has voted. A vote stands until the application is handed in again.", "zh") == (
        "committee 已表决。在重新递交申请之前，该票有效。"
    )


def test_every_act_of_the_log_has_a_name_in_chinese() -> None:
    people = re.findall(r'_draft\(office, \w+, "([a-z ]+)"', (SOURCE / "gate/office/people.py").read_text("utf-8"))
    known = {*acts(), *incidents.WORDS, *releases.WORDS, *people, "opened", "allowed", "refused", "made", APPOINTED}
    spoken = Speech("zh", texts("log"))
    assert len(people) == 7 and [one for one in sorted(known) if spoken.name("act", one) == one] == []


def test_a_sentence_stands_once() -> None:
    path = SOURCE / "serving/web/shell/refusals.csv"
    rows = [row["en"] for row in csv.DictReader(path.read_text("utf-8").splitlines())]
    assert len(rows) == len(set(rows))


def _said() -> Iterator[tuple[str, str]]:
    """Every sentence of the rooms that pages show, with holes where something is put in."""
    for name, tree in modules():
        inside = name.removeprefix("src/isthmus/")
        if not inside.startswith(SHOWN):
            continue
        for node in ast.walk(tree):
            for told in _of(node, inside):
                text = _text(told)
                if text and " " in text:
                    yield name, text


def _of(node: ast.AST, name: str) -> list[ast.expr]:
    """The parts of a node that are told to people."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        match node.func.id:
            case called if called in ERRORS:
                return node.args[:1]
            case "Refused":
                return node.args[1:3]
            case "Finding" if name.startswith("gate/release/"):
                return node.args[3:4]
            case "_review":
                return node.args[:1]
    returning = ("gate/committee/rules.py", "gate/release/request.py", "gate/release/differencing.py")
    if isinstance(node, ast.Return) and node.value is not None and name in returning:
        return [node.value]
    return []


def _text(node: ast.expr) -> str:
    """A text of ours with numbered holes, '' for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return ""
    found, holes = "", 0
    for part in node.values:
        if isinstance(part, ast.Constant):
            found += str(part.value)
        else:
            holes += 1
            found += f"{{{holes}}}"
    return found
