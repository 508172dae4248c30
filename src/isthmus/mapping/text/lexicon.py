"""The packs of the rule layer, read, checked and compiled: terms, cues, headings, units, anchored rules.

Everything clinical stands in `lexicon/` and in the names of the starter vocabulary; this module only reads it. A term
that two rows claim keeps its first meaning, in the order of `KINDS`; names of drugs (`mapping/drugs`) come then, those
of the starter last.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from io import StringIO
from typing import Any, Literal, cast, get_args

import numpy as np
import yaml

from isthmus.base.errors import PackError
from isthmus.cdm.starter import starter
from isthmus.cdm.units import spelling
from isthmus.mapping.drugs.lexicon import entries
from isthmus.mapping.text.page import Ints, Mask, folded
from isthmus.mapping.text.trie import Trie, build

Effect = Literal[
    "negated", "affirmed", "uncertain", "conditional", "family", "patient", "past", "planned", "none", "stop"
]
Normal = Literal["", "upper", "roman", "numeral"]

KINDS = ("disease", "symptom", "lesion", "drug", "test", "procedure", "anatomy")
DOMAINS = {"Condition": "disease", "Drug": "drug", "Procedure": "procedure", "Measurement": "test"}
FRAGMENT = re.compile(r"\{([a-z]+)\}")
DETAIL = re.compile(r"[\d（(,]")
WORD = re.compile(r"[a-z]{4,}$")
BRIEF = 5  # letters of a Latin name that are enough
KEYS = {"rule", "kind", "finding", "anchors", "after", "before", "scan", "values", "value_of_anchor", "normal"}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a term or a rule stands for; `finding` is the item of the liver layer that it fills, if any."""

    kind: str
    code: str
    rule: str
    concept_id: int = 0
    finding: str = ""


SIZE = Meaning("size", "tumour_size", "size:lesion", 0, "tumour_size")
"""The size of a lesion, which `quantity.sizes` finds; meaning number 0."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that change what is said of entities on one side of them, at most `limit` characters away."""

    effect: Effect
    sentence: bool
    limit: int


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern tried where an anchor ends (`after`) or starts (`before`), or over the whole page (`scan`)."""

    meaning: int
    after: re.Pattern[str] | None
    before: re.Pattern[str] | None
    scan: re.Pattern[str] | None
    values: Mapping[str, str]
    anchored: Mapping[str, str]
    normal: Normal


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All packs, compiled. Arrays run over the terms of the trie; -1 says that the term is no such thing.

    `ahead` numbers the cue that a term is for what follows it, `behind` the one for what stands before it. `capital`
    marks abbreviations of two letters that count only when written in capitals.
    """

    trie: Trie
    terms: Sequence[str]
    meanings: Sequence[Meaning]
    cues: Sequence[Cue]
    sections: Sequence[str]
    rules: Sequence[Rule]
    units: Mapping[str, str]
    doses: frozenset[str]
    entity: Ints
    ahead: Ints
    behind: Ints
    section: Ints
    capital: Ints
    anchors: Mapping[int, Sequence[int]]
    codes: Mapping[str, int]

    def having(self, kinds: Sequence[str] = (), codes: Sequence[str] = (), findings: Sequence[str] = ()) -> Mask:
        """A mask over the meanings: of one of the kinds, with one of the codes, or filling one of the findings."""
        return np.array(
            [one.kind in kinds or one.code in codes or one.finding in findings for one in self.meanings], dtype=bool
        )


@dataclass(slots=True)
class _Draft:
    """Terms as they are gathered, before they are numbered."""

    meanings: list[Meaning] = field(default_factory=list)
    entity: dict[str, int] = field(default_factory=dict)
    ahead: dict[str, int] = field(default_factory=dict)
    behind: dict[str, int] = field(default_factory=dict)
    section: dict[str, int] = field(default_factory=dict)
    anchors: dict[str, list[int]] = field(default_factory=dict)
    capital: dict[str, bool] = field(default_factory=dict)

    def column(self, terms: Sequence[str], of: Mapping[str, int]) -> Ints:
        return np.array([of.get(term, -1) for term in terms], dtype=np.int64)


@cache
def lexicon() -> Lexicon:
    """The packs that ship, compiled once per process. Raises PackError, naming file and row, for a wrong row."""
    draft = _Draft([SIZE])
    for kind in KINDS:
        _add_entities(draft, kind)
    _add_drugs(draft)
    _add_starter(draft)
    cues, sections = _add_cues(draft), _add_sections(draft)
    rules = _add_rules(draft)
    units, doses = _units()
    terms = sorted({*draft.entity, *draft.ahead, *draft.behind, *draft.section, *draft.anchors})
    numbers = {term: number for number, term in enumerate(terms)}
    return Lexicon(
        build(terms), terms, draft.meanings, cues, sections, rules, units, doses,
        entity=draft.column(terms, draft.entity),
        ahead=draft.column(terms, draft.ahead),
        behind=draft.column(terms, draft.behind),
        section=draft.column(terms, draft.section),
        capital=np.array([draft.capital.get(term, False) for term in terms], dtype=np.int64),
        anchors={numbers[term]: tuple(found) for term, found in draft.anchors.items()},
        codes={meaning.code: number for number, meaning in enumerate(draft.meanings)},
    )  # fmt: skip


def _text(name: str) -> str:
    return (files("isthmus.mapping.text") / "lexicon" / name).read_text(encoding="utf-8")


def read_rows(name: str, text: str) -> Iterator[tuple[str, dict[str, str], Sequence[str]]]:
    """Rows of a pack with their place (`file:line`) and their folded terms.

    Raises PackError for a row that has too many or too few fields, or no term.
    """
    for number, row in enumerate(csv.DictReader(StringIO(text)), start=2):
        if None in row or None in row.values():
            raise PackError(f"{name}:{number}: the row has not as many fields as the heading; quote a comma in a term")
        words = [word for word in row["terms"].split("|") if word]
        if not words:
            raise PackError(f"{name}:{number}: the row has no term; write at least one, separated by |")
        yield f"{name}:{number}", row, words


def _add_entities(draft: _Draft, kind: str) -> None:
    for place, row, words in read_rows(f"{kind}.csv", _text(f"{kind}.csv")):
        concept = row["concept_id"] or "0"
        if not concept.isdigit():
            raise PackError(f"{place}: concept_id is not a number; leave it empty where there is no concept")
        _claim(draft, Meaning(kind, row["code"], f"{kind}:{row['code']}", int(concept), row["finding"]), words)


def _add_drugs(draft: _Draft) -> None:
    """The names of `mapping.drugs`. What a class of drugs fills in the layer stands in `drug_class.csv`, by ATC."""
    classes = {row["atc"]: row["finding"] for row in csv.DictReader(StringIO(_text("drug_class.csv")))}
    for entry in entries():
        finding = next((finding for atc, finding in classes.items() if entry.atc.startswith(atc)), "")
        code = entry.ingredient.replace(" ", "_")
        words = [name for place, name in enumerate((*entry.names, entry.ingredient)) if _is_plain(name, place == 0)]
        if words:
            _claim(draft, Meaning("drug", code, f"drug:{code}", entry.concept_id, finding), words)


def _is_plain(name: str, first: bool) -> bool:
    """Whether a drug's name means it in running text: short abbreviations and brands of two characters may not."""
    if name.isascii():
        return len(name) >= BRIEF or (len(name) == BRIEF - 1 and any(letter.isdigit() for letter in name))
    return len(name) > 2 or first


def _claim(draft: _Draft, meaning: Meaning, words: Sequence[str]) -> None:
    number = len(draft.meanings)
    draft.meanings.append(meaning)
    for word in words:
        term = folded(word)
        draft.capital[term] = draft.capital.get(term, True) and len(word) == 2 and word.isascii() and word.isupper()
        draft.entity.setdefault(term, number)
        if WORD.search(term) and not term.endswith("s"):
            draft.entity.setdefault(term + "s", number)


def _add_starter(draft: _Draft) -> None:
    tables = starter()
    spoken = tables["concept_synonym"].select(["concept_id", "concept_synonym_name"]).to_pylist()
    chinese = {row["concept_id"]: row["concept_synonym_name"] for row in spoken}
    for row in tables["concept"].select(["concept_id", "concept_name", "domain_id"]).to_pylist():
        kind, identity = DOMAINS.get(row["domain_id"]), row["concept_id"]
        names = (chinese.get(identity, ""), row["concept_name"])
        words = [name for name in names if len(name) > 2 and not DETAIL.search(name)]
        if kind and words:
            _claim(draft, Meaning(kind, str(identity), f"concept:{identity}", identity), words)


def _add_cues(draft: _Draft) -> Sequence[Cue]:
    cues: list[Cue] = []
    for place, row, words in read_rows("cue.csv", _text("cue.csv")):
        if row["effect"] not in get_args(Effect):
            raise PackError(f"{place}: there is no effect {row['effect']!r}; there are {', '.join(get_args(Effect))}")
        if row["side"] not in {"before", "after"} or row["reach"] not in {"clause", "sentence"}:
            raise PackError(f"{place}: side is before or after, reach is clause or sentence")
        if not row["limit"].isdigit():
            raise PackError(f"{place}: limit is a number of characters")
        terms = draft.ahead if row["side"] == "before" else draft.behind
        for word in words:
            terms.setdefault(folded(word), len(cues))
        cues.append(Cue(cast(Effect, row["effect"]), row["reach"] == "sentence", int(row["limit"])))
    return cues


def _add_sections(draft: _Draft) -> Sequence[str]:
    sections = [""]
    for _, row, words in read_rows("section.csv", _text("section.csv")):
        for word in words:
            draft.section.setdefault(folded(word), len(sections))
        sections.append(row["code"])
    return sections


def _add_rules(draft: _Draft) -> Sequence[Rule]:
    pack = yaml.safe_load(_text("rule.yaml"))
    rules: list[Rule] = []
    for entry in pack["rules"]:
        rule = read_rule(entry, pack["fragments"], len(draft.meanings))
        name = entry["rule"]
        draft.meanings.append(Meaning(entry["kind"], entry.get("finding", name), f"rule:{name}", 0, _layer(entry)))
        for anchor in entry.get("anchors", ()):
            draft.anchors.setdefault(folded(anchor), []).append(len(rules))
        rules.append(rule)
    return rules


def _layer(entry: Mapping[str, Any]) -> str:
    """Everything that a rule finds fills an item of the layer, but times do not."""
    return "" if entry["kind"] == "time" else str(entry.get("finding", entry["rule"]))


def read_rule(entry: Mapping[str, Any], fragments: Mapping[str, str], meaning: int) -> Rule:
    """Compile one entry of `rule.yaml`. Raises PackError, naming the rule, for an unknown key or a bad pattern."""
    name = entry.get("rule", "?")
    if unknown := set(entry) - KEYS:
        raise PackError(f"rule.yaml: rule {name!r} has unknown keys {', '.join(sorted(unknown))}")
    if entry.get("normal", "") not in get_args(Normal):
        raise PackError(f"rule.yaml: rule {name!r}: normal is one of {', '.join(get_args(Normal)[1:])}")
    if ("scan" in entry) == ("anchors" in entry):
        raise PackError(f"rule.yaml: rule {name!r} needs either anchors or scan")
    compiled: dict[str, re.Pattern[str] | None] = {}
    for key in ("after", "before", "scan"):
        try:
            compiled[key] = re.compile(_expanded(entry[key], fragments)) if key in entry else None
        except (re.error, KeyError) as error:
            raise PackError(f"rule.yaml: rule {name!r}: {key} cannot be read: {error}") from error
    values = {folded(str(word)): str(value) for word, value in entry.get("values", {}).items()}
    anchored = {folded(str(word)): str(value) for word, value in entry.get("value_of_anchor", {}).items()}
    return Rule(
        meaning, compiled["after"], compiled["before"], compiled["scan"], values, anchored, entry.get("normal", "")
    )


def _expanded(pattern: str, fragments: Mapping[str, str]) -> str:
    """A pattern with `{name}` replaced; a repetition such as {0,8} is left alone, for it has no letters."""
    return FRAGMENT.sub(lambda found: fragments[found[1]], pattern)


def _units() -> tuple[Mapping[str, str], frozenset[str]]:
    """Folded spelling → UCUM code, and the codes of what drugs are given in.

    The pack lists the spellings that are looked for; what each means is known to `cdm.units`, but for those that mean
    something else in running text. Raises PackError for a spelling that nobody knows.
    """
    units: dict[str, str] = {}
    doses = set()
    for place, row, words in read_rows("unit.csv", _text("unit.csv")):
        for word in words:
            code = row["ucum"] or spelling.code(word)
            if code is None:
                raise PackError(f"{place}: nobody knows the unit {word!r}; name its UCUM code, or add it to cdm/units")
            units.setdefault(folded(word), code)
            doses |= {code} if row["dose"] else set()
    return units, frozenset(doses)
