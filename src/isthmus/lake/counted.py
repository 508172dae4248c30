"""Names of columns that a plain statement only counts, groups by, or compares with themselves.

Of such a column no value can come to light, nor what it is like: only which rows share one. It may then hold anything
that keeps apart what is apart. What is looked at is the tree of the engine's own parser; a use that is not known here
takes the name off the list. Statements that give columns other names by their place (sets, lists of names) are left.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

Node = Mapping[str, Any]
SAME = ("COMPARE_EQUAL", "COMPARE_NOTEQUAL", "COMPARE_DISTINCT_FROM", "COMPARE_NOT_DISTINCT_FROM")
EMPTINESS = ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL")
BY_PLACE = ("column_name_alias", "aliases")


def counted(nodes: Collection[Node]) -> frozenset[str]:
    """The names, in lower case, from all objects of the tree of a statement whose columns are all named."""
    if any(node.get("type") == "SET_OPERATION_NODE" or any(map(node.get, BY_PLACE)) for node in nodes):
        return frozenset()
    harmless = {id(one) for node in nodes for one in _harmless(node)}
    met: set[str] = set()
    told: set[str] = set()
    for node in nodes:
        words = _words(node)
        met.update(words[-1:], (str(name).lower() for name in node.get("using_columns") or ()))
        told.update(words if id(node) not in harmless else words[:-1])
        if "class" in node and node.get("alias") and [str(node["alias"]).lower()] != words[-1:]:
            told.add(str(node["alias"]).lower())  # something else goes by this name
    return frozenset(met - told)


def _harmless(node: Node) -> Iterator[Node]:
    """Columns below an object that are used there without being told."""
    kind = node.get("type")
    if node.get("class") == "FUNCTION" and node.get("function_name") == "count" and len(node["children"]) == 1:
        yield from node["children"]
    elif kind in SAME and _words(node["left"])[-1:] == _words(node["right"])[-1:]:
        yield from (node["left"], node["right"])
    elif kind in EMPTINESS:
        yield from node["children"]
    elif kind == "SELECT_NODE":
        yield from node.get("group_expressions") or ()
    elif node.get("class") == "WINDOW":
        yield from node.get("partitions") or ()
    elif node.get("subquery_type") == "ANY":
        yield from _one_of(node)
    elif kind == "SUBQUERY" and "class" not in node:
        yield from _passed(node["subquery"]["node"])
    for one in (node.get("cte_map") or {}).get("map", ()):
        yield from _passed(one["value"]["query"]["node"])


def _one_of(node: Node) -> Iterator[Node]:
    """Both sides of `column IN (SELECT column FROM …)`, where they are of one name."""
    rows, column = node["subquery"]["node"], node["child"]
    passed = list(_passed(rows))
    single = node.get("comparison_type") == "COMPARE_EQUAL" and len(passed) == len(rows["select_list"]) == 1
    if single and _words(passed[0])[-1:] == _words(column)[-1:]:
        yield from (column, passed[0])


def _passed(rows: Node) -> Iterator[Node]:
    """Columns that a statement within gives on under their own names, in no order."""
    if any(one.get("type") != "DISTINCT_MODIFIER" or one.get("distinct_on_targets") for one in rows["modifiers"]):
        return
    for one in rows["select_list"]:
        if [str(one.get("alias") or name).lower() for name in _words(one)[-1:]] == _words(one)[-1:]:
            yield one


def _words(node: Node) -> list[str]:
    """The parts of the name of a column, in lower case; none for anything else."""
    return [str(one).lower() for one in node["column_names"]] if node.get("class") == "COLUMN_REF" else []
