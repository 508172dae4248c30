"""The CDS service: cards of CDS Hooks 2 for the patient who is opened. Every card names its rule and its rows."""

from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from isthmus.apps.contract import Asked, Cards, Context, InputError, Told, Within
from isthmus.apps.contract.research import find_score
from isthmus.apps.contract.session import named
from isthmus.apps.vte.patient import Assessed, Due, assess
from isthmus.apps.vte.told import missing_words, told
from isthmus.apps.vte.words import of, words

LABEL = "Isthmus VTE"
SPACE = UUID("6b9d1f5a-58c1-4d0b-9a55-0f1f7f6f5d10")
"""Under which cards get their numbers: the same card of the same day has the same."""
LONGEST = 140  # characters of a summary, as the specification has it
OUTCOMES = ("accepted", "overridden")
MOST = 1_000_000
MARKS = {"low": "info", "moderate": "warning", "high": "warning"}


def patient_view(asked: Asked, at: Context) -> Cards:
    """The cards for a patient. Raises InputError for a request that names no patient."""
    body = asked.body if isinstance(asked.body, dict) else {}
    context = body.get("context")
    patient = context.get("patientId") if isinstance(context, dict) else None
    if patient is None:
        raise InputError("the request has no context.patientId. Send a request of the hook patient-view.")
    one = assess(named(str(patient)), at)
    found = [] if one is None else cards(one, asked.language, at)
    shown = [{"card": card["uuid"], "what": card.pop("_what"), "at": at.now} for card in found]
    if shown:
        at.records.add("shown", shown)
    return {"cards": found}


def cards(one: Assessed, language: str, at: Context) -> list[dict[str, Any]]:
    """What there is to say: the risk with what is to be done, and each act that is due and not done."""
    found = [_risk(one, language, at)]
    if one.risk != "low" or one.todo.means:
        found += [_due(each, one, language) for each in one.due if each.done is False]
    return found


def keep_feedback(asked: Asked, at: Context) -> None:
    """Keep what became of cards: accepted, or overridden with a reason. Raises InputError for what is no feedback."""
    body = asked.body if isinstance(asked.body, dict) else {}
    listed = body.get("feedback")
    if not isinstance(listed, list) or not all(isinstance(one, dict) and one.get("card") for one in listed):
        raise InputError("the body has no list `feedback` of cards. Send it as CDS Hooks 2 has it.")
    rows = []
    for one in listed:
        reason = one.get("overrideReason") or {}
        reason = reason.get("reason") if isinstance(reason, dict) else None
        code = str(reason.get("code") or "") if isinstance(reason, dict) else ""
        if one.get("outcome") not in OUTCOMES:
            raise InputError(f"the `outcome` of a feedback is {' or '.join(OUTCOMES)}. Send one of them.")
        rows.append({"card": str(one["card"]), "outcome": one["outcome"], "reason": code[:LONGEST], "at": at.now})
    at.records.add("feedback", rows)


def became(asked: Asked, at: Context) -> Told:
    """What became of the cards that were shown last in a span (`from`, `until`) or ever: of the risk and of each act
    that was due, how many were accepted, overridden (by reason) and never answered."""
    try:
        low, high = (datetime.fromisoformat(one) if one else None for one in map(asked.query.get, ("from", "until")))
    except ValueError:
        raise InputError("a span is written as ?from=2024-01-31&until=2024-12-31. Mend the day.") from None
    heard = {one["card"]: one for one in at.records.find("feedback", most=MOST)}
    shown = at.records.find("shown", {"at": Within(low, high)}, most=MOST)
    counted = Counter((one["what"], heard.get(one["card"], {}).get("outcome", "ignored")) for one in shown)
    why = Counter((one["what"], heard[one["card"]]["reason"]) for one in shown
                  if heard.get(one["card"], {}).get("outcome") == "overridden")  # fmt: skip
    return Told(
        body=[
            {
                "what": what, **{word: counted[what, word] for word in (*OUTCOMES, "ignored")},
                "reasons": {reason: number for (of, reason), number in sorted(why.items()) if of == what},
            }
            for what in sorted({what for what, _ in counted})
        ]
    )  # fmt: skip


def _risk(one: Assessed, language: str, at: Context) -> dict[str, Any]:
    said = words(language)
    title = find_score(one.outcome.rule).title_zh if language == "zh" else find_score(one.outcome.rule).title
    if one.risk is None:
        text = said["card_unknown"].format(score=title, missing=missing_words(one.outcome, language))
    else:
        bleeding = said[one.bleeding.grade] if one.bleeding.grade else said["not_assessable"]
        action = of(one.todo.words, language) or said["not_assessable"]
        text = said["card_risk"].format(risk=said[one.risk], score=title, bleeding=bleeding, action=action)
    rule = said["rule"].format(score=one.outcome.rule, version=one.outcome.version, profile=at.settings["profile"])
    lines = [rule, *_lines(told(one, language), language)]
    return _card("risk", one, text, MARKS.get(one.risk or "", "info"), lines)


def _due(each: Due, one: Assessed, language: str) -> dict[str, Any]:
    said = words(language)
    what = said[f"due_{each.what}"]
    if each.by is None:
        text = f"{said['title']}: {what}: {said['not_done']}"
    else:
        text = said["card_late" if each.late else "card_due"].format(what=what, time=f"{each.by:%Y-%m-%d %H:%M}")
    return _card(f"due-{each.what}", one, text, "warning" if each.late or each.by is None else "info", [])


def _card(name: str, one: Assessed, text: str, mark: str, lines: list[str]) -> dict[str, Any]:
    short = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    found: dict[str, Any] = {
        "_what": name,
        "uuid": str(uuid5(SPACE, f"{name} {one.person} {one.visit} {one.judged.moment.seen:%Y%m%d}")),
        "summary": short,
        "indicator": mark,
        "source": {"label": LABEL},
    }
    detail = [*([text] if short != text else []), *lines]
    return {**found, "detail": "\n".join(f"- {line}" for line in detail)} if detail else found


def _lines(value: dict[str, Any], language: str) -> list[str]:
    """Which rows made which item yes, and what a number was."""
    found = []
    for part in (value["risk"], value["bleeding"]):
        for item in part["items"]:
            if item["value"] in (None, False):
                continue
            rows = [f"{row['table']} {row['id']} ({row['day']})" for fact in item["evidence"] for row in fact["rows"]]
            shown = words(language)["yes"] if item["value"] is True else f"{item['value']:.5g} {item['unit']}".strip() \
                if isinstance(item["value"], int | float) else item["value"]  # fmt: skip
            found.append(f"{item['title']}: {shown}{'; ' if rows else ''}{', '.join(rows)}")
    return list(dict.fromkeys(found))
