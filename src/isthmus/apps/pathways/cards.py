"""Due steps of one patient as cards of CDS Hooks: what, until when, by which rule and rows; and what became of them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from isthmus.apps.contract import Asked, Cards, Context, InputError, Told, Within
from isthmus.apps.contract.session import named, number_of
from isthmus.apps.pathways.followed import pack_of
from isthmus.apps.pathways.judging import MOST, open_steps
from isthmus.apps.pathways.pack import Pack
from isthmus.apps.pathways.report import Row
from isthmus.apps.pathways.speech import Speech

NAMESPACE = UUID("6f0d3a1e-6c52-5a1b-9c2f-9a2f0f7a7a11")
SYSTEM = "urn:isthmus:pathways:reason"
SUMMARY = 140  # characters that the specification allows
LONGEST = 2000  # characters of what is kept of feedback
OUTCOMES, IGNORED = ("accepted", "overridden"), "ignored"
LATE = 365
"""Days after which what was missed is no longer told at the bedside; it stays in the report."""


def due_steps(asked: Asked, at: Context) -> Cards | Told:
    """The cards for who opens a patient. Raises InputError where the request names none."""
    said = ((asked.body or {}).get("context") or {}).get("patientId")
    if said is None:
        raise InputError("context.patientId is missing in the request. Send the patient that was opened.")
    person = person_of(str(said), at)
    if person is None:
        return Told(status=412, body={"error": "no data of this patient are here"})
    speech = Speech(asked.language)
    cards = [_card(step, pack, speech, at) for step, pack in due(person, at)]
    given = [{"card": card["uuid"], **card.pop("_of"), "at": at.now} for card in cards]
    if given:
        at.records.add("card", given)
    return {"cards": cards}


def person_of(said: str, at: Context) -> int | None:
    """The number of a person at a desk, whom the session knows by a number or a pseudonym; None where there is none."""
    try:
        found = at.session.patient(named(said))
    except ValueError:  # what is no number names nobody, where patients have numbers
        return None
    rows = found.get("person")
    return None if rows is None or rows.num_rows == 0 else number_of(rows.column("person_id")[0].as_py())


def due(person: int, at: Context) -> Iterator[tuple[Row, Pack]]:
    """The steps of a patient that are due or overdue today and have no reason, the most urgent first; each with the
    pack that asks for it."""
    packs = {name: pack_of(name, at) for name in at.settings["pathways"]}
    rows = [row for pack in packs.values() for row in open_steps(pack, person, at)]
    now = today(at)
    reasons = at.records.find("deviation", {"person": person}, most=MOST)
    given = {(row["pathway"], row["rule"], row["begins"]) for row in reasons}
    last = now + timedelta(days=at.settings["ahead"])
    for row in sorted(rows, key=lambda one: (str(one["due"] or ""), one["rule"])):
        said = (row["pathway"], row["rule"], row["begins"])
        silent = f"{row['pathway']}/{row['rule']}" in at.settings["silent"]
        told = not silent and said not in given and row["due"] is not None
        if told and now - timedelta(days=LATE) <= row["due"] <= last:
            yield row | {"late": row["due"] < now}, packs[row["pathway"]]


def titled(step: Row, pack: Pack, language: str) -> dict[str, str]:
    """What a due step, its pathway and its source are called."""
    speech = Speech(language)
    rule = pack.rules[step["rule"]]
    return {
        "title": speech.name(rule.names), "pathway_title": speech.name(pack.titles),
        "source": speech.name(pack.sources[rule.source].title),
    }  # fmt: skip


def today(at: Context) -> date:
    """The day that counts as today."""
    said = at.settings["day"]
    return date.fromisoformat(said) if said else at.now.date()


def keep_feedback(asked: Asked, at: Context) -> None:
    """Keep what became of cards; one that was overridden with a reason of the pack is a justified deviation.

    A reason that the pack does not have is kept, and justifies nothing. Raises InputError, before anything is kept, for
    what is no feedback.
    """
    heard = [_heard(one) for one in _listed(asked.body)]
    at.records.add("feedback", [one | {"by": asked.person, "at": at.now} for one in heard])
    for one in heard:
        known = at.records.find("card", {"card": one["card"]}, most=1)
        if one["outcome"] == "overridden" and one["reason"] and known:
            of = {key: known[0][key] for key in ("pathway", "rule", "person", "begins")}
            with suppress(InputError):
                justify(of | {"reason": one["reason"], "comment": one["comment"]}, asked.person, at)


def _listed(body: Any) -> list[Mapping[str, Any]]:
    listed = body.get("feedback") if isinstance(body, Mapping) else None
    if not isinstance(listed, list) or not all(isinstance(one, Mapping) for one in listed):
        raise InputError("the body has no list `feedback` of cards. Send it as CDS Hooks 2 has it.")
    return listed


def _heard(one: Mapping[str, Any]) -> dict[str, str]:
    """What became of one card, as it is kept."""
    if one.get("outcome") not in OUTCOMES or not isinstance(one.get("card"), str):
        raise InputError(f"a feedback has a `card` and an `outcome`, which is {' or '.join(OUTCOMES)}. Send both.")
    override = one.get("overrideReason")
    override = override if isinstance(override, Mapping) else {}
    reason = override.get("reason")
    code = str(reason.get("code") or "") if isinstance(reason, Mapping) else ""
    comment = str(override.get("userComment") or "")
    return {
        "card": one["card"][:LONGEST], "outcome": one["outcome"], "reason": code[:LONGEST], "comment": comment[:LONGEST]
    }  # fmt: skip


def became(at: Context, low: datetime | None, high: datetime | None) -> list[Row]:
    """Of each rule how many cards were shown (last in a span), and how many of them were accepted, overridden or never
    answered: the last word about a card counts."""
    words = {row["card"]: row["outcome"] for row in at.records.find("feedback", order=["at"], most=MOST)}
    shown = at.records.find("card", {"at": Within(low, high)}, most=MOST)
    counted = Counter((one["pathway"], one["rule"], words.get(one["card"], IGNORED)) for one in shown)
    return [
        {"pathway": pathway, "rule": rule, **{word: counted[pathway, rule, word] for word in (*OUTCOMES, IGNORED)}}
        for pathway, rule in sorted({key[:2] for key in counted})
    ]


def justify(told: Mapping[str, Any], by: str, at: Context) -> Row:
    """Record why a step was left out on purpose. Raises InputError for a rule or reason that the pack has not."""
    missing = [key for key in ("pathway", "rule", "person", "begins", "reason") if told.get(key) in (None, "")]
    if missing:
        raise InputError(f"a deviation says {', '.join(missing)}. Send it too.")
    pack = pack_of(str(told["pathway"]), at)
    if told["rule"] not in pack.rules:
        raise InputError(f"the pathway {pack.name} has no such rule. Rules: {', '.join(pack.rules)}.")
    reasons = pack.rules[str(told["rule"])].reasons
    if told["reason"] not in reasons:
        raise InputError(f"no such reason for this rule. Reasons: {', '.join(reasons)}.")
    try:
        begins = date.fromisoformat(str(told["begins"]))
        person = number_of(named(str(told["person"])))
    except ValueError:
        raise InputError("`begins` is a day (2024-03-31) and `person` a number. Send them so.") from None
    row = {
        "pathway": pack.name, "rule": str(told["rule"]), "person": person, "begins": begins,
        "reason": str(told["reason"]), "comment": str(told.get("comment") or ""), "by": by, "at": at.now,
    }  # fmt: skip
    at.records.add("deviation", [row])
    return row


def _card(step: Row, pack: Pack, w: Speech, at: Context) -> Row:
    rule = pack.rules[step["rule"]]
    said = w("due.late" if step["late"] else "due.soon", day=step["due"], rule=w.name(rule.names))
    source = pack.sources[rule.source]
    rows = "\n".join(
        f"- {one['step']}, {one['day']}: {one['table']} {one['id']} ({one['site']})" for one in step["evidence"]
    )
    told = (f"**{w.name(rule.names)}**", w.name(source.title), w.name(rule.where), rows)
    name = f"{pack.name}/{rule.name}/{step['person']}/{step['begins']}"
    return {
        "uuid": str(uuid5(NAMESPACE, name)), "summary": said[:SUMMARY],
        "detail": "\n\n".join(part for part in told if part),
        "indicator": "warning" if step["late"] else "info",
        "source": {
            "label": f"{w.name(pack.titles)} {pack.version} ({w.name(source.title)})",
            **({"url": source.url} if source.url else {}),
            "topic": {"system": "urn:isthmus:pathways:rule", "code": f"{pack.name}/{rule.name}"},
        },
        "overrideReasons": [
            {"code": code, "system": SYSTEM, "display": w.name(pack.reasons[code])} for code in rule.reasons
        ],
        "_of": {"pathway": pack.name, "rule": rule.name, "person": step["person"], "begins": step["begins"]},
    }  # fmt: skip
