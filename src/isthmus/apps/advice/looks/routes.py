"""Routes of decision support: JSON of everything that its pages show, and the acts of its people."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from isthmus.apps.advice.bench.measure import Did, fire
from isthmus.apps.advice.bench.statement import CALLS
from isthmus.apps.advice.firing.card import Cards
from isthmus.apps.advice.firing.history import MODES, History, Rate
from isthmus.apps.advice.firing.judge import Fired
from isthmus.apps.advice.hooks.service import HOOKS, KNOWN, day_of, judged_of, known_of
from isthmus.apps.advice.pack.base import Base, base_of, folders, read
from isthmus.apps.advice.pack.graph import Relation
from isthmus.apps.advice.pack.rule import Rule
from isthmus.apps.advice.search.finding import find
from isthmus.apps.advice.similar.features import features
from isthmus.apps.advice.similar.nearest import Similar, similar
from isthmus.apps.contract import Asked, Context, InputError, PackError, Route, Told
from isthmus.apps.contract.research import Desk
from isthmus.apps.contract.session import named

FILES = ("pack.yaml", "concepts.csv", "relations.csv", "facts.yaml", "findings.yaml", "signs.csv", "rules.yaml")
LARGEST = 1 << 20
YEAR = timedelta(days=365)
MOST = 100
"""Hits of one search."""


def routes() -> Sequence[Route]:
    """All routes."""
    return (
        Route(method="GET", path="search", handle=search),
        Route(method="GET", path="rules", handle=rules),
        Route(method="GET", path="rules/{rule}", handle=rule),
        Route(method="POST", path="rules/{rule}/mode", handle=switch),
        Route(method="GET", path="rates", handle=rates),
        Route(method="GET", path="concepts/{concept}", handle=concept),
        Route(method="GET", path="patients/{person}", handle=patient),
        Route(method="GET", path="patients/{person}/similar", handle=alike),
        Route(method="POST", path="bench", handle=bench),
        Route(method="POST", path="check", handle=check),
    )


def search(asked: Asked, at: Context) -> Told:
    """What fits `q` of the library and of the packs, the best first; at most `most` (20, 100 at most)."""
    most = asked.query.get("most", "20")
    if not most.isdecimal() or not 0 < int(most) <= MOST:
        raise InputError(f"`most` is a number up to {MOST}. Write one, or leave it out.")
    return Told(body=asdict(find(asked.query.get("q", ""), at, most=int(most))))


def rules(asked: Asked, at: Context) -> Told:
    """All rules, with how each is switched at this site."""
    base = base_of(at)
    modes = History(at.records, base, at.site).modes()
    listed = [said(base, one, modes.get(one.name, MODES[0]), asked.language) for one in base.rules.values()]
    return Told(body={"rules": listed, "base": base.digest})


def rule(asked: Asked, at: Context) -> Told:
    """One rule: its condition, texts, source, examples."""
    base = base_of(at)
    one = _known(base, asked.named["rule"])
    modes = History(at.records, base, at.site).modes()
    whole = said(base, one, modes.get(one.name, MODES[0]), asked.language)
    source = base.sources[one.source]
    whole |= {
        "when": one.when.text, "detail": one.detail.get(asked.language, ""), "place": one.place,
        "silenceDays": one.silence, "acts": [asdict(act) for act in one.acts],
        "checked": [asdict(each) for each in source.checked], "url": source.url,
        "valid": [day.isoformat() if day else None for day in one.valid],
        "examples": [{"with": dict(each.given), "fires": each.fires, "place": each.place} for each in one.examples],
    }  # fmt: skip
    return Told(body=whole)


def said(base: Base, one: Rule, mode: str, language: str) -> dict[str, Any]:
    """What is listed of a rule."""
    source = base.sources[one.source]
    return {
        "rule": one.name, "version": one.version, "pack": one.pack, "title": one.title[language],
        "hooks": list(one.hooks), "indicator": one.indicator, "strength": one.strength, "source": source.title,
        "textChecked": source.read, "mode": mode,
    }  # fmt: skip


def switch(asked: Asked, at: Context) -> Told:
    """Switch a rule on, to silent, or off, with a reason."""
    base = base_of(at)
    body = asked.body if isinstance(asked.body, dict) else {}
    name, mode, why = asked.named["rule"], str(body.get("mode", "")), str(body.get("why", ""))
    History(at.records, base, at.site).switch(name, mode, why, asked.person, at.now)
    return Told(body={"rule": name, "mode": mode})


def rates(asked: Asked, at: Context) -> Told:
    """How often each rule fired, was shown and set aside, in a span (`from`, `until`; the last year), and how rules
    were switched in it, with the reasons."""
    begin, end = span(asked, at)
    history = History(at.records, base_of(at), at.site)
    switches = [{**one, "at": one["at"].isoformat()} for one in history.switches(begin, end)]
    return Told(
        body={
            "from": begin.isoformat(), "until": end.isoformat(),
            "rates": [_rate(one) for one in history.rates(begin, end)], "switches": switches,
        }
    )  # fmt: skip


def span(asked: Asked, at: Context) -> tuple[datetime, datetime]:
    """The span that is asked about. Raises InputError for a day that is none."""
    try:
        end = datetime.fromisoformat(asked.query["until"]) if asked.query.get("until") else at.now
        begin = datetime.fromisoformat(asked.query["from"]) if asked.query.get("from") else end - YEAR
    except ValueError:
        raise InputError("a span is written as ?from=2024-01-31&until=2024-12-31. Mend the day.") from None
    return begin.replace(tzinfo=None), end.replace(tzinfo=None)


def _rate(one: Rate) -> dict[str, Any]:
    return asdict(one) | {"reasons": dict(one.reasons)}


def concept(asked: Asked, at: Context) -> Told:
    """A concept, what is below it, and what it stands beside in the graph."""
    base, name = base_of(at), asked.named["concept"]
    if name not in base.graph.concepts:
        raise InputError(f"there is no concept '{name[:80]}'. Look in concepts.csv of the packs.")
    one = base.graph.concepts[name]
    near = [_relation(each) for each in base.graph.beside(name)]
    return Told(
        body={
            "concept": name, "kind": one.kind, "en": one.en, "zh": one.zh, "omop": list(one.ids),
            "codes": [f"{system}:{code}" for system, code in one.codes], "within": base.graph.within(name)[1:],
            "relations": near, "edition": at.session.edition,
        }
    )  # fmt: skip


def _relation(one: Relation) -> dict[str, str]:
    return {"from": one.one, "relation": one.relation, "to": one.other, "source": one.source, "pack": one.pack}


def patient(asked: Asked, at: Context) -> Told:
    """One patient as the rules see it today: what fires at each hook and why, and what is open. Nothing is kept."""
    number = asked.named["person"]
    found: dict[str, Any] = {}
    for hook in ("patient-view", "encounter-discharge"):
        base, _, judged = judged_of(at, number, hook)
        cards = Cards(base, known_of(base, at.session).concepts, asked.language)
        found[hook] = {
            "fires": [_fires(one, cards, judged.facts) for one in judged.fired],
            "open": [one.name for one in judged.open],
            "facts": {name: cards.said(one.value) for name, one in judged.facts.items() if one.value is not None},
        }
    return Told(body={"person": named(number), "hooks": found})


def _fires(one: Fired, cards: Cards, facts: Any) -> dict[str, Any]:
    return {
        "rule": one.rule.name, "version": one.rule.version, "indicator": one.rule.indicator,
        "summary": cards.summary(one, facts), "rows": [[row.table, row.id, row.fact] for row in one.rows],
    }  # fmt: skip


def alike(asked: Asked, at: Context) -> Told:
    """The patients of the registry's disease who are most like one, what they share, and what became of them."""
    found = similar_of(at, asked.named["person"])
    return Told(body={"person": asked.named["person"], **asdict(found)})


def similar_of(at: Context, person: str) -> Similar:
    """The patients most like one of the edition. Raises InputError for who is not there."""
    base = base_of(at)
    if not KNOWN.fullmatch(person):
        raise InputError("there is no such person in this edition. Look the number up again.")
    concepts = known_of(base, at.session).concepts
    return similar(at.session, base, concepts, features(base), person, day_of(at))


def bench(asked: Asked, at: Context) -> Told:
    """What the rules of a hook would have done to all patients of the edition: `{"hook": …, "rules": […]}`."""
    body = asked.body if isinstance(asked.body, dict) else {}
    hook, named = str(body.get("hook", "")), body.get("rules")
    if hook not in CALLS:
        raise InputError(f"the bench runs one of the hooks {', '.join(HOOKS)}. Name it as `hook`.")
    if named is not None:
        _demand_rules(named, hook, base_of(at))
    return Told(
        body={"hook": hook, "edition": at.session.edition, "rules": [_did(one) for one in benched(at, hook, named)]}
    )


def _demand_rules(named: Any, hook: str, base: Base) -> None:
    """Raise InputError unless all that is named are rules of the hook."""
    if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
        raise InputError("`rules` is a list of names of rules. The route `rules` lists them.")
    for one in named:
        if hook not in (hooks := _known(base, one).hooks):
            raise InputError(
                f"{one} is judged at {', '.join(hooks)}, not at {hook}. Name another `hook`, or leave it out."
            )


def benched(at: Context, hook: str, named: Sequence[str] | None = None) -> list[Did]:
    """What the rules of a hook would have done to all patients of the edition."""
    base = base_of(at)
    known = known_of(base, at.session)
    found: list[Did] = []

    def work(desk: Desk) -> pa.Table:
        found.extend(fire(desk, base, hook, known.concepts, rules=named))
        return pa.table({"rules": pa.array([len(found)])})

    at.session.steps(f"what the rules of {hook} would have done", work)
    return found


def _did(one: Did) -> dict[str, Any]:
    return asdict(one) | {"per100Calls": round(one.per_100_calls, 3)}


def check(asked: Asked, at: Context) -> Told:
    """A pack that somebody is writing, held against those that are there: `{"name": …, "files": {"rules.yaml": …}}`."""
    body = asked.body if isinstance(asked.body, dict) else {}
    name, files = body.get("name"), body.get("files")
    if not isinstance(name, str) or not name.isidentifier() or not isinstance(files, dict) or "pack.yaml" not in files:
        raise InputError("a pack is {name, files}, pack.yaml among the files. Send its texts by their names.")
    if any(one not in FILES or not isinstance(text, str) or len(text) > LARGEST for one, text in files.items()):
        raise InputError(f"the files of a pack are {', '.join(FILES)}, texts of at most 1 MB. Take the others out.")
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / name
        folder.mkdir()
        for one, text in files.items():
            (folder / one).write_text(text, encoding="utf-8")
        try:
            found = read([*(one for one in folders(at) if one.name != name), folder])
        except PackError as error:
            return Told(body={"whole": False, "faults": str(error).splitlines()}, status=422)
    return Told(body={"whole": True, "faults": [], "rules": _examples(found, name)})


def _examples(base: Base, pack: str) -> list[dict[str, Any]]:
    """The rules of a pack, those that its relations make among them, and how many examples of each came out."""
    return [
        {"rule": one.name, "examples": len(one.examples)}
        for one in base.rules.values()
        if pack in (one.pack, one.relation.pack if one.relation else "")
    ]


def _known(base: Base, name: str) -> Rule:
    if name not in base.rules:
        raise InputError(f"there is no rule '{name[:80]}'. `rules` lists them.")
    return base.rules[name]
