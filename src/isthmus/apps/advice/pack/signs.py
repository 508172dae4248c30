"""Findings and what they point to: `findings.yaml` and `signs.csv` of a pack, and what is wrong in them.

A finding is a condition over facts. A sign is a disease's row of a finding: the percent of its patients who have it, as
a range. Of each finding the same is said of the others: patients with signs of a disease of whom no row speaks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from isthmus.apps.advice.pack.fact import Facts
from isthmus.apps.advice.pack.graph import Concept, Relation
from isthmus.apps.advice.pack.sheets import STRENGTHS, ties
from isthmus.apps.contract import PackError
from isthmus.apps.contract import documents as document
from isthmus.apps.contract.documents import Faults, Section, check_keys, fault, section_of, text_of
from isthmus.apps.contract.knowledge import Expression, Kind, Row
from isthmus.apps.contract.knowledge import rows as read_rows

FINDINGS, SIGNS = "findings.yaml", "signs.csv"
COLUMNS = ("finding", "disease", "low", "high", "strength", "source", "about")
FINDING = ("of", "alike", "when", "others", "en", "zh", "about")
POINTS_TO = "symptom_of"


@dataclass(frozen=True, slots=True)
class Share:
    """A share of patients, as a range above 0 and below 1."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The mean of both ends."""
        return (self.low + self.high) / 2


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a patient has or has not. `alike`: a word that findings share which say the same."""

    name: str
    of: str
    alike: str
    when: Expression
    others: Share
    en: str
    zh: str
    place: str


@dataclass(frozen=True, slots=True)
class Cause:
    """A disease that may be behind findings: how many of those with signs of a liver disease have it."""

    disease: str
    among: Share
    source: str
    place: str


@dataclass(frozen=True, slots=True)
class Sign:
    """How many of a disease's patients have a finding, who says so, and where it stands."""

    finding: str
    disease: str
    share: Share
    strength: str
    source: str
    pack: str
    place: str


@dataclass(frozen=True, slots=True)
class Signs:
    """Findings and causes by name, and the signs."""

    findings: Mapping[str, Finding]
    causes: Mapping[str, Cause]
    signs: Sequence[Sign]

    def relations(self, concepts: Mapping[str, Concept]) -> list[Relation]:
        """What the signs say as relations of the graph: the concept of a finding points to a disease."""
        fits = ties()[POINTS_TO].one
        found: dict[tuple[str, str], Relation] = {}
        for sign in self.signs:
            one = self.findings[sign.finding].of
            if concepts[one].kind in fits:
                found.setdefault((one, sign.disease), _relation(one, sign))
        return list(found.values())


def _relation(one: str, sign: Sign) -> Relation:
    return Relation(one, POINTS_TO, sign.disease, "", sign.strength, sign.source, "", "", sign.pack, sign.place)


class SignReading:
    """Gathers the findings, causes and signs of packs; faults are noted."""

    def __init__(
        self, concepts: Mapping[str, Concept], facts: Facts, sources: Mapping[str, object], faults: Faults
    ) -> None:
        self._concepts, self._facts, self._sources, self._faults = concepts, facts, sources, faults
        self._findings: dict[str, Finding] = {}
        self._causes: dict[str, Cause] = {}
        self._signs: dict[tuple[str, str], Sign] = {}

    def read(self, folder: Path) -> None:
        """The files of a pack, if it has them."""
        if (folder / FINDINGS).exists():
            body = document.read(folder / FINDINGS, name=f"{folder.name}/{FINDINGS}")
            check_keys(body, "the file", ("findings", "causes"), ("findings", "causes"))
            self._each(section_of(body, "findings", "the file"), self._finding)
            self._each(section_of(body, "causes", "the file"), self._cause)
        if (folder / SIGNS).exists():
            needed = ("finding", "disease", "low", "high", "source")
            for row in read_rows(folder / SIGNS, file=f"{folder.name}/{SIGNS}", columns=COLUMNS, needed=needed):
                self._sign(row, folder.name)

    def signs(self) -> Signs:
        """All of them."""
        return Signs(self._findings, self._causes, tuple(self._signs.values()))

    def _each(self, body: Section, make: Callable[[str, Section], None]) -> None:
        for name in body:
            try:
                make(name, section_of(body, name, name))
            except PackError as error:
                self._faults.note(str(error))

    def _finding(self, name: str, body: Section) -> None:
        item = f"finding {name}"
        check_keys(body, item, FINDING, ("of", "when", "others", "en", "zh"))
        concept = self._concept(body, "of", item)
        when = self._facts.parsed(body["when"], f"{body.place('when')}: {item}, `when`")
        if when.kind not in (Kind.TRUTH, None):
            raise fault(body.place("when"), item, f"`when` gives {when.kind}", "Write a condition: alt >= 400")
        if name in self._findings:
            raise fault(body.place(), item, f"it stands already at {self._findings[name].place}", "Rename it")
        self._findings[name] = Finding(
            name, concept, text_of(body, "alike", item) or name, when, _share(body, "others", item),
            text_of(body, "en", item), text_of(body, "zh", item), body.place(),
        )  # fmt: skip

    def _cause(self, name: str, body: Section) -> None:
        item = f"cause {name}"
        check_keys(body, item, ("among", "source", "about"), ("among", "source"))
        if name not in self._concepts or self._concepts[name].kind != "disease":
            raise fault(body.place(), item, f"there is no disease '{name}'", "Add it to concepts.csv, or mend the name")
        self._demand_source(text_of(body, "source", item), body.place("source"), item)
        self._facts.parsed(f"has_{name}", body.place())
        self._causes[name] = Cause(name, _share(body, "among", item), text_of(body, "source", item), body.place())

    def _sign(self, row: Row, pack: str) -> None:
        item, key = f"sign {row['finding']} of {row['disease']}", (row["finding"], row["disease"])
        try:
            if row["finding"] not in self._findings:
                raise fault(row.place(), item, f"there is no finding '{row['finding']}'", f"Add it to {FINDINGS}")
            if row["disease"] not in self._causes:
                raise fault(row.place(), item, f"'{row['disease']}' is no cause", f"Add it to `causes` of {FINDINGS}")
            if key in self._signs:
                raise fault(row.place(), item, f"it stands already at {self._signs[key].place}", "Keep one of the two")
            strength = row.get("strength", "") or "consensus"
            if strength not in STRENGTHS:
                raise fault(row.place(), item, f"'{strength}' is no strength", f"Write one of {', '.join(STRENGTHS)}")
            self._demand_source(row["source"], row.place(), item)
            share = _ranged([_number(row["low"]), _number(row["high"])], row.place(), item)
            self._signs[key] = Sign(*key, share, strength, row["source"], pack, row.place())
        except PackError as error:
            self._faults.note(str(error))

    def _concept(self, body: Section, key: str, item: str) -> str:
        name = text_of(body, key, item)
        if name not in self._concepts:
            raise fault(body.place(key), item, f"there is no concept '{name}'", "Add it to concepts.csv")
        return name

    def _demand_source(self, name: str, place: str, item: str) -> None:
        if name not in self._sources:
            raise fault(place, item, f"there is no source '{name}'", "Add it under `sources` of pack.yaml")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _share(body: Section, key: str, item: str) -> Share:
    told = body[key] if isinstance(body[key], list) else []
    return _ranged([one if type(one) in (int, float) else None for one in told], body.place(key), item)


def _ranged(told: Sequence[float | None], place: str, item: str) -> Share:
    """A range of percent. Nobody is ever sure: 0 and 100 are refused, for one finding would then decide alone."""
    known = [one for one in told if one is not None]
    if len(told) != 2 or len(known) != 2 or not 0 < known[0] <= known[1] < 100:
        raise fault(place, item, "a share is two percents, the lower first, above 0 and below 100", "Write [5, 12]")
    return Share(known[0] / 100, known[1] / 100)
