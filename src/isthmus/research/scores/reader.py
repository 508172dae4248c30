"""From YAML files to scores. Every error names file, line, item, cause and mend."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from isthmus.base import document
from isthmus.base.document import Section
from isthmus.base.errors import UsageError
from isthmus.research.expression import Expression, Kind, parse
from isthmus.research.scores.examples import read_examples
from isthmus.research.scores.faults import check_keys, choice_of, fault, number_of, section_of, sections_of, text_of
from isthmus.research.scores.inputs import read_input
from isthmus.research.scores.plan import GRADE, HIT, LEAST, MOST, VALUE
from isthmus.research.scores.rule import Checked, Cut, Grade, Input, Points, Score

HERE = Path(__file__).parent / "rules"
INPUTS = "inputs.yaml"
FILE = ("family", "title", "scores")
SCORE = (
    "of", "version", "title", "source", "checked", "about", "partial", "inputs", "let", "points", "value", "unit",
    "round", "grades", "examples",
)  # fmt: skip
NEEDED = ("version", "title", "source", "checked", "partial", "inputs", "examples")
NAME = re.compile(r"[a-z][a-z0-9_]*(?:@[a-z0-9-]+)?")
STEP = re.compile(r"[a-z][a-z0-9_]*")
TRUTH = {str(one): one for one in (True, False)}  # as the keys `yes` and `no` are read
RESERVED = frozenset({VALUE, GRADE, HIT, LEAST, MOST})


@cache
def shipped() -> Mapping[str, Score]:
    """The scores that come with Isthmus, by name; `name@version` is a published variant."""
    return MappingProxyType(read(HERE))


def find(name: str, known: Mapping[str, Score] | None = None) -> Score:
    """The score of a name. Raises UsageError when there is none."""
    scores = shipped() if known is None else known
    if name not in scores:
        raise UsageError(f"there is no score '{name}'. There are: {', '.join(scores)}.")
    return scores[name]


def read(folder: Path, over: Mapping[str, Score] | None = None) -> dict[str, Score]:
    """The scores of a folder's YAML files, by name, after those of `over`. Inputs are described in its `inputs.yaml`.

    :raises PackError: a file is wrong.
    """
    scores = dict(over or {})
    usual: dict[str, Section] = {}
    places = [HERE / INPUTS, folder / INPUTS] if folder != HERE else [HERE / INPUTS]
    for path in places:
        if path.exists():
            head = document.read(path)
            check_keys(head, "the file", ("inputs",), ("inputs",))
            usual |= {name: section_of(head["inputs"], name, name) for name in section_of(head, "inputs", "the file")}
    written: dict[str, Section] = {}
    for path in sorted(folder.glob("*.yaml")):
        if path.name != INPUTS:
            for name, body in _file(path, written).items():
                scores[name] = _score(name, body[0], body[1], usual)
    return scores


def _file(path: Path, written: dict[str, Section]) -> dict[str, tuple[str, Section]]:
    """Family and body of each score of a file, variants laid over what they are `of`."""
    head = document.read(path)
    check_keys(head, "the file", FILE, FILE)
    family, found = text_of(head, "family", "the file"), {}
    for name in section_of(head, "scores", "the file"):
        item = f"score {name}"
        body = section_of(head["scores"], name, item)
        if not NAME.fullmatch(name):
            raise fault(
                head["scores"].place(name), item, "that is no name", "Use a-z, 0-9 and _, and @variant behind it"
            )
        if name in written:
            raise fault(head["scores"].place(name), item, "it stands twice", f"Rename it, or {written[name].place()}")
        check_keys(body, item, SCORE)
        _with_empty_inputs(body, item)
        base = text_of(body, "of", item)
        if base and base not in written:
            raise fault(body.place("of"), item, f"there is no score '{base}' before it", "Put that one before it")
        if base:
            body = _without_examples(written[base]).merged(body)
        written[name] = body
        found[name] = (family, body)
    return found


def _with_empty_inputs(body: Section, item: str) -> None:
    """An input with nothing behind its name is as it usually is."""
    for name in section_of(body, "inputs", item):
        body["inputs"][name] = section_of(body["inputs"], name, item)


def _without_examples(body: Section) -> Section:
    """A score as the beginning of a variant, which has worked examples of its own."""
    kept = {key: value for key, value in body.items() if key not in ("examples", "of")}
    return Section(kept, file=body.file, lines=body.lines, line=body.line)


def _score(name: str, family: str, body: Section, usual: Mapping[str, Section]) -> Score:
    item = f"score {name}"
    check_keys(body, item, SCORE, NEEDED)
    title = section_of(body, "title", item)
    check_keys(title, item, ("en", "zh"), ("en", "zh"))
    inputs = {
        one: read_input(one, usual.get(one), section_of(body["inputs"], one, item))
        for one in section_of(body, "inputs", item)
    }
    steps = _Steps(item, inputs)
    let = steps.let(section_of(body, "let", item))
    points = steps.points(section_of(body, "points", item))
    value = steps.value(body)
    grades = steps.grades(sections_of(body, "grades", item))
    if value is None and not points and not grades:
        raise fault(body.place(), item, "it gives nothing", "Add `value`, `points` or `grades`")
    steps.check_used(section_of(body, "inputs", item))
    return Score(
        name, text_of(body, "version", item), text_of(title, "en", item), text_of(title, "zh", item), family,
        text_of(body, "source", item), _checked(body, item), text_of(body, "about", item),
        text_of(body, "partial", item), MappingProxyType(inputs), MappingProxyType(let), points, value,
        text_of(body, "unit", item), _places(body, item), grades, read_examples(body, item, inputs, let), body.place(),
    )  # fmt: skip


def _places(body: Section, item: str) -> int | None:
    if body.get("round") is None:
        return None
    places = number_of(body, "round", item)
    if places != int(places) or not 0 <= places <= 9:
        raise fault(body.place("round"), item, "`round` is a number of decimals", "Write 0 to 9, or take it out")
    return int(places)


def _checked(body: Section, item: str) -> tuple[Checked, ...]:
    found = []
    for one in sections_of(body, "checked", item):
        check_keys(one, item, ("what", "how", "against"), ("what", "how"))
        how, against = choice_of(one, "how", item, ("read", "recalled"), ""), text_of(one, "against", item)
        if how == "read" and not against:
            raise fault(one.place(), item, "it was read, and no text is named", "Add `against:`, or say `recalled`")
        found.append(Checked(text_of(one, "what", item), how, against))
    return tuple(found)


class _Steps:
    """Reads the expressions of one score, and remembers which names they use."""

    def __init__(self, item: str, inputs: Mapping[str, Input]) -> None:
        self.item = item
        self.inputs = inputs
        self.kinds: dict[str, Kind | None] = {name: one.kind for name, one in inputs.items()}
        self.used: set[str] = set()

    def let(self, section: Section) -> dict[str, Expression]:
        """The steps, each over inputs and those before it."""
        found = {}
        for name in section:
            if not STEP.fullmatch(name) or name in self.kinds or name in RESERVED:
                taken = (
                    f"'{name}' is the name of an input, or taken" if STEP.fullmatch(name) else f"'{name}' is no name"
                )
                raise fault(section.place(name), self.item, taken, "Choose another, of a-z, 0-9 and _")
            found[name] = self._parsed(section, name)
            self.kinds[name] = found[name].kind
        return found

    def value(self, body: Section) -> Expression | None:
        """The value; None where there is none."""
        if body.get("value") is None:
            return None
        read = self._parsed(body, "value")
        self._demand(read, Kind.NUMBER, body, "value")
        return read

    def points(self, section: Section) -> tuple[Points, ...]:
        """What gives points."""
        found = []
        for name in section:
            if name not in self.kinds:
                known = ", ".join(self.kinds)
                raise fault(section.place(name), self.item, f"`{name}` is no input and no step", f"Known: {known}")
            self.used.add(name)
            if isinstance(section[name], Section):
                found.append(self._by_codes(name, section[name]))
            else:
                found.append(self._by_cuts(name, section))
        return tuple(found)

    def _by_codes(self, name: str, section: Section) -> Points:
        if self.kinds[name] is Kind.TRUTH:
            return self._by_truth(name, section)
        one = self.inputs.get(name)
        if one is None or one.kind is not Kind.TEXT or set(section) != set(one.codes):
            codes = ", ".join(map(str, one.codes)) if one else "none"
            cause = f"`{name}` does not give points for each of its codes and no other"
            raise fault(section.place(), self.item, cause, f"Its codes: {codes}")
        return Points(name, codes=tuple((code, number_of(section, code, self.item)) for code in section))

    def _by_truth(self, name: str, section: Section) -> Points:
        if set(section) != set(TRUTH):
            cause = f"`{name}` does not give points for yes and for no"
            raise fault(section.place(), self.item, cause, "Write `{yes: 1, no: 0}`")
        return Points(name, codes=tuple((TRUTH[key], number_of(section, key, self.item)) for key in section))

    def _by_cuts(self, name: str, section: Section) -> Points:
        if self.kinds[name] not in (Kind.NUMBER, None):
            raise fault(section.place(name), self.item, f"`{name}` is no number to cut", "Give points to its codes")
        lines = sections_of(section, name, self.item)
        for one in lines:
            check_keys(one, self.item, ("below", "upto", "points"), ("points",))
        cuts = self._cuts(lines, section.place(name))
        return Points(
            name, tuple((cut, number_of(one, "points", self.item)) for cut, one in zip(cuts, lines, strict=True))
        )

    def grades(self, lines: list[Section]) -> tuple[Grade, ...]:
        """The grades, from the first that is looked at to the last."""
        for one in lines:
            check_keys(one, self.item, ("grade", "below", "upto", "when", "en", "zh"), ("grade", "en", "zh"))
        conditional = any("when" in one for one in lines)
        cuts = [None] * len(lines) if conditional or not lines else self._cuts(lines, lines[0].place())
        found: dict[str, Grade] = {}
        for number, (one, cut) in enumerate(zip(lines, cuts, strict=True), start=1):
            name = text_of(one, "grade", self.item)
            if name in found:
                raise fault(one.place(), self.item, f"grade {name} stands twice", "Join the two conditions with `or`")
            when = self._condition(one, last=number == len(lines)) if conditional else None
            found[name] = Grade(name, text_of(one, "en", self.item), text_of(one, "zh", self.item), cut, when)
        return tuple(found.values())

    def _condition(self, one: Section, *, last: bool) -> Expression | None:
        if "below" in one or "upto" in one:
            raise fault(one.place(), self.item, "some grades have limits and some conditions", "Write all as `when`")
        if "when" not in one:
            if last:
                return None
            raise fault(
                one.place(), self.item, "a grade before the last has no `when`", "Add it, or move it to the end"
            )
        read = self._parsed(one, "when")
        self._demand(read, Kind.TRUTH, one, "when")
        return read

    def _cuts(self, lines: list[Section], place: str) -> list[Cut]:
        """Limits in rising order; the last has none."""
        found: list[Cut] = []
        for number, one in enumerate(lines, start=1):
            keys = [key for key in ("below", "upto") if key in one]
            if len(keys) != (number < len(lines)):
                cause = "each line but the last has one of `below` and `upto`, the last has neither"
                raise fault(one.place(), self.item, cause, "Cut the numbers from the lowest to the highest")
            limit = number_of(one, keys[0], self.item) if keys else None
            if found and limit is not None and limit <= (found[-1].limit or 0.0) and found[-1].limit is not None:
                raise fault(one.place(), self.item, "the limits do not rise", "Put the lower one first")
            found.append(Cut(limit, keys == ["below"]))
        if not found:
            raise fault(place, self.item, "there is no line", "Write `- {upto: 5, points: 1}` lines")
        return found

    def _parsed(self, section: Section, key: str) -> Expression:
        read = parse(section[key], f"{section.place(key)}: {self.item}, `{key}`", self.kinds)
        self.used.update(read.names)
        return read

    def _demand(self, read: Expression, kind: Kind, section: Section, key: str) -> None:
        if read.kind not in (kind, None):
            raise fault(section.place(key), self.item, f"`{key}` gives {read.kind}, not {kind}", "Mend the expression")

    def check_used(self, section: Section) -> None:
        """Raise PackError for an input that nothing reads."""
        for name in self.inputs:
            if name not in self.used:
                raise fault(
                    section.place(name), self.item, f"input {name} is used by nothing", "Take it out, or use it"
                )
