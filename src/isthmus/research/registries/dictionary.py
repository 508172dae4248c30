"""The dictionary of a registry: each item with its names, codes, sources and where it comes from, in both languages."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO

from isthmus.research.registries.item import Item
from isthmus.research.registries.pack import Pack
from isthmus.research.registries.rules import Endpoint

COLUMNS = (
    "group", "group_en", "group_zh", "item", "en", "zh", "type", "unit", "codes", "codes_en", "codes_zh", "from",
    "formula", "pick", "window", "need", "since", "until", "source", "about", "about_zh",
)  # fmt: skip
HEADINGS: Mapping[str, Sequence[str]] = {
    "en": ("item", "name", "type", "unit or codes", "which value", "need", "source"),
    "zh": ("条目", "名称", "类型", "单位或编码", "取值", "要求", "出处"),
}
TYPES = {
    "number": "数值", "whole": "整数", "choice": "单选", "many": "多选", "yesno": "是否", "date": "日期",
    "text": "文本",
}  # fmt: skip
PICKS = {
    "first": "最早", "last": "最近一次", "nearest": "最接近", "lowest": "最低", "highest": "最高", "any": "任一",
    "all": "全部", "count": "次数",
}  # fmt: skip
BESIDE = {"grade": ("grade", "分级"), "missing": ("what is missing for it", "缺少的输入项")}
OF_ENDPOINTS = {"days": ("days", "天数"), "event": ("event", "结局")}
NEEDS = {"core": "核心", "wanted": "需要", "optional": "可选"}
ROWS = {
    "en": {"patient": "one row a patient", "visit": "one row a visit", "event": "one row an event",
           "line": "one row a treatment line"},
    "zh": {"patient": "每名患者一行", "visit": "每次就诊一行", "event": "每个事件一行", "line": "每线治疗一行"},
}  # fmt: skip


def sheet(pack: Pack) -> str:
    """The dictionary as CSV, one line an item."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in pack.items.values():
        writer.writerow(_row(pack, one))
        if one.name in pack.formulas and pack.formulas[one.name].score:
            writer.writerows(_beside(pack, one))
    writer.writerows(row for point in pack.endpoints.values() for row in _endpoint(point))
    return text.getvalue()


def document(pack: Pack, language: str) -> str:
    """The dictionary as Markdown, in `en` or `zh`: a table for each group."""
    lines = [f"# {pack.titles.get(language) or pack.name}", ""]
    said = f"{pack.name} {pack.version}, {len(pack.items)} items in {len(pack.groups)} groups."
    chinese = f"{pack.name} {pack.version}：{len(pack.groups)} 组，{len(pack.items)} 个条目。"
    lines += [chinese if language == "zh" else said, ""]
    for group in pack.groups.values():
        lines += [f"## {group.names[language] or group.name}", "", f"`{group.name}`: {ROWS[language][group.row]}", ""]
        lines += ["| " + " | ".join(HEADINGS[language]) + " |", "|---" * len(HEADINGS[language]) + "|"]
        lines += [_line(pack, one, language) for one in pack.items.values() if one.group == group.name]
        lines.append("")
    lines += [f"## {'终点' if language == 'zh' else 'End points'}", ""]
    lines += [f"- **{one.names[language]}** (`{one.name}`): {one.about[language]}" for one in pack.endpoints.values()]
    return "\n".join([*lines, ""])


def _row(pack: Pack, one: Item) -> Iterator[str]:
    codes = pack.lists.get(one.list, ())
    group = pack.groups[one.group].names
    yield from (one.group, group["en"], group["zh"], one.name, one.names["en"], one.names["zh"], one.type, one.unit)
    yield "|".join(each.code for each in codes)
    yield "|".join(each.names["en"] for each in codes)
    yield "|".join(each.names["zh"] for each in codes)
    yield from (one.row.get("from", ""), formula(pack, one), one.pick, one.row.get("window", ""), one.need)
    yield from (str(day) if day else "" for day in (one.since, one.until))
    yield from ("|".join(one.references), one.about["en"], one.about["zh"])


def _beside(pack: Pack, one: Item) -> Iterator[list[str]]:
    """The columns that a score has beside its own."""
    group = pack.groups[one.group].names
    for ending, (english, chinese) in BESIDE.items():
        cells = {"group": one.group, "group_en": group["en"], "group_zh": group["zh"], "item": f"{one.name}_{ending}",
                 "en": f"{one.names['en']}: {english}", "zh": f"{one.names['zh']}：{chinese}",
                 "type": "text"}  # fmt: skip
        yield [cells.get(column, "") for column in COLUMNS]


def _endpoint(point: Endpoint) -> Iterator[list[str]]:
    """The columns of an end point."""
    for ending, (english, chinese) in OF_ENDPOINTS.items():
        cells = {"group": "endpoint", "group_en": "End points", "group_zh": "终点", "item": f"{point.name}_{ending}",
                 "en": f"{point.names['en']}, {english}", "zh": f"{point.names['zh']}，{chinese}", "type": "whole",
                 "unit": "d" if ending == "days" else "", "codes": "" if ending == "days" else "0|1|2",
                 "codes_en": "" if ending == "days" else "censored|event|ended otherwise",
                 "codes_zh": "" if ending == "days" else "删失|事件|竞争事件",
                 "about": point.about["en"], "about_zh": point.about["zh"]}  # fmt: skip
        yield [cells.get(column, "") for column in COLUMNS]


def formula(pack: Pack, one: Item) -> str:
    """How an item is derived, in one line; nothing for others."""
    told = pack.formulas.get(one.name)
    if told is None:
        return ""
    given = ", ".join(f"{key}: {value}" for key, value in told.inputs.items())
    return told.expression or f"{told.score}({given})"


def _line(pack: Pack, one: Item, language: str) -> str:
    chinese = language == "zh"
    codes = "; ".join(f"{each.code} {each.names[language]}".strip() for each in pack.lists.get(one.list, ()))
    window = one.row.get("window", "")
    picked = formula(pack, one) or f"{PICKS[one.pick] if chinese else one.pick} {window}".strip()
    cells = (
        f"`{one.name}`", one.names[language], TYPES[one.type] if chinese else one.type, one.unit or codes, picked,
        NEEDS[one.need] if chinese else one.need, "; ".join(one.references),
    )  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
