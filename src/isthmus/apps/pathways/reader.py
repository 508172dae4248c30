"""Read a pathway pack. Whatever is wrong in it is told at once: file, line, item, cause and mend."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from isthmus.apps.contract import InputError, PackError
from isthmus.apps.contract.documents import Faults, Section, parse
from isthmus.apps.contract.research import Definition, Registry, phenotype
from isthmus.apps.contract.research import registry as registry_of
from isthmus.apps.pathways.events import ITEM, LANGUAGES, Reading, domains
from isthmus.apps.pathways.pack import ANCHOR, Events, Fact, Names, Pack, Records, Rule, Source, Step
from isthmus.apps.pathways.room import Ground, check_room
from isthmus.apps.pathways.rules import Known, Rules
from isthmus.apps.pathways.sound import check
from isthmus.apps.pathways.window import ALWAYS, Window

SHIPPED = Path(__file__).parent / "packs"
HEAD = (
    "pathway", "version", "title", "about", "valid", "population", "cases", "hospital", "anchor", "looks", "ends",
    "concepts", "records", "steps", "facts", "sources", "reasons", "rules",
)  # fmt: skip
NEEDED = ("pathway", "population", "steps", "rules")
OF_EVENTS = (*domains(), ITEM, "value", "number")
STEP = (*LANGUAGES, *OF_EVENTS, "from", "any of", "records", "treatment", "apart")
STEPS: Mapping[str, tuple[str, ...]] = {
    "any of": (*LANGUAGES, "any of"), "from": (*LANGUAGES, "from", "records", "treatment", "apart"),
}  # fmt: skip
"""What a step reads that stands for others, or has several sources; each of these says for itself what it looks for."""
FACT = (*LANGUAGES, "from", "take", "window", "numeric")
NAME, VERSION = re.compile(r"\w[\w -]{0,59}"), re.compile(r"[\w.-]{1,40}")
KINDS: Mapping[str, Any] = {"pathway": str, "version": (str, int, float)}
HOSPITALS = ("site", "care site")
WITH_STAY = "with the stay"
TAKES = ("first", "last", "nearest")


def shipped() -> list[str]:
    """Names of the packs that come along."""
    return [path.stem for path in sorted(SHIPPED.glob("*.yaml"))]


def load(name: str | Path, roots: Sequence[Path] = ()) -> Pack:
    """A pack by its file, or by name: in `roots`, or among those shipped. Raises PackError with every fault."""
    for path in (*(root / f"{name}.yaml" for root in roots), Path(name), SHIPPED / f"{name}.yaml"):
        if path.is_file():
            return read(path.read_bytes(), file=path.name)
    raise InputError(f"there is no pathway '{name}': no such file. Those that come along: {', '.join(shipped())}.")


def read(content: bytes, *, file: str) -> Pack:
    """The pack in the bytes of a file; `file` is what faults call it. Raises PackError with every fault."""
    try:
        head = parse(content.decode("utf-8-sig"), file)
    except UnicodeDecodeError:
        raise PackError(f"{file}:1: the file is not UTF-8. Save it as UTF-8 and try again.") from None
    faults = Faults()
    for key in NEEDED:
        if not head.get(key):
            faults.add(head.place(), f"`{key}:` is missing here.", "See docs/reference/pathway.md.")
    faults.tell()
    registry, population = _population(head, faults)
    reading = Reading(faults, registry, file)
    reading.keys(head, HEAD, "a pathway")
    reading.sets(reading.section(head, "concepts"))
    return _Pack(head, reading, hashlib.sha256(content).hexdigest()).whole(registry, population)


def _population(head: Section, faults: Faults) -> tuple[Registry | None, Definition]:
    at = head["population"]
    if not isinstance(at, Section):
        faults.add(head.place("population"), "`population:` is no map.", "Write a phenotype, or {registry: NAME}.")
        faults.tell()
    if "registry" in at:
        for key in at:
            if key != "registry":
                faults.add(at.place(key), f"the population is a registry, and has '{key}'.", "Take one of the two out.")
        registry = _registry(at, "registry", faults)
        return registry, registry.cases
    if at.get("enter") == []:
        faults.add(at.place("enter"), "nobody enters the population.", "Say what brings somebody into it.")
        faults.tell()
    body = yaml.safe_dump(_plain(at), allow_unicode=True, sort_keys=False).encode()
    return None, phenotype.alone(body, name=str(head["pathway"]), file=f"{head.place('population')}: population")


def _meet(one: tuple[int | None, int | None], other: tuple[int | None, int | None]) -> bool:
    """Whether two periods have a day in common; None is an open end."""
    starts = [low for low, _ in (one, other) if low is not None]
    ends = [high for _, high in (one, other) if high is not None]
    return not starts or not ends or max(starts) <= min(ends)


@lru_cache(maxsize=8)
def _known(name: str) -> Registry:
    """A registry by name: it is read once, for a pathway is read at every call."""
    return registry_of(name)


def _registry(at: Section, key: str, faults: Faults) -> Registry:
    try:
        return _known(str(at[key]))
    except PackError as error:
        faults.add(at.place(key), f"the registry cannot be used: {error}", "Mend it, or name another.")
        faults.tell()
        raise


class _Pack:
    """The parts of a pack in the order in which they name each other."""

    def __init__(self, head: Section, reading: Reading, digest: str) -> None:
        self.head = head
        self.reading = reading
        self.faults = reading.faults
        self.digest = digest

    def whole(self, registry: Registry | None, population: Definition) -> Pack:
        """Everything, checked; raises PackError with the faults of all parts."""
        head, reading = self.head, self.reading
        records = self._records()
        steps = self._steps(records)
        parts = self._parts(steps)
        facts = self._facts()
        sources = dict(self._sources())
        reasons = {name: self._named(one, f"reason {name}") for name, one in self._entries("reasons")}
        looks = reading.window(head, "looks", ALWAYS, "the pathway")
        self._looked_at(steps, records, looks)
        anchor = self._anchor(steps)
        known = Known(steps, parts, facts, records, sources, reasons, looks)
        rules = Rules(reading, known).read(reading.section(head, "rules"))
        self._together(rules, known)
        for key, form in (("pathway", NAME), ("version", VERSION)):
            if not form.fullmatch(str(head.get(key, "1"))) or not isinstance(head.get(key, ""), KINDS[key]):
                self.faults.add(head.place(key), f"'{head[key]}' is no {key}.", "Use letters, digits, '.', '_', '-'.")
        hospital = str(head.get("hospital", "site"))
        if hospital not in HOSPITALS:
            self.faults.add(head.place("hospital"), f"'{hospital}' is no hospital.", f"Write {' or '.join(HOSPITALS)}.")
        if head.get("ends") not in (None, WITH_STAY):
            self.faults.add(
                head.place("ends"), f"the pathway cannot end '{head['ends']}'.", "Write with the stay, or nothing."
            )
        titles = reading.names(reading.section(head, "title"), "the pathway")
        valid = reading.period(head, "valid", "the pathway")
        for one in rules.values():
            if not _meet(one.valid, valid):
                self.faults.add(
                    one.place, f"rule {one.name} is in force only when the pathway is not.", "Mend `valid`."
                )
        ruled = _registry(head, "cases", self.faults) if head.get("cases") else registry
        self.faults.tell()
        return Pack(
            str(head["pathway"]), str(head.get("version", "1")), titles, valid, population, registry, ruled, hospital,
            anchor, looks, head.get("ends") == WITH_STAY, reading.concepts, records, steps, facts, rules, sources,
            reasons, self.digest, head.place("pathway"), parts,
        )  # fmt: skip

    def _together(self, rules: Mapping[str, Rule], known: Known) -> None:
        """Note rules that contradict each other, wait for each other, or leave each other no day."""
        named = {name: known.parts[one.number] for name, one in known.steps.items()}
        ground = Ground(known.looks, {one.number: name for name, one in known.steps.items()}, named)
        check(rules, ground.names, ground.parts, self.faults)
        check_room(rules, ground, self.faults)

    def _entries(self, key: str) -> Iterator[tuple[str, Section]]:
        at = self.reading.section(self.head, key)
        for name, one in at.items():
            if isinstance(one, Section):
                yield name, one
            else:
                self.faults.add(at.place(name), f"{key}: {name} is no map.", "Write what it is behind its name.")

    def _named(self, at: Section, what: str) -> Names:
        self.reading.keys(at, LANGUAGES, what)
        return self.reading.names(at, what)

    def _records(self) -> dict[str, Records]:
        found = {}
        for number, (name, at) in enumerate(self._entries("records"), start=1):
            what = f"kind of record {name}"
            self.reading.keys(at, (*LANGUAGES, *domains(), ITEM, "at least", "after"), what)
            events = self.reading.events(at, what)
            least = self.reading.days(at, "at least", what)
            if least == 0:
                self.faults.add(
                    at.place("at least"), f"{what}: at least 0 are delivered by everybody.", "Write 1 or more."
                )
            if events is not None:
                found[name] = Records(
                    name, number, self.reading.names(at, what), events, 1 if least is None else least,
                    self.reading.days(at, "after", what), at.place(),
                )  # fmt: skip
        return found

    def _steps(self, records: Mapping[str, Records]) -> dict[str, Step]:
        found: dict[str, Step] = {}
        for number, (name, at) in enumerate(self._entries("steps"), start=ANCHOR + 1):
            what = f"step {name}"
            self.reading.keys(at, next((keys for key, keys in STEPS.items() if key in at), STEP), what)
            delivered = str(at.get("records", ""))
            if delivered and delivered not in records:
                self.faults.add(
                    at.place("records"), f"{what}: there is no kind of record '{delivered}'.",
                    f"Declare it under `records`, or write one of: {', '.join(records) or 'none is declared'}.",
                )  # fmt: skip
            parts = tuple(str(one) for one in _several(at.get("any of")))
            if "any of" in at and not parts:
                self.faults.add(at.place("any of"), f"{what} is any of nothing.", "Name steps between [ and ].")
            events = () if "any of" in at else tuple(self._origins(at, what))
            found[name] = Step(
                name, number, self.reading.names(at, what), events, parts, delivered,
                self.reading.switch(at, "treatment", what), self.reading.days(at, "apart", what) or 0, at.place(),
            )  # fmt: skip
        return found

    def _origins(self, at: Section, what: str) -> Iterator[Events]:
        if "from" in at and not _several(at["from"]):
            self.faults.add(at.place("from"), f"{what} is from nothing.", "Write {procedure: SET} and the like.")
        for one in _several(at.get("from")) if "from" in at else [at]:
            if not isinstance(one, Section):
                self.faults.add(
                    at.place("from"), f"{what}: '{one}' is no event.", "Write {procedure: SET} and the like."
                )
                continue
            if one is not at:
                self.reading.keys(one, OF_EVENTS, what)
            events = self.reading.events(one, what)
            if events is not None:
                yield events

    def _parts(self, steps: Mapping[str, Step]) -> dict[int, tuple[int, ...]]:
        """The steps with events of their own that each step stands for; faults for unknown ones and rings."""
        found: dict[int, tuple[int, ...]] = {}

        def below(name: str, way: tuple[str, ...]) -> set[int]:
            step = steps[name]
            if name in way:
                ring = " → ".join([*way[way.index(name) :], name])
                self.faults.add(step.place, f"step {name} is part of itself: {ring} is a cycle.", "Take one part out.")
                return set()
            reached = set() if step.parts else {step.number}
            for part in step.parts:
                if part not in steps:
                    self.faults.add(
                        step.place, f"step {name}: there is no step '{part}'.", f"Write one of: {', '.join(steps)}."
                    )
                    continue
                reached |= below(part, (*way, name))
            return reached

        for name, step in steps.items():
            found[step.number] = tuple(sorted(below(name, ())))
        return found

    def _facts(self) -> dict[str, Fact]:
        found = {}
        for number, (name, at) in enumerate(self._entries("facts"), start=1):
            what = f"fact {name}"
            self.reading.keys(at, FACT, what)
            numeric, take = self.reading.switch(at, "numeric", what), at.get("take", "nearest")
            if take not in TAKES:
                self.faults.add(at.place("take"), f"{what}: '{take}' cannot be taken.", f"Write {', '.join(TAKES)}.")
                take = "nearest"
            sources = tuple(self._sources_of(at, what, numeric=numeric))
            codes = tuple(dict.fromkeys(code for _, codes in sources for code in codes))
            found[name] = Fact(
                name, number, self.reading.names(at, what), sources, codes, numeric, take,
                self.reading.window(at, "window", ALWAYS, what), at.place(),
            )  # fmt: skip
        return found

    def _sources_of(
        self, at: Section, what: str, *, numeric: bool
    ) -> Iterator[tuple[Events, Mapping[str, tuple[int | str, ...]]]]:
        """Where a fact comes from, the best first; a coded one says which values mean which code."""
        if not at.get("from"):
            self.faults.add(
                at.place(), f"{what} says not where it comes from.", "Write `from: [{observation: SET, …}]`."
            )
        for one in _several(at.get("from")):
            if not isinstance(one, Section):
                self.faults.add(
                    at.place("from"), f"{what}: '{one}' is no source.", "Write {observation: SET, codes: …}."
                )
                continue
            self.reading.keys(one, (*OF_EVENTS, "codes"), what)
            events = self.reading.events(one, what)
            codes = self.reading.section(one, "codes")
            if not numeric and not codes:
                self.faults.add(one.place(), f"{what}: no codes are said.", "Write `codes: {CODE: [values], …}`.")
            if numeric and codes:
                self.faults.add(one.place("codes"), f"{what} is a number, and has codes.", "Take out one of the two.")
            self._demand_apart(codes, what)
            if events is not None:
                yield events, {code: tuple(_several(value)) for code, value in codes.items()}

    def _demand_apart(self, codes: Section, what: str) -> None:
        """Note a value that stands for two codes."""
        meant: dict[object, str] = {}
        for code, values in codes.items():
            for value in _several(values):
                other = meant.setdefault(str(value), code)
                if other != code:
                    said = f"{what}: '{value}' means {other} and {code}."
                    self.faults.add(codes.place(code), said, "Let it stand with one of them.")

    def _looked_at(self, steps: Mapping[str, Step], records: Mapping[str, Records], looks: Window) -> None:
        """Note what comes again, or is delivered, only when the pathway looks no longer."""
        for step in steps.values():
            if step.apart >= looks.days > 0:
                self.faults.add(
                    step.place, f"step {step.name}: what comes again within {step.apart} days counts as one, and the "
                    f"pathway looks only from {looks.text}: it could never come again.",
                    "Write fewer days behind `apart`, or let the pathway look longer.",
                )  # fmt: skip
        for one in records.values():
            if one.after is not None and one.after > looks.high:
                self.faults.add(
                    one.place, f"kind of record {one.name}: only those {one.after} days after the beginning count, and "
                    f"the pathway looks only from {looks.text}.", "Write fewer days behind `after`.",
                )  # fmt: skip

    def _sources(self) -> Iterator[tuple[str, Source]]:
        for name, at in self._entries("sources"):
            self.reading.keys(at, ("title", "checked", "url"), f"source {name}")
            for key in ("title", "checked"):
                if not at.get(key):
                    mend = "Say which text it is." if key == "title" else "Say whether its text was read, and by whom."
                    self.faults.add(at.place(), f"source {name} has no `{key}`.", mend)
            title, checked = (self.reading.said(at, key, f"source {name}") for key in ("title", "checked"))
            yield name, Source(name, title, checked, str(at.get("url", "")))

    def _anchor(self, steps: Mapping[str, Step]) -> int:
        name = self.head.get("anchor")
        if name is None:
            return ANCHOR
        if name in steps:
            return steps[name].number
        self.faults.add(
            self.head.place("anchor"), f"the pathway begins with '{name}', which is no step.",
            f"Write one of: {', '.join(steps)}; or nothing, for the day of entry.",
        )  # fmt: skip
        return ANCHOR


def _plain(value: Any) -> Any:
    """Sections as plain maps."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
