"""The rules of a linkage, as a file says them: fields, pairs to look at, comparisons with their levels, training.

Conditions are SQL over two records, `l` and `r`. They are checked when the file is read: only columns of the fields'
normal forms may stand in them, and only functions of FUNCTIONS.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files

import sqlglot
from sqlglot import exp

from isthmus.base import document
from isthmus.base.document import Section
from isthmus.base.errors import PackError
from isthmus.linkage.bloom import Encoded, Encoding
from isthmus.linkage.normal import FORMS

SIDES = ("l", "r")
FUNCTIONS = frozenset(
    {"abs", "damerau_levenshtein", "jaro_winkler_similarity", "least", "greatest", "left", "length", "list_intersect",
     "list_has_any", "date_diff", "substr", "right"}
)  # fmt: skip
"""What conditions may call: functions that look at two values and at nothing else."""
KEYS = {
    "": {"fields", "constraints", "pairs", "comparisons", "training", "thresholds", "encoding", "note"},
    "fields": {"as", "of"},
    "comparisons": {"missing", "levels", "note"},
    "levels": {"label", "when", "frequency", "weight", "given", "most"},
    "training": {"certain", "recall", "within", "seed", "pairs"},
    "thresholds": {"link", "review"},
    "encoding": {"least", "fields"},
    "encoded": {"column", "space", "grams", "hashes"},
}


NO_ENCODING = Encoding(0.56, ())


@dataclass(frozen=True, slots=True)
class Level:
    """One outcome of a comparison: `when` is SQL over l and r ("" for whatever is left).

    `frequency` is the column whose rarity counts where both sides agree, `weight` how much of that counts (0 to 1).
    `given` is the weight of evidence, where it is not learnt but laid down. `most` is the greatest probability that
    such a pair may have, whatever else agrees.
    """

    label: str
    when: str
    frequency: str = ""
    weight: float = 1.0
    given: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What of two records is compared, outcome by outcome; `missing` says when nothing can be said."""

    name: str
    missing: str
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Training:
    """How the weights are learnt without labels.

    `certain` are conditions that hold for next to nobody but the same person, and of all pairs of one person for the
    share `recall`; `within` are the conditions within which outcomes are counted by expectation maximisation. At most
    `pairs` random pairs tell how often strangers agree.
    """

    certain: tuple[str, ...]
    recall: float
    within: tuple[str, ...]
    seed: int = 1
    pairs: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Rules:
    """`fields`: name to (form, source column). `differ`: columns that may not differ within one person.

    `link` and `review` are probabilities: from `link` on two records are one person, between the two a person looks.
    """

    name: str
    fields: Mapping[str, tuple[str, tuple[str, ...]]]
    differ: tuple[str, ...]
    pairs: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    training: Training
    link: float
    review: float
    encoding: Encoding = NO_ENCODING

    def only(self, columns: Iterable[str]) -> "Rules":
        """The rules that can be applied to records with these normal columns: others are left out."""
        known = set(columns)

        def usable(condition: str) -> bool:
            return {column.name for column in parsed(condition).find_all(exp.Column)} <= known

        kept = []
        for one in self.comparisons:
            levels = tuple(level for level in one.levels if not level.when or usable(level.when))
            if usable(one.missing) and len(levels) > 1:
                kept.append(Comparison(one.name, one.missing, levels))
        training = Training(
            tuple(filter(usable, self.training.certain)), self.training.recall,
            tuple(filter(usable, self.training.within)), self.training.seed, self.training.pairs,
        )  # fmt: skip
        differ = tuple(column for column in self.differ if column in known)
        fields = {name: form for name, form in self.fields.items() if form[1][0] in known or name in known}
        pairs = tuple(filter(usable, self.pairs))
        return replace(
            self, fields=fields, differ=differ, pairs=pairs, comparisons=tuple(kept), training=training
        )  # fmt: skip


PACKED = ("chinese", "western")
"""The rules that come along."""


def packed(name: str) -> Rules:
    """The rules of PACKED of this name."""
    return said(name, text_of(name))


def text_of(name: str) -> str:
    """The text of rules that come along."""
    return (files("isthmus.linkage") / "packs" / f"{name}.yaml").read_text(encoding="utf-8")


def said(name: str, text: str) -> Rules:
    """The rules that a text says.

    :raises PackError: with file and line, where something is unknown, missing or no condition.
    """
    return _rules(name, document.parse(text, f"{name}.yaml"))


def sides(condition: str) -> str:
    """A condition over l.x and r.x as the one over x_l and x_r that Splink compares with."""

    def renamed(node: exp.Expr) -> exp.Expr:
        return exp.column(f"{node.name}_{node.table}", quoted=True) if isinstance(node, exp.Column) else node

    return str(parsed(condition).transform(renamed).sql("duckdb"))


def parsed(condition: str) -> exp.Expr:
    """A condition as a tree."""
    return sqlglot.parse_one(condition, dialect="duckdb")


def _rules(name: str, section: Section) -> Rules:
    _known(section, "")
    told = _section(section, "fields")
    fields = {field: _field(told, field) for field in told}
    columns = {"record_id", "site"}.union(
        *({f"{field}{suffix}" for suffix in FORMS[form].suffixes} for field, (form, _) in fields.items())
    )
    compared = _section(section, "comparisons")
    training, thresholds = _section(section, "training"), _section(section, "thresholds")
    _known(training, "training")
    _known(thresholds, "thresholds")

    def listed(of: Section, key: str) -> tuple[str, ...]:
        return tuple(_condition(of, key, str(one), columns) for one in of.get(key) or ())

    return Rules(
        name=name,
        fields=fields,
        differ=tuple(map(str, section.get("constraints") or ())),
        pairs=listed(section, "pairs"),
        comparisons=tuple(_comparison(compared, name, columns) for name in compared),
        training=Training(
            listed(training, "certain"), _share(training, "recall", 0.7), listed(training, "within"),
            int(training.get("seed", 1)), int(training.get("pairs", 1_000_000)),
        ),
        link=_share(thresholds, "link", 0.9),
        review=_share(thresholds, "review", 0.1),
        encoding=_encoding(section, columns),
    )  # fmt: skip


def _field(fields: Section, name: str) -> tuple[str, tuple[str, ...]]:
    one = fields[name]
    section = one if isinstance(one, Section) else Section({"as": one}, file="", lines={}, line=1)
    _known(section, "fields")
    form, of = str(section.get("as")), section.get("of", name)
    if form not in FORMS:
        raise PackError(f"{fields.place(name)}: {name} has the form {form}, which is none of {', '.join(FORMS)}.")
    sources = tuple(map(str, of)) if isinstance(of, list) else (str(of),)
    if len(sources) != FORMS[form].takes:
        raise PackError(
            f"{fields.place(name)}: the form {form} reads {FORMS[form].takes} columns; `of` names {sources}."
        )
    return form, sources


def _comparison(compared: Section, name: str, columns: set[str]) -> Comparison:
    one = compared[name]
    if not isinstance(one, Section) or not one.get("levels") or not one.get("missing"):
        raise PackError(
            f"{compared.place(name)}: the comparison {name} needs `missing`, and `levels`: conditions, strongest first."
        )
    _known(one, "comparisons")
    levels = []
    for level in one["levels"]:
        _known(level, "levels")
        when = _condition(level, "when", str(level["when"]), columns)
        frequency, weight = str(level.get("frequency") or ""), float(level.get("weight", 1.0))
        if frequency and frequency not in columns:
            raise PackError(f"{level.place('frequency')}: {frequency} is no column of the fields.")
        given = float(level["given"]) if "given" in level else None
        most = _share(level, "most", 1.0) if "most" in level else None
        levels.append(Level(str(level.get("label") or when), when, frequency, weight, given, most))
    held = {level.most is None for level in levels}
    if len(held) > 1:
        raise PackError(f"{one.place()}: {name} has levels with `most` and without. Make two comparisons of it.")
    levels.append(Level("else", "", given=0.0 if levels[0].most else None))
    return Comparison(name, _condition(one, "missing", str(one["missing"]), columns), tuple(levels))


def _encoding(section: Section, columns: set[str]) -> Encoding:
    said = section.get("encoding")
    if not isinstance(said, Section):
        return NO_ENCODING
    _known(said, "encoding")
    fields = []
    for one in said["fields"]:
        _known(one, "encoded")
        if one["column"] not in columns:
            raise PackError(f"{one.place('column')}: {one['column']} is no column of the fields.")
        space = str(one.get("space", one["column"]))
        fields.append(Encoded(str(one["column"]), space, int(one.get("grams", 2)), int(one.get("hashes", 10))))
    return Encoding(_share(said, "least", 0.56), tuple(fields))


def _condition(section: Section, key: str, text: str, columns: set[str]) -> str:
    try:
        tree = parsed(text)
    except sqlglot.ParseError:
        raise PackError(f"{section.place(key)}: `{text}` is no condition. Write SQL over l and r.") from None
    for column in tree.find_all(exp.Column):
        if column.table not in SIDES or column.name not in columns:
            raise PackError(
                f"{section.place(key)}: {column.sql()} is unknown. Each side has {', '.join(sorted(columns))}."
            )
    for call in tree.find_all(exp.Func):
        if isinstance(call, exp.Connector | exp.Case | exp.If | exp.Cast):
            continue
        name = call.name if isinstance(call, exp.Anonymous) else call.sql_name()
        if name.lower() not in FUNCTIONS and call.key not in CALLS:
            raise PackError(
                f"{section.place(key)}: {name.lower()} may not be called here, only {', '.join(sorted(FUNCTIONS))}."
            )
    if any(tree.find_all(exp.Query, exp.Subquery)):
        raise PackError(f"{section.place(key)}: a condition looks at two records and no table.")
    return text


CALLS = frozenset({"abs", "least", "greatest", "left", "right", "length", "datediff", "substring", "arrayoverlaps",
                   "jarowinklersimilarity", "levenshtein", "arrayintersect"})  # fmt: skip
"""The same functions where the parser knows them by a name of its own."""


def _section(section: Section, key: str) -> Section:
    found = section.get(key)
    if not isinstance(found, Section):
        raise PackError(f"{section.place()}: `{key}` is missing, or no mapping.")
    return found


def _share(section: Section, key: str, default: float) -> float:
    share = float(section.get(key, default))
    if not 0.0 < share <= 1.0:
        raise PackError(f"{section.place(key)}: {key} is {share}, and must be above 0 and at most 1.")
    return share


def _known(section: Section, kind: str) -> None:
    for key in section:
        if kind in KEYS and key not in KEYS[kind]:
            raise PackError(
                f"{section.place(key)}: `{key}` is unknown here. Known are {', '.join(sorted(KEYS[kind]))}."
            )
