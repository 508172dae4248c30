"""Packs of knowledge: those shipped are whole, and a wrong one is refused with file, line and mend."""

from pathlib import Path

import pytest

from isthmus.apps.advice.pack.base import Base, read, shipped
from isthmus.apps.advice.pack.rule import LONGEST, PLACE, Example, Rule
from isthmus.apps.contract import PackError
from lib.advised import changed

BASE = shipped()
EXAMPLES = [(rule, one) for rule in BASE.rules.values() for one in rule.examples]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=lambda one: getattr(one, "name", None) or one.place)
def test_an_example_comes_out(rule: Rule, example: Example) -> None:
    assert rule.when.value(example.given) is example.fires


def test_every_rule_has_examples_of_firing_and_of_not_firing() -> None:
    for rule in BASE.rules.values():
        if rule.relation is None:
            assert {True, False} <= {one.fires for one in rule.examples}, rule.name


def test_a_rule_of_a_relation_fires_for_both_and_for_neither_alone() -> None:
    of_relations = [one for one in BASE.rules.values() if one.relation]
    assert len(of_relations) > 30
    for rule in of_relations:
        nothing = dict.fromkeys(rule.when.names, False)
        assert rule.when.value(nothing) is False
        ordered = f"ordered_{rule.relation.one}"
        other = next(
            one for one in rule.when.names if one in (f"taking_{rule.relation.other}", f"has_{rule.relation.other}")
        )
        assert rule.when.value(nothing | {ordered: True, other: True}) is True
        assert rule.when.value(nothing | {ordered: True}) is False
        assert rule.when.value(nothing | {other: True}) is False


def test_every_rule_names_its_source_and_whether_the_text_was_checked() -> None:
    for rule in BASE.rules.values():
        source = BASE.sources[rule.source]
        assert source.title
        assert source.checked
        assert rule.strength
        assert rule.version
        assert rule.title["zh"] and rule.summary["zh"] and bool(rule.detail) == bool(rule.detail.get("zh"))


def test_no_summary_is_longer_than_a_card_takes() -> None:
    for rule in BASE.rules.values():
        assert all(len(PLACE.sub("x" * 12, text)) <= LONGEST for text in rule.summary.values())


def test_a_group_has_all_below_it() -> None:
    graph = BASE.graph
    assert {"warfarin", "heparin", "rivaroxaban", "enoxaparin"} <= set(graph.within("anticoagulant"))
    assert set(graph.ids("propranolol")) < set(graph.ids("beta_blocker"))
    assert [one.relation for one in graph.way("ibuprofen", "ascites")] == ["is_a", "contraindicated_in"]


NEW = (
    "  r_new:\n    version: '1'\n    title: {{en: a, zh: b}}\n    hooks: [order-sign]\n    when: has_asthma\n"
    "    summary: {{en: a, zh: b}}\n    source: labels\n{more}"
)
WRONG = {
    "ring": (
        {"relations.csv": ("", "nsaid,is_a,ibuprofen,,,labels,,,\n")},
        r"the relation `is_a` runs in a ring, .*nsaid.*Take one of these rows out",
    ),
    "unknown concept in a relation": (
        {"relations.csv": ("warfarin,interacts_with,aspirin", "warfarin,interacts_with,asprin")},
        r"drugs/relations.csv:2: warfarin interacts_with asprin: there is no concept 'asprin'. Add it to concepts.csv",
    ),
    "unknown concept in a rule": (
        {"rules.yaml": ("when: ordered_metformin and egfr < 30", "when: ordered_metformine and egfr < 30")},
        (
            r"drugs/rules.yaml:\d+: rule metformin_egfr_30, `when`: at column 1 .*`ordered_metformine` is not known "
            r"here. Did you mean `ordered_metformin`"
        ),
    ),
    "impossible window": (
        {"facts.yaml": ("", "facts:\n  late: {last: potassium, unit: mmol/L, within: 0 days, en: late, zh: 晚}\n")},
        r"drugs/facts.yaml:2: fact late: `within: 0 days` is a window in which nothing can lie",
    ),
    "validity that ends before it begins": (
        {"rules.yaml": ("valid: {from: 2016-04-08}", "valid: {from: 2016-04-08, until: 2015-01-01}")},
        r"drugs/rules.yaml:\d+: rule metformin_egfr_30: it ends on 2015-01-01, before it begins on 2016-04-08",
    ),
    "a condition that never holds": (
        {"rules.yaml": ("egfr >= 30 and egfr < 45", "egfr >= 50 and egfr < 45")},
        r"drugs/rules.yaml:\d+: rule metformin_egfr_45, `when`: it can never hold",
    ),
    "contradictory rules": (
        {
            "rules.yaml": (
                "",
                (
                    "  metformin_first:\n    version: '1'\n    title: {en: a, zh: b}\n    hooks: [order-sign]\n"
                    "    when: ordered_metformin and egfr < 60\n    summary: {en: a, zh: b}\n"
                    "    do: {give: metformin}\n    source: labels\n"
                ),
            )
        },
        (
            r"rule metformin_first: it says give metformin, and rule metformin_egfr_30 at drugs/rules.yaml:\d+ says "
            r"avoid metformin, where both may hold. Narrow one of the two, or write `over: \[metformin_egfr_30\]`"
        ),
    ),
    "a kind that does not fit": (
        {"relations.csv": ("warfarin,interacts_with,aspirin", "warfarin,interacts_with,asthma")},
        r"drugs/relations.csv:2: .*a drug does not stand so to a disease",
    ),
    "a source that is not there": (
        {"rules.yaml": ("source: beers", "source: bears")},
        r"drugs/rules.yaml:\d+: rule digoxin_dose: there is no source 'bears'. Add it under `sources`",
    ),
    "a condition outside the range of its fact": (
        {"rules.yaml": ("egfr >= 30 and egfr < 45", "potassium > 20")},
        r"rule metformin_egfr_45, `when`: it can never hold. Look at its limits, and at the `range` of its facts",
    ),
    "a comparison with null": (
        {"rules.yaml": ("egfr >= 30 and egfr < 45", "egfr = null")},
        r"rule metformin_egfr_45, `when`: it can never hold",
    ),
    "rules that give way to each other": (
        {"rules.yaml": ("", NEW.format(more="    over: [r_new]\n"))},
        r"rule r_new: by `over` it gives way to itself \(r_new → r_new\), so that none of them is seen",
    ),
    "a rule against itself": (
        {"rules.yaml": ("", NEW.format(more="    do: {avoid: digoxin, give: digoxin}\n"))},
        r"rule r_new: it says avoid digoxin and give digoxin at once. Take one of the two out of `do`",
    ),
    "an example that does not come out": (
        {"rules.yaml": ("", NEW.format(more="    examples:\n      - {with: {has_asthma: no}, fires: yes}\n"))},
        r"drugs/rules.yaml:\d+: rule r_new: the example says `fires: yes`, and the condition gives no. Mend",
    ),
    "a rule of relations that are not there": (
        {"rules.yaml": ("", NEW.format(more="    each: causes\n"))},
        r"rule r_new: no relation `causes` has an indicator, so that it makes no rule",
    ),
    "a rule without a hook": (
        {"rules.yaml": ("", NEW.format(more="").replace("[order-sign]", "[]"))},
        r"rule r_new: it has no hook, and is never judged",
    ),
    "a fact that needs one below it": (
        {"facts.yaml": ("", "facts:\n  aa: {let: bb + 1}\n  bb: {let: aa + 1}\n")},
        r"`bb` stands at drugs/facts.yaml:3: a fact comes after those that it needs. Move it up; if the two need each",
    ),
    "an answer that is no concept": (
        {"facts.yaml": ("", "facts:\n  aa: {coded: positive, codes: {high: [abc]}}\n")},
        r"drugs/facts.yaml:2: fact aa: 'abc' is no concept id",
    ),
    "an answer below one": (
        {"facts.yaml": ("", "facts:\n  aa: {coded: positive, codes: {high: [0]}}\n")},
        r"drugs/facts.yaml:2: fact aa: '0' is no concept id",
    ),
    "an answer of two codes": (
        {"facts.yaml": ("", "facts:\n  aa: {coded: positive, codes: {high: [7], low: [7]}}\n")},
        r"drugs/facts.yaml:2: fact aa: the answer 7 means two codes. Keep one of the two",
    ),
    "a fact named in one language": (
        {"facts.yaml": ("", "facts:\n  aa: {ever: asthma, en: ill}\n")},
        r"drugs/facts.yaml:2: fact aa: it has a name in one language only. Write `en` and `zh`",
    ),
    "a window of a thousand years": (
        {"facts.yaml": ("", "facts:\n  aa: {ever: asthma, within: 1000 years}\n")},
        r"drugs/facts.yaml:2: fact aa: `within: 1000 years` is a window in which nothing can lie",
    ),
    "a silence without end": (
        {"rules.yaml": ("", NEW.format(more="    silence: 99999999 days\n"))},
        r"rule r_new: '99999999 days' is no span",
    ),
    "a hook that stands twice": (
        {"rules.yaml": ("", NEW.format(more="").replace("[order-sign]", "[order-sign, order-sign]"))},
        r"rule r_new: 'order-sign' stands twice. Keep one of the two",
    ),
    "a drug that interacts with itself": (
        {"relations.csv": ("", "warfarin,interacts_with,warfarin,warning,label,labels,x,y,\n")},
        r"drugs/relations.csv:\d+: warfarin interacts_with warfarin: that is one and the same",
    ),
    "an interaction that stands both ways": (
        {"relations.csv": ("", "aspirin,interacts_with,warfarin,warning,label,labels,x,y,\n")},
        r"it stands already, the other way, at drugs/relations.csv:\d+. Keep one of the two",
    ),
    "advice in one language": (
        {"relations.csv": ("", "metformin,interacts_with,warfarin,warning,label,labels,x,,\n")},
        r"metformin interacts_with warfarin: a card of it has no advice in both languages. Fill `en` and `zh`",
    ),
    "what is given against what forbids it": (
        {"relations.csv": ("", "warfarin,treats,asthma,,,labels,,,\nwarfarin,contraindicated_in,asthma,,,labels,,,\n")},
        r"warfarin contraindicated_in asthma: it contradicts drugs/relations.csv:\d+: warfarin treats asthma",
    ),
    "days after the end that lie before the window": (
        {"facts.yaml": ("", "facts:\n  aa: {during: asthma, after: 90 days, within: 30 days}\n")},
        r"drugs/facts.yaml:2: fact aa: nothing that began within 30 days can have ended 90 days ago: `after` is longer",
    ),
    "days after an end that is not asked for": (
        {"facts.yaml": ("", "facts:\n  aa: {ever: asthma, after: 9 days}\n")},
        r"drugs/facts.yaml:2: fact aa: `ever` does not read `after`. Take it out",
    ),
    "a window of what the call orders": (
        {"facts.yaml": ("", "facts:\n  aa: {ordered: metformin, within: 9 days}\n")},
        r"drugs/facts.yaml:2: fact aa: `ordered` does not read `within`. Take it out",
    ),
    "a range of yes and no": (
        {"facts.yaml": ("", "facts:\n  aa: {ever: asthma, range: [1, 5]}\n")},
        r"drugs/facts.yaml:2: fact aa: `ever` does not read `range`. Take it out",
    ),
    "an empty range": (
        {"facts.yaml": ("", "facts:\n  aa: {last: potassium, unit: mmol/L, range: [5, 5]}\n")},
        r"drugs/facts.yaml:2: fact aa: `range` is two numbers, the lower first",
    ),
    "a range that is none": (
        {"facts.yaml": ("", "facts:\n  aa: {last: potassium, unit: mmol/L, range: [.nan, .inf]}\n")},
        r"drugs/facts.yaml:2: fact aa: `range` is two numbers, the lower first",
    ),
    "longer ago than it looks back": (
        {
            "facts.yaml": ("", "facts:\n  since: {ago: asthma, within: 30 days}\n"),
            "rules.yaml": ("egfr >= 30 and egfr < 45", "since > 90"),
        },
        r"drugs/rules.yaml:\d+: rule metformin_egfr_45, `when`: it can never hold",
    ),
    "a result that is older than it looks back": (
        {"rules.yaml": ("egfr >= 30 and egfr < 45", "days(potassium_day, today) > 90")},
        r"rule metformin_egfr_45, `when`: it can never hold",
    ),
    "an age below nothing": (
        {"rules.yaml": ("egfr >= 30 and egfr < 45", "age < 0")},
        r"rule metformin_egfr_45, `when`: it can never hold",
    ),
    "a sex that there is not": (
        {"rules.yaml": ("egfr >= 30 and egfr < 45", "sex = 'woman'")},
        r"rule metformin_egfr_45, `when`: it can never hold",
    ),
    "fewer than none": (
        {
            "facts.yaml": ("", "facts:\n  attacks: {count: asthma, within: 1 year}\n"),
            "rules.yaml": ("egfr >= 30 and egfr < 45", "attacks < 0"),
        },
        r"rule metformin_egfr_45, `when`: it can never hold",
    ),
    "a code that the fact has not": (
        {
            "facts.yaml": ("", "facts:\n  told: {coded: positive, codes: {high: [7], low: [8]}}\n"),
            "rules.yaml": ("egfr >= 30 and egfr < 45", "told = 'middle'"),
        },
        r"rule metformin_egfr_45, `when`: it can never hold",
    ),
    "an order where nothing is ordered": (
        {"rules.yaml": ("", NEW.format(more="").replace("order-sign", "patient-view").replace("has_", "ordered_"))},
        r"rule r_new, `when`: it can never hold",
    ),
    "a dose where nothing is ordered": (
        {
            "rules.yaml": (
                "",
                NEW.format(more="").replace("order-sign", "patient-view").replace("has_asthma", "dose_metformin > 9"),
            )
        },
        r"rule r_new, `when`: it can never hold",
    ),
    "a part that never holds": (
        {"rules.yaml": ("egfr >= 30 and egfr < 45", "(has_asthma or (egfr > 75 and egfr < 40))")},
        r"rule metformin_egfr_45, `when`: a part of it, at column \d+, can never hold",
    ),
    "a number that is reckoned to be nowhere": (
        {
            "facts.yaml": ("", "facts:\n  twice: {let: 2 * potassium}\n"),
            "rules.yaml": ("egfr >= 30 and egfr < 45", "twice > 31"),
        },
        r"rule metformin_egfr_45, `when`: it can never hold",
    ),
    "a fact that is never yes": (
        {"facts.yaml": ("", "facts:\n  aa: {let: potassium > 5 and potassium < 4}\n")},
        r"drugs/facts.yaml:2: fact aa: it can never hold",
    ),
    "an analyte in a unit of enzymes": (
        {"facts.yaml": ("", "facts:\n  aa: {last: creatinine, analyte: CREA, unit: U/L}\n")},
        r"drugs/facts.yaml:2: fact aa: CREA is not measured in 'U/L'. Mend the unit, or the analyte",
    ),
    "an analyte in no unit": (
        {"facts.yaml": ("", "facts:\n  aa: {last: creatinine, analyte: CREA}\n")},
        r"drugs/facts.yaml:2: fact aa: CREA is not measured in ''. Mend the unit, or the analyte",
    ),
    "a unit of yes and no": (
        {"facts.yaml": ("", "facts:\n  aa: {ever: asthma, unit: kg}\n")},
        r"drugs/facts.yaml:2: fact aa: `ever` does not read `unit`. Take it out",
    ),
    "a window of what is reckoned": (
        {"facts.yaml": ("", "facts:\n  aa: {let: age + 1, within: 9 days}\n")},
        r"drugs/facts.yaml:2: fact aa: `let` does not read `within`. Take it out",
    ),
    "decimals below none": (
        {"facts.yaml": ("", "facts:\n  aa: {last: potassium, unit: mmol/L, decimals: -3}\n")},
        r"drugs/facts.yaml:2: fact aa: '-3' is no number of decimals. Write 0 to 9",
    ),
    "codes of nothing": (
        {"facts.yaml": ("", "facts:\n  aa: {coded: positive, codes: {}}\n")},
        r"drugs/facts.yaml:2: fact aa: `codes` is a mapping",
    ),
    "a grade that the score has not": (
        {"rules.yaml": ("", NEW.format(more="").replace("has_asthma", "child_pugh = 'D'"))},
        r"rule r_new, `when`: it can never hold",
    ),
    "a text that is reckoned to be another": (
        {
            "facts.yaml": ("", "facts:\n  old: {let: \"case when age > 75 then 'yes' else 'no' end\"}\n"),
            "rules.yaml": ("egfr >= 30 and egfr < 45", "old = 'maybe'"),
        },
        r"rule metformin_egfr_45, `when`: it can never hold",
    ),
    "an example longer ago than it looks back": (
        {
            "facts.yaml": ("", "facts:\n  since: {ago: asthma, within: 30 days}\n"),
            "rules.yaml": ("", NEW.format(more="    examples:\n      - {with: {since: 90}, fires: open}\n")),
        },
        r"rule r_new: the example gives since as 90.0, and it is only ever 0 to 30. Mend the example",
    ),
    "an example of an age below nothing": (
        {"rules.yaml": ("", NEW.format(more="    examples:\n      - {with: {age: -3}, fires: open}\n"))},
        r"rule r_new: the example gives age as -3.0, and it is only ever 0 to 130. Mend the example",
    ),
    "a concept that no vocabulary has": (
        {"concepts.csv": ("", "concept,kind,en,zh,omop\nzzz,drug,a,b,0\n")},
        r"'0' is no concept id of OMOP",
    ),
    "an example outside of the range": (
        {"rules.yaml": ("", NEW.format(more="    examples:\n      - {with: {potassium: 99}, fires: open}\n"))},
        r"drugs/rules.yaml:\d+: rule r_new: the example gives potassium as 99.0, and it is only ever 1 to 15. Mend",
    ),
    "a summary that is too long": (
        {"rules.yaml": ("Allergy to an NSAID is known", "Allergy " * 30)},
        r"`summary` in en takes \d+ characters with its values. Cut it to 140",
    ),
}


@pytest.mark.parametrize(("files", "told"), WRONG.values(), ids=WRONG)
def test_a_wrong_pack_is_refused_with_file_line_and_mend(
    tmp_path: Path, files: dict[str, tuple[str, str]], told: str
) -> None:
    with pytest.raises(PackError, match=told):
        read(changed(tmp_path, files))


def test_rules_that_cannot_meet_do_not_contradict(tmp_path: Path) -> None:
    added = (
        "  metformin_first:\n    version: '1'\n    title: {en: a, zh: b}\n    hooks: [order-sign]\n"
        "    when: ordered_metformin and egfr >= 60 and not has_liver_failure\n    summary: {en: a, zh: b}\n"
        "    do: {give: metformin}\n    source: labels\n"
    )
    base = read(changed(tmp_path, {"rules.yaml": ("", added)}))
    assert "metformin_first" in base.rules


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    files = {
        "relations.csv": ("warfarin,interacts_with,aspirin", "warfarin,interacts_with,asprin"),
        "rules.yaml": ("source: beers", "source: bears"),
    }
    with pytest.raises(PackError) as told:
        read(changed(tmp_path, files))
    assert len(str(told.value).splitlines()) >= 2


def test_the_digest_is_of_the_files(tmp_path: Path) -> None:
    other: Base = read(changed(tmp_path, {"relations.csv": ("", "\n")}))
    assert other.digest != BASE.digest
    assert set(other.rules) == set(BASE.rules)
