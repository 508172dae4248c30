"""Whether an entry is what may stand in the log: flat, canonical, short, and without room for free text."""

import json
import re

TEXT = re.compile(r"[A-Za-z0-9:./-]{1,80}")
NAME = re.compile(r"[a-z]{1,20}")
LONGEST = 2048


def read_entry(raw: bytes) -> dict[str, str | int] | None:
    """Its fields, or None when it is not in the one right form."""
    if len(raw) > LONGEST or not raw.isascii():
        return None
    try:
        fields = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or not all(NAME.fullmatch(name) for name in fields):
        return None
    for value in fields.values():
        if isinstance(value, str):
            right = TEXT.fullmatch(value) is not None
        else:
            right = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**10
        if not right:
            return None
    if not isinstance(fields.get("id"), str) or not isinstance(fields.get("kind"), str):
        return None
    pieces = [f'"{name}":' + (f'"{fields[name]}"' if isinstance(fields[name], str) else str(fields[name]))
              for name in sorted(fields)]  # fmt: skip
    return fields if ("{" + ",".join(pieces) + "}").encode() == raw else None
