"""Notes and what the rule layer finds in them, for the tests of text structuring."""

from typing import Any

import pyarrow as pa

from isthmus.mapping.text.structure import structure

FLAGS = ("negated", "uncertain", "family")


def findings(*texts: str | None) -> list[dict[str, Any]]:
    """All findings of some notes, numbered from 0."""
    batches = structure(pa.array(range(len(texts)), pa.int64()), pa.array(texts, pa.string()))
    return [row for batch in batches for row in batch.to_pylist()]


def named(text: str, code: str) -> dict[str, Any]:
    """The one finding of that code; the test fails where there is none or are several."""
    found = [row for row in findings(text) if row["code"] == code]
    assert len(found) == 1, (code, [(row["text"], row["code"]) for row in findings(text)])
    return found[0]


def said(text: str, word: str) -> str:
    """What is said of the finding that reads `word`: its flags and temporal, as words; `present` where nothing is."""
    found = [row for row in findings(text) if row["text"].lower() == word.lower()]
    assert len(found) == 1, (word, [row["text"] for row in findings(text)])
    flags = [name for name in FLAGS if found[0][name]]
    return " ".join([*flags, *([found[0]["temporal"]] if found[0]["temporal"] != "present" else [])]) or "present"


def check(table: str) -> None:
    """Each line is `text | word | what is said of it`; all lines are tried, those that fail are shown together."""
    wrong = []
    for line in filter(str.strip, table.splitlines()):
        text, word, expected = (part.strip() for part in line.split(" | "))
        got = said(text, word)
        if got != expected:
            wrong.append(f"{text} | {word} | {got}, expected {expected}")
    assert not wrong, "\n".join(wrong)


def check_values(table: str) -> None:
    """Each line is `text | code | number | unit | value`; `-` is null."""
    wrong = []
    for line in filter(str.strip, table.splitlines()):
        text, code, *expected = (part.strip() for part in line.split(" | "))
        row = named(text, code)
        number = "-" if row["number"] is None else f"{row['number']:g}"
        got = [number, row["unit"] or "-", row["value"] or "-"][: len(expected)]
        if got != expected:
            wrong.append(f"{text} | {code} | {' | '.join(got)}, expected {' | '.join(expected)}")
    assert not wrong, "\n".join(wrong)
