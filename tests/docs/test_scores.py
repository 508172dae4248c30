"""docs/reference/scores.md: its table is what the score files say, its examples are read and give what they tell."""

import re
from pathlib import Path

from isthmus.research.expression.function import FUNCTIONS
from isthmus.research.scores.patient import score
from isthmus.research.scores.reader import read, shipped
from isthmus.research.scores.rule import Input, Score
from lib.tree import ROOT

TEXT = (ROOT / "docs" / "reference" / "scores.md").read_text(encoding="utf-8")
HEAD = ["| score | version and source | held against | inputs | grades |", "|---|---|---|---|---|"]


def _input(one: Input) -> str:
    said = f" {one.unit}" if one.unit else ""
    if one.codes and isinstance(one.codes[0], str):
        said = f" ({', '.join(map(str, one.codes))})"
    return f"`{one.name}`{'?' if one.optional or one.otherwise is not None else ''}{said}"


def _line(one: Score) -> str:
    held = "; ".join(f"{part.what}: {part.against or 'recalled'}" for part in one.checked)
    grades = ", ".join(grade.grade for grade in one.grades) or "value only"
    return (
        f"| `{one.name}` {one.title}, {one.title_zh} | {one.version}. {one.source} | {held} "
        f"| {', '.join(map(_input, one.inputs.values()))} | {grades} |"
    )


def test_the_table_is_what_the_files_say() -> None:
    made = "\n".join([*HEAD, *map(_line, shipped().values())])
    assert made in TEXT, f"put this into docs/reference/scores.md:\n{made}"


def test_the_score_of_the_page_is_the_one_that_is_shipped(tmp_path: Path) -> None:
    (written,) = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)
    (tmp_path / "page.yaml").write_text(written, encoding="utf-8")
    found = read(tmp_path)["albi"]
    for example in found.examples:
        assert score(found, example.given) == score("albi", example.given)


def test_the_lines_of_the_page_print_what_stands_behind_them() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    shown = [line.partition("#")[2].strip() for line in code.splitlines() if "#" in line]
    told = score("albi", {"bilirubin": (2.1, "mg/dL"), "albumin": (34, "g/L")})
    assert shown == [str(told), str(score("albi", {"albumin": (34, "g/L")}))]
    compile(code, "scores.md", "exec")


def test_every_function_of_the_language_is_on_the_page() -> None:
    language = TEXT.partition("## The language")[2]
    assert not [name for name in FUNCTIONS if not re.search(rf"\b{name}\b", language)]
