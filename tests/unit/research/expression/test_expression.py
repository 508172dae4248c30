"""What the small language says, what it refuses, and how it says so."""

from datetime import date
from pathlib import Path

import pytest
from sqlglot import exp

from isthmus.lake.engine import Engine
from isthmus.research.expression import ExpressionError, Kind, parse

SAYS = [
    ("1 + 2 * 3 - 4 / 2", 5.0),
    ("-(2 - 5) * -1", -3.0),
    ("5 / 2", 2.5),
    ("5 / 0", None),
    ("ln(0)", None),
    ("log10(1000)", 3.0),
    ("sqrt(-1)", None),
    ("exp(800)", None),
    ("round(2.5)", 3.0),
    ("round(-2.5)", -3.0),
    ("round(1.25, 1)", 1.3),
    ("floor(-2.5) + ceil(2.1)", 0.0),
    ("least(3, 1, 2)", 1.0),
    ("least(1, null)", None),
    ("lowest(null, 3)", 3.0),
    ("lowest(null, null)", None),
    ("greatest(1, 2) = 2", True),
    ("coalesce(null, null, 3)", 3.0),
    ("null and false", False),
    ("null and true", None),
    ("null or true", True),
    ("not null", None),
    ("1 ≤ 2 and 3 ≠ 4", True),
    ("2 between 1 and 3", True),
    ("2 not between 1 and 3", False),
    ("1 in (1, null)", True),
    ("1 in (2, null)", None),
    ("1 not in (2, 3)", True),
    ("1 in ()", False),
    ("null is null", True),
    ("1 is not null", True),
    ("case when 1 > 2 then 'a' when 2 > 1 then 'b' else 'c' end", "b"),
    ("case when false then 1 end", None),
    ("case when null then 1 else 2 end", None),
    ("case when null is null then 1 else 2 end", 1.0),
    ("case when true then 1 when null then 2 end", 1.0),
    ("case when coalesce(null, false) then 1 else 2 end", 2.0),
    ("'it''s' = 'it''s'", True),
    ("lower('Ab') = 'ab'", True),
    ("contains('portal vein', 'vein') and not contains('portal', 'vein')", True),
    ("has('a|bc', 'bc') and not has('a|bc', 'b')", True),
    ("days(date '2020-02-01', date '2020-03-01')", 29.0),
    ("years(date '1960-02-29', date '2020-02-28')", 59.0),
    ("years(date '1960-02-28', date '2020-02-28')", 60.0),
    ("months(date '2020-01-31', date '2020-02-29')", 0.0),
    ("months(date '2019-11-15', date '2020-02-15')", 3.0),
    ("add_days(date '2020-01-01', 30) = date '2020-01-31'", True),
    ("add_days(date '2020-01-01', 1e9)", None),
    ("earliest(null, date '2020-01-02', date '2020-01-01') = date '2020-01-01'", True),
    ("year(date '2020-05-06') * 100 + month(date '2020-05-06')", 202005.0),
]

REFUSED = [
    ("if a > 1 then 1 else 0", 1, "there is no `if`"),
    ("a + if(a > 1, 1, 0)", 5, "there is no `if`"),
    ("1 <", 4, "ends too early"),
    ("x y", 3, "`y` is not expected"),
    ("foo(1)", 1, "no function foo()"),
    ("lnn(1)", 1, "Did you mean ln()"),
    ("round()", 1, "round(x, places)"),
    ("1 < x < 3", 7, "1 < x and x < 3"),
    ("x in 3", 6, "`(` is expected"),
    ("'a", 1, "second single quote"),
    ('x = "a"', 5, "single quotes"),
    ("a && b", 3, "Write `and`"),
    ("10^9", 3, "x * x"),
    ("3.2.1", 1, "is no number"),
    ("case 1 end", 6, "`when` is expected"),
    ("case when a then 1", 19, "`end` is expected"),
    ("date 'yesterday'", 6, "date '2024-03-31'"),
    ("(a", 3, "to close the bracket"),
    ("a)", 2, "`)` is not expected"),
    ("", 1, "there is no expression"),
    ("5 + 'a'", 5, "takes is a number"),
    ("1 and true", 1, "takes is yes or no"),
    ("1 = 'a'", 5, "a number and a text"),
    ("true < false", 6, "no order"),
    ("date '2020-01-01' + 1", 1, "add_days"),
    ("days(1, 2)", 6, "takes is a date"),
    ("case when 1 then 2 end", 11, "condition of `when`"),
    ("case when true then 2 else 'a' end", 28, "values of `case`"),
    ("select 1", 8, "is not expected"),
    ("x; drop", 2, "one value"),
    ("(" * 100 + "x", 61, "nested"),
    ("x + " * 2000 + "x", 4001, "longer than"),
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine(tmp_path_factory.mktemp("engine"), threads=1)


@pytest.mark.parametrize(("text", "expected"), SAYS)
def test_an_expression_means_one_thing_in_python_and_in_the_engine(text: str, expected: object, engine: Engine) -> None:
    read = parse(text, "score.yaml:7")
    assert read.value({}) == expected
    [[answered]] = [list(row.values()) for row in engine.rows(exp.select(read.tree().as_("x"))).to_pylist()]
    assert answered == expected


@pytest.mark.parametrize(("text", "column", "said"), REFUSED)
def test_a_wrong_expression_is_refused_with_its_place(text: str, column: int, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, "score.yaml:7")
    told = str(caught.value)
    assert told.startswith(f"score.yaml:7: at column {column} of `")
    assert said in told
    assert caught.value.column == column
    assert caught.value.mend


def test_an_expression_tells_the_names_that_it_needs() -> None:
    read = parse("a + case when b > 1 then a else c end", "here")
    assert read.names == ("a", "b", "c")
    assert read.kind is Kind.NUMBER


def test_names_and_their_kinds_are_held_to_what_is_known() -> None:
    kinds: dict[str, Kind | None] = {"albumin": Kind.NUMBER, "ascites": Kind.TEXT, "free": None}
    assert parse("albumin > 35 and ascites in ('none', 'mild') and free = 1", "here", kinds).kind is Kind.TRUTH
    with pytest.raises(ExpressionError, match=r"`albumim` is not known here\. Did you mean `albumin`"):
        parse("albumim > 35", "here", kinds)
    with pytest.raises(ExpressionError, match="of two kinds, a text and a number"):
        parse("ascites > 2", "here", kinds)


def test_a_name_stands_for_what_it_is_bound_to() -> None:
    tree = parse("x * x", "here").tree({"x": exp.column("y", "t") + 1})
    assert tree.sql() == "((t.y + 1) * (t.y + 1))"


def test_what_yaml_read_as_a_number_or_a_switch_is_an_expression() -> None:
    assert parse(3, "here").value({}) == 3
    assert parse(True, "here").value({}) is True
    assert parse(None, "here").value({}) is None


def test_dates_of_columns_may_have_a_time(engine: Engine, tmp_path: Path) -> None:
    moment = exp.cast(exp.Literal.string("2020-01-02 23:59:00"), "timestamp")
    tree = parse("days(a, b)", "here").tree({"a": moment, "b": exp.cast(exp.Literal.string("2020-01-03"), "date")})
    assert engine.rows(exp.select(tree.as_("x"))).to_pylist() == [{"x": 1.0}]
    assert parse("days(a, b)", "here").value({"a": date(2020, 1, 2), "b": date(2020, 1, 3)}) == 1
