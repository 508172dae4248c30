"""A registry pack: the folder of data that says what is kept of whom (`docs/reference/registry-pack.md`)."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from isthmus.base.document import Section
from isthmus.base.errors import InputError
from isthmus.research.cohorts import phenotype
from isthmus.research.cohorts.definition import Definition
from isthmus.research.registries import item as items
from isthmus.research.registries import layer, rules, sense
from isthmus.research.registries.computed import Computed, computed
from isthmus.research.registries.enrolment.model import Enrolment
from isthmus.research.registries.enrolment.reading import Reading as Enrolling
from isthmus.research.registries.faults import Faults
from isthmus.research.registries.figures import Figure, Figures
from isthmus.research.registries.item import CONCEPT, NAME, Item
from isthmus.research.registries.layer import HEAD, Layer
from isthmus.research.registries.names import Names
from isthmus.research.registries.rules import Endpoint, FollowUp, Formula, Lines, Regimen, Rule
from isthmus.research.registries.sheet import Row

KEYS = (
    "registry", "version", "title", "extends", "cases", "groups", "periods", "drop", "assumed unit", "hospital",
    "about", "source",
)  # fmt: skip
GRAINS = ("patient", "visit", "event", "line")
PERIODS = ("year", "quarter")
HOSPITALS = ("site", "care site")
TABLES = frozenset(
    {
        "value", "event", "line", "score", "finding", "rule", "endpoint", "conflict", "completeness", "worklist",
        "set_aside", "source", "dictionary", "manifest", "enrolment", "candidate", "evidence", "visit_due",
    }
)  # fmt: skip
"""Names of what every registry gives beside its groups."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of items, which becomes one table; `row` is what one of its rows stands for."""

    name: str
    names: Mapping[str, str]
    row: str
    anchor: str
    place: str


@dataclass(frozen=True, slots=True)
class Code:
    """One code of a list: the concepts (with whether those below count too) and texts that mean it."""

    list: str
    code: str
    names: Mapping[str, str]
    concepts: Sequence[tuple[int, bool]]
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Pack:
    """A checked pack. `lineage` are the names of its folders from the lowest to its own."""

    name: str
    version: str
    titles: Mapping[str, str]
    lineage: Sequence[str]
    cases: Definition
    period: str
    hospital: str
    groups: Mapping[str, Group]
    items: Mapping[str, Item]
    lists: Mapping[str, Sequence[Code]]
    formulas: Mapping[str, Formula]
    quality: Sequence[Rule]
    follow_up: FollowUp
    endpoints: Mapping[str, Endpoint]
    lines: Lines | None
    regimens: Sequence[Regimen]
    assumed: Mapping[str, str]
    computed: Computed
    enrolment: Enrolment
    figures: Sequence[Figure]
    digest: str
    layers: Sequence[Layer] = field(repr=False)


def load(name: str | Path, roots: Sequence[Path] = ()) -> Pack:
    """Read a pack by its folder, or by name: in `roots`, beside the pack that extends it, among those shipped.

    Raises PackError: one line for each fault, with file, line, item, cause and mend.
    """
    found = layer.layers(name, roots)
    whole = layer.merged(found)
    faults = Faults()
    head = whole.documents[HEAD]
    _check_head(head, found, faults)
    groups = _groups(head, found, faults)
    lists = _lists(whole.sheets["lists.csv"], faults)
    sense.lists(lists, whole.sheets["lists.csv"], faults)
    known = _items(whole, groups, lists, faults)
    groups = {name: one for name, one in groups.items() if any(each.group == name for each in known.values())}
    _check_anchors(groups, known, faults)
    read = rules.Reading(known, groups, lists, faults)
    formulas = read.formulas(whole.documents.get("derived.yaml"))
    follow_up, endpoints = read.endpoints(whole.documents.get("endpoints.yaml"))
    lines = read.lines(whole.documents.get("lines.yaml"))
    _check_lines(groups, lines, faults)
    regimens = read.regimens(whole.sheets["regimens.csv"], lines)
    quality = read.quality(whole.sheets["quality.csv"])
    assumed = read.assumed(head)
    figures = Figures(known, groups, formulas, lists, faults).read(whole.documents.get("report.yaml"), endpoints)
    enrolment = Enrolling(known, lists, _defined, faults).enrolment(whole.documents.get("enrolment.yaml"))
    worked = computed(Names(known, groups, formulas, lists), known, formulas, quality, endpoints, faults)
    cases = _cases(head, faults)
    sense.items(known, formulas, faults)
    sense.formulas(worked, formulas, faults)
    sense.documents(whole.documents, endpoints, lines, enrolment, faults)
    faults.tell()
    assert cases is not None  # or it had been told
    return Pack(
        str(head["registry"]), str(head.get("version", "1")), _names(head.get("title")),
        tuple(one.name for one in found), cases, str(head.get("periods", "year")),
        str(head.get("hospital", "site")), groups, known, lists,
        formulas, quality, follow_up, endpoints, lines, regimens, assumed, worked, enrolment,
        figures, layer.digest(found), found,
    )  # fmt: skip


def plain(value: Any) -> Any:
    """Sections as plain maps."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value if value is not None else {}


def _names(value: Any) -> Mapping[str, str]:
    return {str(key): str(one) for key, one in value.items()} if isinstance(value, dict) else {"en": str(value or "")}


def _check_head(head: Section, found: Sequence[Layer], faults: Faults) -> None:
    for one in found:
        own = one.documents[HEAD]
        for key in own:
            if key not in KEYS:
                faults.add(own.place(key), f"'{key}' is not known here.", f"Write one of: {', '.join(KEYS)}.")
        _check_drop(own, {each for before in found[: found.index(one)] for each in before.items}, faults)
    for key in ("registry", "cases", "groups"):
        if key not in head:
            faults.add(head.place(), f"`{key}:` is missing here.", "See docs/reference/registry-pack.md.")
            faults.tell()
    if str(head.get("periods", "year")) not in PERIODS:
        faults.add(head.place("periods"), f"'{head['periods']}' is no period.", "Write year or quarter.")

    if str(head.get("hospital", "site")) not in HOSPITALS:
        faults.add(head.place("hospital"), f"'{head['hospital']}' is no hospital.", f"Write {' or '.join(HOSPITALS)}.")
    sense.head(head, found, faults)


def _check_drop(own: Section, below: Set[str], faults: Faults) -> None:
    dropped = own.get("drop") or []
    if not isinstance(dropped, list):
        faults.add(own.place("drop"), "`drop` is a list of items.", "Write [one, another].")
        faults.tell()
    for name in dropped:
        if name not in below:
            faults.add(own.place("drop"), f"'{name}' is dropped, but no pack below has it.", "Correct or remove it.")


def _groups(head: Section, found: Sequence[Layer], faults: Faults) -> dict[str, Group]:
    """The groups of all layers: one of the same name takes the place of that below, new ones stand behind."""
    groups: dict[str, Group] = {}
    for one in found:
        own = one.documents[HEAD]
        for entry in own.get("groups") or ():
            if not isinstance(entry, Section) or "group" not in entry:
                faults.add(own.place("groups"), "a group is a map with `group`.", "Write {group: NAME, en: …, zh: …}.")
                continue
            for key in entry:
                if key not in ("group", "en", "zh", "row", "anchor"):
                    faults.add(entry.place(key), f"a group has no '{key}'.", "Known: group, en, zh, row, anchor.")
            group = Group(
                str(entry["group"]), {name: str(entry.get(name, "")) for name in ("en", "zh")},
                str(entry.get("row", "patient")), str(entry.get("anchor", "")), entry.place(),
            )  # fmt: skip
            if not NAME.fullmatch(group.name) or group.name in TABLES:
                said = "the name of a table of every registry" if group.name in TABLES else "no name of a table"
                mend = "Write small letters, digits and _." if group.name not in TABLES else "Choose another."
                faults.add(entry.place("group"), f"'{group.name}' is {said}.", mend)
            if group.row not in GRAINS:
                faults.add(entry.place("row"), f"'{group.row}' is no kind of row.", f"Write {', '.join(GRAINS)}.")
            groups[group.name] = group
    return groups


def _items(
    whole: Layer, groups: Mapping[str, Group], lists: Mapping[str, object], faults: Faults
) -> dict[str, Item]:  # fmt: skip
    found: list[Item] = []
    for name, row in whole.items.items():
        if row["group"] not in groups:
            known = ", ".join(groups)
            faults.add(
                row.place("group"), f"item {name} stands in a group '{row['group']}' that is not declared.",
                f"Add it to `groups` of registry.yaml, or name the file after one of: {known}.",
            )  # fmt: skip
        found.append(items.item(row, row["group"], lists, faults))
    order = {name: at for at, name in enumerate(groups)}
    return {one.name: one for one in sorted(found, key=lambda one: order.get(one.group, len(order)))}


def _check_anchors(groups: Mapping[str, Group], known: Mapping[str, Item], faults: Faults) -> None:
    for group in groups.values():
        if group.row == "event" and group.anchor not in known:
            said = f"its anchor '{group.anchor}' is no item." if group.anchor else "it has no anchor."
            faults.add(
                group.place, f"group {group.name} has one row for each event, but {said}",
                "Name the item whose dates open the rows: `anchor: ITEM`.",
            )  # fmt: skip
        if group.row != "event" and group.anchor:
            faults.add(
                group.place, f"group {group.name} has rows of a {group.row}, which need no anchor.", "Remove it."
            )


def _check_lines(groups: Mapping[str, Group], lines: Lines | None, faults: Faults) -> None:
    for group in groups.values():
        if group.row == "line" and lines is None:
            faults.add(
                group.place, f"group {group.name} has rows of lines, but there is no lines.yaml.",
                "Say in lines.yaml which item's values are drugs.",
            )  # fmt: skip


def _lists(rows: Mapping[str, Row], faults: Faults) -> dict[str, list[Code]]:
    found: dict[str, list[Code]] = {}
    for row in rows.values():
        concepts = []
        for text in _parts(row.get("concepts", "")):
            match = CONCEPT.fullmatch(text)
            if match is None:
                faults.add(
                    row.place("concepts"), f"list {row['list']}, code {row['code']}: '{text}' is no concept.",
                    "Write ids as 45877994 or `4001171 and below`, with | between them.",
                )  # fmt: skip
                continue
            concepts.append((int(match["id"]), bool(match["below"])))
        code = Code(
            row["list"], row["code"], {name: row.get(name, "") for name in ("en", "zh")}, tuple(concepts),
            tuple(_parts(row.get("texts", ""))),
        )  # fmt: skip
        found.setdefault(code.list, []).append(code)
    for name, codes in found.items():
        _check_list(name, codes, rows, faults)
    return found


def _check_list(name: str, codes: Sequence[Code], rows: Mapping[str, Row], faults: Faults) -> None:
    """What is written means one code."""
    meant: dict[Any, str] = {}
    for one in codes:
        for said in (*(concept for concept, _ in one.concepts), *(text.casefold() for text in one.texts)):
            if meant.setdefault(said, one.code) != one.code:
                faults.add(
                    rows[f"{name} {one.code}"].place(), f"list {name}: '{said}' means {meant[said]} and {one.code}.",
                    "Leave it with one of the two.",
                )  # fmt: skip


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split("|") if part.strip()]


def _cases(head: Section, faults: Faults) -> Definition | None:
    try:
        return _defined(head["cases"], str(head["registry"]), f"{head.place('cases')}: cases")
    except InputError as error:
        faults.note(str(error))
        return None


def _defined(body: Any, name: str, place: str) -> Definition:
    """A phenotype that stands in a pack."""
    content = yaml.safe_dump(plain(body), allow_unicode=True, sort_keys=False).encode()
    return phenotype.alone(content, name=name, file=place)
