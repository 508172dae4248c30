"""Rule sets judged over what a site delivered, as far as it stands in an edition; results are kept with the edition."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec
import orjson
import pyarrow as pa

from isthmus.base.errors import InputError
from isthmus.flow.quality import files_of
from isthmus.flow.rules.lots import Lot, lots
from isthmus.flow.rules.plan import JUDGED, Judging, named, planned
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import literal, query, teach
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.lake.engine import Engine
from isthmus.mapping.pack import Pack
from isthmus.quality.rules import catalogue
from isthmus.quality.rules.catalogue import Point, Rule, RuleSet, sources

__all__ = ["At", "Judged", "Outcome", "Point", "Rule", "judged", "sources"]

FORM = 1
Seen = tuple[Judging, pa.Schema]
"""What judged a lot, and the columns of the lot."""
FILES = 3  # with most wrong records, that are named
# What stands of the records that were read: not repeats, not what gave way, not what could not be read.
STANDING = "SELECT DISTINCT part_id AS _part, place AS _place FROM record WHERE outcome IN ('mapped', 'kept')"
RAW = "SELECT r.* FROM lot r SEMI JOIN standing USING (_part, _place)"
CODES = """
    SELECT DISTINCT {system} AS _system, concept_code AS _code, 1 AS _concept FROM concept WHERE vocabulary_id = {name}
"""
KEYS = 'SELECT DISTINCT {system} AS _system, trim(CAST("{column}" AS TEXT)) AS _code, 1 AS _concept FROM lot'


@dataclass(frozen=True, slots=True)
class At:
    """A file with wrong records: its part, how many, and the place of the first."""

    part_id: int
    rows: int
    place: int


@dataclass(slots=True)
class Outcome:
    """What became of a rule: how much was asked, how much is wrong, in which files; or why nothing could be asked
    (`why`: "no column" or "no list", and of what), empty where it was."""

    rule_id: str
    asked: int = 0
    wrong: int = 0
    why: Sequence[str] = ()
    places: list[At] = field(default_factory=list)

    @property
    def right(self) -> int:
        """What holds."""
        return self.asked - self.wrong

    @property
    def ratio(self) -> float | None:
        """The share that holds; None where nothing was asked."""
        return self.right / self.asked if self.asked else None


@dataclass(slots=True)
class Judged:
    """A rule set at a site: its records, the outcome of each rule, and of the score the points that could be judged, by
    the place of each how many records lost it, and the points that all records lost together."""

    name: str
    records: int = 0
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    lost_at: dict[int, int] = field(default_factory=dict)
    judged: float = 0.0
    lost: float = 0.0

    @property
    def rules(self) -> RuleSet:
        """The rule set."""
        return catalogue.sets()[self.name]

    @property
    def score(self) -> float | None:
        """The mean of points that a record keeps, of those that could be judged; None without points or records."""
        return self.judged - self.lost / self.records if self.records and self.judged else None


def judged(workspace: Workspace, site: str, *, edition: int | None = None) -> list[Judged]:
    """The rule sets that a site's deliveries have records for; computed once for each edition.

    Raises InputError before the first edition, or for a site that is not registered.
    """
    workspace.site(site)
    chosen = workspace.lake.editions.current() if edition is None else workspace.lake.editions.get(edition)
    if chosen is None:
        raise InputError("nothing is published yet, so there is nothing to judge. Run `isthmus ingest` first.")
    name = f"rules-{FORM}-{catalogue.digest()[:12]}-site-{site}"
    kept = workspace.lake.editions.kept(chosen, name)
    if kept is not None:
        return msgspec.json.decode(kept, type=list[Judged])
    found = [one for one in _sets(workspace, chosen, site) if one.records]
    with suppress(OSError):  # where only reading is allowed, they are judged again the next time
        workspace.lake.editions.keep(
            chosen, name, orjson.dumps([asdict(one) for one in found], option=orjson.OPT_NON_STR_KEYS)
        )
    return found


def _sets(workspace: Workspace, edition: Edition, site: str) -> Iterator[Judged]:
    with workspace.lake.engine() as engine:
        teach(engine)
        engine.view("record", files_of(workspace, edition, "record", site), empty=schema_of("record"))
        engine.create("standing", query(STANDING))
        engine.view("concept", files_of(workspace, edition, "concept"), empty=schema_of("concept"))
        for rules in catalogue.sets().values():
            result = Judged(rules.name, outcomes={one.rule_id: Outcome(one.rule_id) for one in rules.rules})
            keys = _keys(engine, workspace, edition, site, rules)
            seen: Seen | None = None
            for lot in lots(workspace, edition, site, rules):
                seen, sums = _of_lot(engine, rules, lot, keys, seen)
                _add(result, seen[0], sums)
            yield result


def _of_lot(
    engine: Engine, rules: RuleSet, lot: Lot, keys: Sequence[str], seen: Seen | None
) -> tuple[Seen, list[dict[str, Any]]]:
    """The sums of a lot by file. `seen` is what judged the lot before: where it is the same, the views stand, for to
    read them again takes as long as to judge some thousand records.
    """
    known = (*keys, *_lists(engine, rules, lot.pack))
    columns = tuple(name for name in lot.rows.column_names if name != "_place")
    judging = planned(rules, lot.pack, columns, known)
    engine.load("lot", lot.rows)
    if seen is None or judging is not seen[0] or lot.rows.schema != seen[1]:
        # Views, for a table of 640 columns takes a block for each column and thread, however few rows it has.
        engine.create_view("raw", query(RAW))
        engine.create_view(JUDGED, judging.judged)
    sums = engine.rows(judging.sums).to_pylist()
    engine.drop("lot")
    return (judging, lot.rows.schema), sums


def _lists(engine: Engine, rules: RuleSet, pack: Pack) -> list[str]:
    """Fill the table that `concept` looks up in with a pack's lists and vocabularies; the names of those found."""
    found = []
    engine.create("code_first", query("SELECT * FROM linked"))
    for name, told in rules.known.items():
        if "list" in told and pack.codes.get(told["list"]):
            codes = [row["code"] for row in pack.codes[told["list"]]]
            engine.load(
                "listed", pa.table({"_system": [name] * len(codes), "_code": codes, "_concept": [1] * len(codes)})
            )
            engine.insert("code_first", query("SELECT DISTINCT * FROM listed"))
            engine.drop("listed")
            found.append(name)
        elif "vocabulary" in told:
            said = next((one.let[told["vocabulary"]] for one in pack.records if told["vocabulary"] in one.let), "")
            before = engine.count("code_first")
            asked = CODES.format(system=literal(name), name=literal(str(said).strip("'\" ")))
            engine.insert("code_first", query(asked))
            found += [name] if engine.count("code_first") > before else []
    return found


def _keys(engine: Engine, workspace: Workspace, edition: Edition, site: str, rules: RuleSet) -> list[str]:
    """Gather the keys of other records that a rule set links to in the table `linked`; the names that have any."""
    nothing = pa.table({"_system": pa.array([], pa.string()), "_code": pa.array([], pa.string()),
                        "_concept": pa.array([], pa.int32())})  # fmt: skip
    engine.load("nothing", nothing)
    engine.create("linked", query("SELECT * FROM nothing"))
    engine.drop("nothing")
    found = []
    for name, told in rules.known.items():
        if "keys" not in told:
            continue
        other = catalogue.sets()[told["keys"]]
        for lot in lots(workspace, edition, site, other):
            column = named(other, lot.rows.column_names).get(told["column"])
            if column:
                quoted = column.replace('"', '""')
                engine.load("lot", lot.rows)
                engine.insert("linked", query(KEYS.format(system=literal(name), column=quoted)))
                engine.drop("lot")
                found.append(name)
    engine.create("linked", query("SELECT DISTINCT * FROM linked"))
    return list(dict.fromkeys(found))


def _add(result: Judged, judging: Judging, sums: Sequence[Mapping[str, Any]]) -> None:
    """Add the sums of a lot to those of a site."""
    points = result.rules.points
    whole: dict[str, float] = {}
    for place in judging.points:
        whole[points[place].group] = whole.get(points[place].group, 0.0) + points[place].points
    caps = result.rules.caps
    result.judged = max(result.judged, sum(min(told, caps.get(group, told)) for group, told in whole.items()))
    for one in sums:
        result.records += one["records"]
        result.lost += float(one["lost"])
        for place in judging.points:
            lost = round(float(one[f"l{place}"]) / points[place].points)
            result.lost_at[place] = result.lost_at.get(place, 0) + lost
        for number, rule in enumerate(judging.asked):
            outcome = result.outcomes[rule.rule_id]
            outcome.asked += one[f"a{number}"]
            outcome.wrong += one[f"w{number}"]
            outcome.why = ()
            if one[f"w{number}"]:
                outcome.places.append(At(one["_part"], one[f"w{number}"], one[f"p{number}"]))
                outcome.places = sorted(outcome.places, key=lambda at: (-at.rows, at.part_id))[:FILES]
    for rule_id, why in judging.lacking.items():
        if not result.outcomes[rule_id].asked:
            result.outcomes[rule_id].why = why
