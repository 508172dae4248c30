"""The base: all packs laid together, and held against each other."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType

from isthmus.apps.advice.pack.fact import DAY, Fact, Facts
from isthmus.apps.advice.pack.graph import Concept, Graph, Relation
from isthmus.apps.advice.pack.rule import Reading, Rule, names_of
from isthmus.apps.advice.pack.sheets import check_pairs, check_rings, read_concepts, read_relations
from isthmus.apps.advice.pack.signs import SignReading, Signs
from isthmus.apps.advice.pack.sound import check_facts, check_over, check_together
from isthmus.apps.contract import Context, InputError
from isthmus.apps.contract import documents as document
from isthmus.apps.contract.documents import Faults, Section, check_keys, choice_of, section_of, sections_of, text_of

HERE = Path(__file__).parents[1] / "packs"
HEAD = ("pack", "version", "title", "about", "needs", "sources", "reasons")
SOURCE = ("title", "url", "checked", "about")


@dataclass(frozen=True, slots=True)
class Checked:
    """What of a source was held against its text: `how` is `read` (that text was seen), or `recalled`."""

    what: str
    how: str
    against: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule comes from, and whether its text was checked."""

    name: str
    title: str
    url: str
    checked: tuple[Checked, ...]

    @property
    def read(self) -> bool:
        """Whether all that was checked was held against a text."""
        return bool(self.checked) and all(one.how == "read" for one in self.checked)


@dataclass(frozen=True, slots=True)
class Pack:
    """The head of a pack."""

    name: str
    version: str
    title: Mapping[str, str]
    place: str


@dataclass(frozen=True, slots=True)
class Base:
    """A checked base. `reasons` are what may be said when a card is overridden, by code and language."""

    packs: tuple[Pack, ...]
    graph: Graph
    facts: Mapping[str, Fact]
    rules: Mapping[str, Rule]
    sources: Mapping[str, Source]
    reasons: Mapping[str, Mapping[str, str]]
    digest: str
    signs: Signs

    def fact(self, name: str) -> Fact | None:
        """The fact that a name of an expression means; None for what everybody has."""
        return self.facts.get(name) or self.facts.get(name.removesuffix(DAY))

    def needed(self, rules: Sequence[Rule]) -> list[Fact]:
        """The facts that some rules need, each after those that it is reckoned from."""
        return self.needing([name for rule in rules for name in names_of(rule)])

    def needing(self, names: Sequence[str]) -> list[Fact]:
        """The facts of some names, each after those that it is reckoned from."""
        found: dict[str, Fact] = {}
        for name in names:
            self._add(name, found)
        return list(found.values())

    def names_of(self, names: Sequence[str]) -> list[str]:
        """Names, and those of the facts that they are reckoned from, each once."""
        found: dict[str, None] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop(0)
            if name not in found:
                found[name] = None
                one = self.fact(name)
                waiting += one.needs if one is not None else ()
        return list(found)

    def _add(self, name: str, found: dict[str, Fact]) -> None:
        one = self.fact(name)
        if one is not None and one.name not in found:
            for below in one.needs:
                self._add(below, found)
            found[one.name] = one


@cache
def shipped() -> Base:
    """The base of the packs that come with Isthmus."""
    return read(sorted(one for one in HERE.iterdir() if (one / "pack.yaml").is_file()))


def base_of(at: Context) -> Base:
    """The base of the packs that come along and, where the setting `knowledge` names a folder, of those in it.

    It is read anew when a file there has changed. Raises InputError where there is no such folder, PackError where a
    pack in it is wrong: then nobody is advised, rather than by rules of which some are missing.
    """
    own = _own(at)
    if not own:
        return shipped()
    files = sorted(one for folder in own for one in folder.rglob("*") if one.is_file())
    return _with(own, tuple((str(one), one.stat().st_mtime_ns, one.stat().st_size) for one in files))


def folders(at: Context) -> list[Path]:
    """The folders of the packs that come along and of those that the setting `knowledge` adds."""
    return [*_along(), *_own(at)]


def _along() -> list[Path]:
    return [one for one in sorted(HERE.iterdir()) if (one / "pack.yaml").is_file()]


def _own(at: Context) -> tuple[Path, ...]:
    """The folders below that of the setting `knowledge`; none without one. Raises InputError where it has none."""
    named = str(at.settings.get("knowledge", ""))
    own = tuple(sorted(one.parent for one in Path(named).glob("*/pack.yaml"))) if named else ()
    if named and not own:
        raise InputError(
            "the folder of the setting `knowledge` holds no pack. Put each into a folder of its own with a pack.yaml."
        )
    return own


@lru_cache(maxsize=4)
def _with(own: tuple[Path, ...], files: tuple[tuple[str, int, int], ...]) -> Base:
    return read([*_along(), *own])


def read(folders: Sequence[Path]) -> Base:
    """The base of some packs, those first that others need.

    Raises PackError: one line for each fault, with file, line, item, cause and mend.
    """
    faults = Faults()
    heads = {folder: _head(folder, faults) for folder in folders}
    ordered = _ordered(heads, faults)
    faults.tell()
    concepts: dict[str, Concept] = {}
    relations: list[Relation] = []
    sources: dict[str, Source] = {}
    reasons: dict[str, Mapping[str, str]] = {}
    for folder in ordered:
        label = folder.name
        sources |= _sources(heads[folder], sources, faults)
        reasons |= _reasons(heads[folder])
        concepts = read_concepts(folder / "concepts.csv", f"{label}/concepts.csv", concepts, faults)
        path = folder / "relations.csv"
        relations += read_relations(path, label, f"{label}/relations.csv", concepts, sources, faults)
    check_rings(relations, faults)
    check_pairs(relations, faults)
    facts = Facts(concepts, faults)
    signs = SignReading(concepts, facts, sources, faults)
    for folder in ordered:
        if (folder / "facts.yaml").exists():
            head = document.read(folder / "facts.yaml", name=f"{folder.name}/facts.yaml")
            facts.read(section_of(head, "facts", "the file"), folder.name)
        signs.read(folder)
    graph = Graph(concepts, [*relations, *signs.signs().relations(concepts)])
    rules = _rules(ordered, graph, facts, sources, reasons, faults)
    check_facts(facts.known, signs.signs(), faults)
    check_together(list(rules.values()), graph, facts.known, faults)
    faults.tell()
    packs = tuple(_pack(heads[folder]) for folder in ordered)
    return Base(
        packs, graph, MappingProxyType(facts.known), MappingProxyType(rules), MappingProxyType(sources),
        MappingProxyType(reasons), _digest(ordered), signs.signs(),
    )  # fmt: skip


def _head(folder: Path, faults: Faults) -> Section:
    head = document.read(folder / "pack.yaml", name=f"{folder.name}/pack.yaml")
    check_keys(head, "the pack", HEAD, ("pack", "version", "title"))
    if head["pack"] != folder.name:
        faults.note(
            f"{head.place('pack')}: the pack: it is called {head['pack']}, its folder {folder.name}. Make them one."
        )
    return head


def _pack(head: Section) -> Pack:
    title = section_of(head, "title", "the pack")
    return Pack(
        str(head["pack"]), text_of(head, "version", "the pack"), {one: str(title[one]) for one in title}, head.place()
    )


def _ordered(heads: Mapping[Path, Section], faults: Faults) -> list[Path]:
    """The folders, each after those that it needs."""
    named = {folder.name: folder for folder in heads}
    found: dict[Path, None] = {}
    waiting = dict(heads)
    while waiting:
        ready = [
            one for one, head in waiting.items() if all(named.get(need) in found for need in head.get("needs", ()))
        ]
        if not ready:
            for folder, head in waiting.items():
                lacking = [need for need in head["needs"] if named.get(need) not in found]
                faults.note(
                    f"{head.place('needs')}: pack {folder.name}: it needs {lacking[0]}, which is not there or needs "
                    "this pack itself. Add that pack's folder, or take the name out."
                )
            return list(found)
        for one in ready:
            found[one] = None
            del waiting[one]
    return list(found)


def _sources(head: Section, known: Mapping[str, Source], faults: Faults) -> dict[str, Source]:
    found = {}
    section = section_of(head, "sources", "the pack")
    for name in section:
        item = f"source {name}"
        body = section_of(section, name, item)
        check_keys(body, item, SOURCE, ("title", "checked"))
        if name in known:
            faults.note(f"{section.place(name)}: {item}: another pack has it. Rename it, or take it out.")
        checked = []
        for one in sections_of(body, "checked", item):
            check_keys(one, item, ("what", "how", "against"), ("what", "how"))
            how, against = choice_of(one, "how", item, ("read", "recalled"), ""), text_of(one, "against", item)
            if how == "read" and not against:
                faults.note(
                    f"{one.place()}: {item}: it was read, and no text is named. Add `against:`, or say `recalled`."
                )
            checked.append(Checked(text_of(one, "what", item), how, against))
        found[name] = Source(name, text_of(body, "title", item), text_of(body, "url", item), tuple(checked))
    return found


def _reasons(head: Section) -> dict[str, Mapping[str, str]]:
    section = section_of(head, "reasons", "the pack")
    found: dict[str, Mapping[str, str]] = {}
    for name in section:
        body = section_of(section, name, f"reason {name}")
        check_keys(body, f"reason {name}", ("en", "zh"), ("en", "zh"))
        found[name] = {"en": str(body["en"]), "zh": str(body["zh"])}
    return found


def _rules(
    folders: Sequence[Path], graph: Graph, facts: Facts, sources: Mapping[str, Source],
    reasons: Mapping[str, Mapping[str, str]], faults: Faults,
) -> dict[str, Rule]:  # fmt: skip
    found: dict[str, Rule] = {}
    for folder in folders:
        if not (folder / "rules.yaml").exists():
            continue
        head = document.read(folder / "rules.yaml", name=f"{folder.name}/rules.yaml")
        check_keys(head, "the file", ("rules",), ("rules",))
        for rule in Reading(folder.name, graph, facts, sources, reasons, faults).rules(head):
            if rule.name in found:
                faults.note(
                    f"{rule.place}: rule {rule.name}: it stands already at {found[rule.name].place}. Rename it."
                )
            found[rule.name] = rule
    check_over(found, faults)
    return found


def _digest(folders: Sequence[Path]) -> str:
    """What stands for the packs as they are: the digest of their files in order."""
    whole = hashlib.sha256()
    for folder in folders:
        for path in sorted(one for one in folder.iterdir() if one.is_file()):
            content = path.read_bytes()
            whole.update(f"{folder.name}/{path.name} {len(content)}\n".encode() + content)
    return whole.hexdigest()
