"""Which codes of a record a decision could speak of: those that nothing resolves, and those that a decision resolved.

A rule's concept column is filled from one or more looked-up codes, in the rule itself or through named expressions.
Each use is carried beside the rule's row as one hidden column, null where the pack or the vocabulary resolves the code.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlglot import exp

from isthmus.mapping.expression import Use, columns_of, parse_scalar, template
from isthmus.mapping.pack import Pack, Record, Rule

LIST = "list:"  # begins what decisions call a list of a pack
HIDDEN = "_use"  # begins the name of a hidden column
# What a hidden column holds: the code as the record has it, what it means now, and the decision that says so.
FIELDS = ("system", "code", "name", "concept", "by")
SAID = """
    CASE WHEN NOT :code IS NULL AND (COALESCE(:concept, 0) = 0 OR NOT :by IS NULL) THEN
    STRUCT_PACK(system := :system, code := :code, name := :name, concept := COALESCE(:concept, 0), by := :by) END
"""


def subjects(pack: Pack) -> Mapping[str, str]:
    """What decisions call a code system, by each name that records or packs have for it.

    A public vocabulary is its own name everywhere; a list of the pack is named with the pack, for two hospitals may
    call different lists alike.
    """
    lists = {name: f"{LIST}{pack.name}/{name}" for name in pack.codes}
    return {**lists, **pack.vocabularies, **{name: name for name in pack.vocabularies.values()}}


def is_concept(column: str) -> bool:
    """Whether a column says what was meant, in a standard concept."""
    return column.endswith("_concept_id") and not column.endswith("_source_concept_id")


def reaching(record: Record) -> set[str]:
    """The named expressions that a concept column of some rule is filled from, directly or through another."""
    reached: set[str] = set()
    waiting = [text for rule in record.rules for name, text in rule.set.items() if is_concept(name)]
    while waiting:
        named = {name for text in waiting for name in columns_of(parse_scalar(text, record.place))}
        fresh = (named & set(record.let)) - reached
        reached |= fresh
        waiting = [record.let[name] for name in fresh]
    return reached


def hidden(uses: Iterable[Use], first: int) -> Iterator[tuple[str, exp.Expr]]:
    """Name and value of the hidden column of each use, numbered from `first`."""
    for number, use in enumerate(uses, first):
        name = exp.cast(exp.null(), "text") if use.name is None else exp.cast(use.name.copy(), "text")
        yield f"{HIDDEN}{number}", template(
            SAID, code=use.code.copy(), concept=exp.column("_first", use.alias, quoted=True),
            by=exp.column("_decision", use.alias, quoted=True), system=use.system.copy(), name=name,
        )  # fmt: skip


def spread(let: Mapping[str, str], own: Mapping[str, Sequence[str]], place: str) -> dict[str, list[str]]:
    """The hidden columns behind each named expression: its own, and those of the expressions it uses."""
    found: dict[str, list[str]] = {}

    def behind(name: str, above: tuple[str, ...]) -> list[str]:
        if name not in found:
            used = columns_of(parse_scalar(let[name], place)) & set(let) - {*above, name}
            more = [one for other in sorted(used) for one in behind(other, (*above, name))]
            found[name] = list(dict.fromkeys([*own.get(name, ()), *more]))
        return found[name]

    for name in let:
        behind(name, ())
    return found


def of_rule(rule: Rule, lets: Mapping[str, Sequence[str]], own: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """By concept column of a rule the hidden columns that tell of its codes, where there are any."""
    told = {}
    for column, text in rule.set.items():
        if is_concept(column):
            named = columns_of(parse_scalar(text, rule.place))
            behind = [one for name in sorted(named & set(lets)) for one in lets[name]]
            told[column] = list(dict.fromkeys([*own.get(column, ()), *behind]))
    return {column: names for column, names in told.items() if names}
