"""Score files that are wrong: each is refused with file, line, item, cause and mend; a right one is read."""

from pathlib import Path

import pytest

from isthmus.base.errors import PackError
from isthmus.research.scores.patient import score
from isthmus.research.scores.reader import HERE, read

RIGHT = """\
family: trial
title: {en: Trial, zh: 试验}
scores:
  sum_of_two:
    version: "1"
    title: {en: Sum of two, zh: 两项之和}
    source: nobody
    checked: [{what: all, how: read, against: this test}]
    partial: Nothing without both.
    inputs: {albumin: , ascites: }
    let:
      low: albumin < 35
    points:
      albumin: [{below: 28, points: 3}, {upto: 35, points: 2}, {points: 1}]
      ascites: {none: 1, mild: 2, severe: 3}
    grades:
      - {grade: good, upto: 3, en: good, zh: 好}
      - {grade: bad, en: bad, zh: 差}
    examples:
      - {with: {albumin: 40 g/L, ascites: none}, value: 2, grade: good}
"""
WRONG = [
    ("    version:", "    versoin:", 5, "score sum_of_two", "`versoin` is not known here. Known: of, version"),
    ('    version: "1"\n', "", 5, "score sum_of_two", "`version` is missing. Add `version:`"),
    ("family: trial\n", "", 1, "the file", "`family` is missing"),
    ("  sum_of_two:", "  Sum of two:", 4, "score Sum of two", "that is no name"),
    ("how: read, against: this test", "how: read", 8, "score sum_of_two", "it was read, and no text is named"),
    ("how: read", "how: guessed", 8, "score sum_of_two", "`how` is read or recalled. 'guessed' is none of them"),
    ("{albumin: , ascites: }", "{albumin: , ascites: , kindness: }", 10, "input kindness", "`en` is missing"),
    ("{albumin: , ascites: }", "{albumin: {unit: gg/LL}, ascites: }", 10, "input albumin", "needs its own `range`"),
    (
        "{albumin: , ascites: }", "{albumin: {unit: qq/L, range: [1, 2]}, ascites: }", 10, "input albumin",
        "'qq/L' is no UCUM code",
    ),
    ("{albumin: , ascites: }", "{albumin: {range: [80, 5]}, ascites: }", 10, "input albumin", "the lower first"),
    ("{albumin: , ascites: }", "{albumin: , ascites: {otherwise: much}}", 10, "input ascites", "`otherwise` is not"),
    ("{albumin: , ascites: }", "{albumin: {equals: 3 apples}, ascites: }", 10, "input albumin", "17.1 umol/L = 1"),
    ("{albumin: , ascites: }", "{albumin: , ascites: , inr: }", 10, "score sum_of_two", "input inr is used by nothing"),
    ("albumin < 35", "albumim < 35", 12, "score sum_of_two", "`albumim` is not known here. Did you mean `albumin`"),
    ("albumin < 35", "albumin < 'low'", 12, "score sum_of_two", "of two kinds, a number and a text"),
    ("albumin < 35", "albumin <", 12, "score sum_of_two", "it ends too early"),
    ("      low: albumin", "      value: albumin", 12, "score sum_of_two", "'value' is the name of an input, or taken"),
    ("      albumin: [", "      albumen: [", 14, "score sum_of_two", "`albumen` is no input and no step"),
    ("{below: 28, points: 3}", "{below: 38, points: 3}", 14, "score sum_of_two", "the limits do not rise"),
    ("{points: 1}]", "{upto: 99, points: 1}]", 14, "score sum_of_two", "the last has neither"),
    ("{below: 28, points: 3}", "{below: 28, points: three}", 14, "score sum_of_two", "`points` is a number"),
    ("severe: 3}", "heavy: 3}", 15, "score sum_of_two", "each of its codes and no other. Its codes: none"),
    ("{grade: bad,", "{grade: good,", 18, "score sum_of_two", "grade good stands twice. Join the two"),
    ("{grade: bad,", "{grade: bad, when: low,", 17, "score sum_of_two", "some grades have limits and some conditions"),
    ("40 g/L", "40", 20, "score sum_of_two", "`albumin: 40` cannot be read. Write a number and its unit: 3 g/L"),
    ("with: {albumin", "with: {alb", 20, "score sum_of_two", "`alb` is no input. Its inputs: albumin, ascites"),
    ("value: 2,", "value: two,", 20, "score sum_of_two", "`value` is a number"),
    ("  sum_of_two:\n", "  sum_of_two:\n    of: nothing\n", 5, "score sum_of_two", "there is no score 'nothing'"),
    ("    partial: Nothing without both.", "    partial: [a, b]", 9, "score sum_of_two", "`partial` is a text"),
    ("scores:\n", "scores: [\n", 5, "", "this is not valid YAML"),
]  # fmt: skip


def _write(folder: Path, text: str) -> Path:
    (folder / "trial.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_folder_of_scores_is_read_with_the_inputs_that_are_known(tmp_path: Path) -> None:
    known = read(_write(tmp_path, RIGHT))
    assert list(known) == ["sum_of_two"]
    told = score(known["sum_of_two"], {"albumin": (3.0, "g/dL"), "ascites": "mild"})
    assert (told.value, told.grade, told.title_zh) == (4, "bad", "差")
    assert known["sum_of_two"].inputs["albumin"].title_zh == "白蛋白"


def test_a_variant_says_only_what_is_different(tmp_path: Path) -> None:
    more = """\
  sum_of_two@strict:
    of: sum_of_two
    version: strict
    inputs: {albumin: {range: [20, 60]}}
    points: {albumin: [{below: 40, points: 5}, {points: 0}]}
    examples: [{with: {albumin: 39 g/L, ascites: none}, value: 6, grade: bad}]
"""
    known = read(_write(tmp_path, RIGHT + more))
    assert score(known["sum_of_two@strict"], {"albumin": (39, "g/L"), "ascites": "none"}).value == 6
    assert score(known["sum_of_two"], {"albumin": (39, "g/L"), "ascites": "none"}).value == 2
    assert known["sum_of_two@strict"].inputs["albumin"].low == 20
    assert len(known["sum_of_two@strict"].examples) == 1


def test_inputs_of_the_folder_go_before_ours(tmp_path: Path) -> None:
    own = "inputs:\n  albumin: {en: egg white, zh: 蛋清, unit: g/L, range: [1, 2]}\n"
    (tmp_path / "inputs.yaml").write_text(own, encoding="utf-8")
    assert read(_write(tmp_path, RIGHT))["sum_of_two"].inputs["albumin"].title == "egg white"


@pytest.mark.parametrize(("right", "wrong", "line", "item", "said"), WRONG)
def test_a_wrong_file_is_refused_with_line_item_cause_and_mend(
    right: str, wrong: str, line: int, item: str, said: str, tmp_path: Path
) -> None:
    assert right in RIGHT
    with pytest.raises(PackError) as caught:
        read(_write(tmp_path, RIGHT.replace(right, wrong, 1)))
    told = str(caught.value)
    assert told.startswith(f"trial.yaml:{line}: {item}")
    assert said in told


def test_the_inputs_that_no_score_uses_are_none() -> None:
    used = {name for one in read(HERE).values() for name in one.inputs}
    lines = (HERE / "inputs.yaml").read_text(encoding="utf-8").splitlines()
    known = {line.split(":")[0].strip() for line in lines if line.startswith("  ") and not line.strip().startswith("#")}
    assert known <= used
