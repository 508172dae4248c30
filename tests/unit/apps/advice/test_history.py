"""What became of alerts, counted a year later: every card that was shown, whenever it was answered; every switch."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from isthmus.apps import advice
from isthmus.apps.advice.firing.history import AT_ONCE, MOST, History
from isthmus.apps.advice.pack.base import shipped
from isthmus.apps.contract.schema import steps_of
from isthmus.records.own import Own

FIRINGS = 420_000  # of two years; 308,000 of them are answered, each by the next day
day = datetime.fromisoformat
BEGIN, YEAR_ON = day("2024-01-01"), day("2026-01-01")
SPAN = day("2025-01-01"), day("2026-01-01")
MADE = """
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ? - 1)
    INSERT INTO app_advice_firing (site, card, call, rule, version, pack, indicator, person, outcome, made, at, answer,
        reason, answered)
    SELECT 'h' || (i % 3), 'c' || i, 'k' || i, 'rule' || (i % 7), '1', 'p', 'warning', i % 1000,
        CASE WHEN i % 11 = 0 THEN 'silent' WHEN i % 13 = 0 THEN 'capped' ELSE 'shown' END, 'm',
        strftime('%Y-%m-%d %H:%M:%S.000000', 1704067200 + i * (63158400 / ?), 'unixepoch'),
        CASE WHEN i % 11 = 0 OR i % 13 = 0 OR i % 8 = 0 THEN NULL WHEN i % 3 = 0 THEN 'accepted' ELSE 'overridden' END,
        CASE WHEN i % 11 <> 0 AND i % 13 <> 0 AND i % 8 <> 0 AND i % 3 <> 0 THEN 'why' || (i % 5) END,
        strftime('%Y-%m-%d %H:%M:%S.000000', 1704153600 + i * (63158400 / ?), 'unixepoch')
    FROM n
"""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Own]:
    made = Own(f"sqlite:///{tmp_path / 'own.db'}", "advice", steps_of(Path(advice.__file__).parent))
    made.migrate()
    yield made
    made.close()


def fired(own: Own, card: str, at: datetime, rule: str = "rule", site: str = "h1") -> None:
    own.of(site).add("firing", [{"card": card, "rule": rule, "outcome": "shown", "at": at}])


def test_three_hundred_thousand_answers_of_the_year_are_all_counted(own: Own, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "own.db") as connection:
        connection.execute(MADE, (FIRINGS, FIRINGS, FIRINGS))
    rates = {one.rule: one for one in History(own.of(""), shipped()).rates(*SPAN)}
    # The same, one after another: the second year begins at a day of its own.
    first = next(i for i in range(FIRINGS) if BEGIN + timedelta(seconds=i * (63158400 // FIRINGS)) >= SPAN[0])
    outcomes, answers, reasons = Counter[tuple[int, str]](), Counter[tuple[int, str]](), Counter[tuple[int, str]]()
    for i in range(first, FIRINGS):
        outcome = "silent" if i % 11 == 0 else "capped" if i % 13 == 0 else "shown"
        outcomes[i % 7, outcome] += 1
        if outcome == "shown":
            answer = "ignored" if i % 8 == 0 else "accepted" if i % 3 == 0 else "overridden"
            answers[i % 7, answer] += 1
            if answer == "overridden":
                reasons[i % 7, f"why{i % 5}"] += 1
    assert sum(n for (_, answer), n in answers.items() if answer != "ignored") > 150_000
    for number in range(7):
        one = rates[f"rule{number}"]
        assert (one.shown, one.silent, one.capped) == tuple(
            outcomes[number, word] for word in ("shown", "silent", "capped")
        )
        assert (one.accepted, one.overridden, one.ignored) == tuple(
            answers[number, word] for word in ("accepted", "overridden", "ignored")
        )
        assert dict(one.reasons) == {f"why{why}": reasons[number, f"why{why}"] for why in range(5)}


def test_an_answer_belongs_to_the_day_on_which_its_card_was_shown(own: Own) -> None:
    fired(own, "old", day("2024-12-31"))
    fired(own, "new", day("2025-12-31"))
    fired(own, "ignored", day("2025-06-01"))
    history = History(own.of("h1"), shipped(), "h1")
    told = [(card, "overridden", "no_need", "", "", at) for card, at in
            (("old", day("2025-01-02")), ("new", day("2026-01-02")))]  # fmt: skip
    assert history.answered(told, day("2026-01-02")) == 2
    (one,) = history.rates(*SPAN)
    assert (one.shown, one.overridden, one.ignored, dict(one.reasons)) == (2, 1, 1, {"no_need": 1})


def test_the_last_word_about_a_card_counts_in_whatever_order_words_come(own: Own) -> None:
    fired(own, "card", day("2025-02-01"))
    history = History(own.of("h1"), shipped(), "h1")
    for outcome, number in (("accepted", 3), ("overridden", 2), ("overridden", 1)):
        history.answered([("card", outcome, "", "", "", day(f"2025-02-0{number}"))], day("2025-03-01"))
    (one,) = history.rates(*SPAN)
    assert (one.accepted, one.overridden) == (1, 0)
    assert own.of("").count("feedback")[0]["rows"] == 3


def test_a_switch_holds_at_its_site_and_is_measured_a_year_on(own: Own) -> None:
    base = shipped()
    rule, other = sorted(base.rules)[:2]
    here, there = (History(own.of(site), base, site) for site in ("h1", "h2"))
    whole = History(own.of(""), base)
    here.switch(rule, "off", "our laboratory calls", "ann", day("2025-07-01"))
    whole.switch(other, "silent", "to be tried", "bo", day("2025-01-01"))
    assert here.modes() == {rule: "off", other: "silent"}
    assert there.modes() == whole.modes() == {other: "silent"}
    whole.switch(other, "on", "tried", "bo", day("2025-01-11"))
    assert here.modes() == {rule: "off", other: "on"}
    rates = {one.rule: one for one in here.rates(*SPAN)}
    assert rates[rule].days_off == (YEAR_ON - day("2025-07-01")).days
    assert rates[other].days_silent == 10
    told = [(one["site"], one["rule"], one["mode"], one["why"], one["by"]) for one in whole.switches(*SPAN)]
    assert told == [
        ("h1", rule, "off", "our laboratory calls", "ann"),
        ("", other, "on", "tried", "bo"),
        ("", other, "silent", "to be tried", "bo"),
    ]
    assert [one["site"] for one in there.switches(*SPAN)] == ["", ""]
    assert len(here.switches(day("2025-02-01"), YEAR_ON)) == 1


def test_switches_of_before_modes_were_kept_still_hold(own: Own) -> None:
    base = shipped()
    rule, other = sorted(base.rules)[:2]
    before = {"number": "1", "rule": rule, "mode": "off", "why": "why", "by": "ann", "at": day("2025-01-01")}
    own.of("h1").add("switch", [before])
    history = History(own.of("h1"), base, "h1")
    assert history.modes() == {rule: "off"}
    history.switch(other, "off", "why", "ann", day("2025-02-01"))
    assert history.modes() == {rule: "off", other: "off"}


def test_feedback_of_before_cards_kept_it_is_written_to_them(own: Own) -> None:
    """Of two sites, more than one step takes; of a card with two words the last; of one answered since, that answer."""
    base = shipped()
    answers = [(f"c{number}", "accepted" if number % 3 else "overridden") for number in range(AT_ONCE + 200)]
    for site, some in (("h1", answers[:700]), ("h2", answers[700:])):
        own.of(site).add("firing", [{"card": card, "rule": "rule", "outcome": "shown", "at": day("2025-03-01")}
                                    for card, _ in some])  # fmt: skip
        own.of(site).add(
            "feedback",
            [
                {
                    "card": card,
                    "rule": "rule",
                    "outcome": outcome,
                    "reason": "",
                    "comment": "",
                    "done": day("2025-03-02"),
                    "at": day("2025-03-02"),
                }
                for card, outcome in some
            ],
        )
    own.of("h1").add("feedback", [{"card": "c0", "rule": "rule", "outcome": "accepted", "reason": "",
                                   "done": day("2025-03-03"), "at": day("2025-03-03")}])  # fmt: skip
    fired(own, "silent", day("2025-03-01"))
    since = History(own.of("h1"), base, "h1")
    since.answered([("c3", "accepted", "", "", "", day("2025-03-09"))], day("2025-03-09"))
    (before,) = since.rates(*SPAN)
    assert (before.accepted, before.overridden) == (1, 0)
    whole, met = History(own.of(""), base), 0
    while caught := whole.catch_up():
        met += caught
    assert met == len(answers) + 1
    overridden = len([one for one in answers if one[1] == "overridden"])
    (after,) = whole.rates(*SPAN)
    assert (after.accepted, after.overridden) == (len(answers) - overridden + 2, overridden - 2)
    assert (after.shown, after.ignored) == (len(answers) + 1, 1)
    assert len(own.of("h2").find("firing", {"site": "h2"}, most=MOST)) == len(answers) - 700
    assert own.of("").count("feedback")[0]["rows"] == len(answers) + 2
