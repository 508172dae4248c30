"""A finding: what is wrong at one site, in how many rows, where, since when, and whose it is to mend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, cast

import yaml

from isthmus.base.identity import digest63
from isthmus.cdm.names import name_of
from isthmus.cdm.tables import TABLES
from isthmus.quality.plausible.limits import indicators, sequences
from isthmus.quality.rules import catalogue

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
GRADES = ("fatal", "convention", "characterization")
SITE, MAPPING = "site", "mapping"
LEARNT = ("sequence.any", "outlying.any")  # forms of sentences about what is counted


@dataclass(frozen=True, slots=True)
class Kind:
    """What findings of a kind say and how they are mended, by language; whose they are (site or mapping); the grade."""

    whose: str
    grade: str
    says: Mapping[Language, str]
    mend: Mapping[Language, str]


@dataclass(frozen=True, slots=True)
class Place:
    """A delivered file with rows of a finding: how many, and where an example stands (its line, no value of it).

    `columns` are the columns of the source that the field is filled from; `sheet` is the table in a database.
    """

    feed: str
    file: str
    rows: int
    line: int | None = None
    columns: Sequence[str] = ()
    table: str = ""
    row_id: int | None = None
    sheet: str = ""

    @property
    def name(self) -> str:
        """Feed and file, and the table in a database."""
        return "/".join(part for part in (self.feed, self.file) if part) + (f" {self.sheet}" if self.sheet else "")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong: `rows` of `of` rows (of 0, where nothing is counted against). `key` tells it from others of its
    kind at the site; `detail`, `table`, `field` and `value` fill its sentence."""

    site: str
    kind: str
    key: str
    rows: int
    of: int = 0
    table: str = ""
    field: str = ""
    value: str = ""
    detail: str = ""
    places: Sequence[Place] = ()

    @property
    def finding_id(self) -> str:
        """Ten letters and digits, the same in every edition."""
        return f"{digest63('finding', self.site, self.kind, self.key):016x}"[:10]

    @property
    def percent(self) -> float:
        """The per cent of rows that are wrong; 0 where nothing is counted against."""
        return 100 * self.rows / self.of if self.of else 0.0

    def says(self, language: Language = "en") -> str:
        """What is wrong, in a sentence."""
        return self._filled(kinds()[self.kind].says[language], language)

    def mend(self, language: Language = "en") -> str:
        """How it is mended, in a sentence."""
        return self._filled(kinds()[self.kind].mend[language], language)

    @property
    def whose(self) -> str:
        """Who can mend it: the site, or who keeps the mapping."""
        return kinds()[self.kind].whose

    @property
    def grade(self) -> str:
        """How much it matters, one of GRADES."""
        return kinds()[self.kind].grade

    @property
    def place(self) -> str:
        """Table and field as OMOP writes them, for who keeps the mapping; an empty text where it is about none."""
        return ".".join(part for part in (self.table, self.field) if part)

    def _filled(self, text: str, language: Language) -> str:
        told = {"table": self.table, "field": self.field, "value": self.value, "detail": self.detail}
        filled = text.format(**{name: _called(self.table, word, language) for name, word in told.items()})
        return filled.replace(" “", "“").replace("” ", "”") if language == "zh" else filled


def _called(of: str, word: str, language: Language) -> str:
    """What people call a table or a column (of that table, or of another: `table.column`); any other word as it is."""
    table = word.rpartition(".")[0]
    called = name_of(word if word in TABLES else table)[language] if word in TABLES or table in TABLES else ""
    if not called and of in TABLES and any(word == column.name for column in TABLES[of].columns):
        called = name_of(of, word)[language]
    if not called and not table and "_" in word:
        called = name_of("", word)[language]
    return f"“{called}”" if called and called != word else word


@cache
def kinds() -> Mapping[str, Kind]:
    """The kinds of findings by name: types of checks, reasons of quarantine, and what else is looked for."""
    text = (files("isthmus.quality.findings") / "words.yaml").read_text(encoding="utf-8")
    told = cast(Mapping[str, Mapping[str, object]], yaml.load(text, yaml.CSafeLoader))
    found = {name: Kind(**body) for name, body in told.items()}  # type: ignore[arg-type]  # the file has these keys
    forms = {*(f"rules.{one}" for one in catalogue.TYPES), *LEARNT}
    plain = {name: kind for name, kind in found.items() if name not in forms}
    return {**plain, **_of_rules(found), **_of_counts(found)}


def _of_rules(words: Mapping[str, Kind]) -> Mapping[str, Kind]:
    """A kind for each rule about delivered records: its own sentence, grade and mend as the words of its type say."""
    found = {}
    for name, rules in catalogue.sets().items():
        for rule in rules.rules:
            kind = words[f"rules.{rule.type}"]
            says = {one: kind.says[one].format(title=rules.title[one], rule=rule.says(one)) for one in LANGUAGES}
            found[f"{name}.{rule.rule_id}"] = Kind(kind.whose, kind.grade, says, kind.mend)
    return found


def _of_counts(words: Mapping[str, Kind]) -> Mapping[str, Kind]:
    """A kind for each sequence and each indicator, with its own words."""
    found = {}
    for form, listed in ((words[LEARNT[0]], sequences()), (words[LEARNT[1]], indicators())):
        sort = LEARNT[0 if listed is sequences() else 1].partition(".")[0]
        for one in listed:
            says = {language: form.says[language].replace("{count}", one.says(language)) for language in LANGUAGES}
            found[f"{sort}.{one.name}"] = Kind(form.whose, form.grade, says, form.mend)
    return found


def worst_first(found: Sequence[Finding]) -> list[Finding]:
    """Findings in the order in which they should be read: by grade, then by rows."""
    return sorted(found, key=lambda one: (GRADES.index(one.grade), -one.rows, one.kind, one.key))
