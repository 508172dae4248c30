"""What tables and columns are called in English and in Simplified Chinese, made of the words of `names.csv`.

A column's name is a word and a suffix of the model's (`condition` + `_start_date`): 诊断 + 开始日期.
The names are ours.
"""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "zh")


def name_of(table: str, column: str = "") -> Mapping[str, str]:
    """By language what a table, or one of its columns, is called; as it is written where there is no name for it."""
    if not column:
        stem = "statement" if table.endswith("_statement") else table
        return _named("table").get(stem, dict.fromkeys(LANGUAGES, table))
    words = _named("word")
    if column in words:
        return words[column]
    for suffix, told in _named("suffix").items():
        stem = column.removesuffix(suffix)
        if column.endswith(suffix) and stem in words:
            return {language: words[stem][language] + told[language] for language in LANGUAGES}
    return dict.fromkeys(LANGUAGES, column)


@cache
def _named(sort: str) -> Mapping[str, Mapping[str, str]]:
    text = files("isthmus.cdm").joinpath("names.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["word"]: {one: row[one] for one in LANGUAGES} for row in rows if row["sort"] == sort}
