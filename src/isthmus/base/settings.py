"""A table of isthmus.toml that holds numbers, as a value."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from isthmus.base.errors import InputError

Numbers = TypeVar("Numbers")


def numbers(settings: Mapping[str, Any], table: str, kind: type[Numbers]) -> Numbers:
    """The table as a dataclass of numbers above 0; what is not written is as its defaults say.

    Raises InputError when it cannot be read.
    """
    names = [one.name for one in fields(kind)]  # type: ignore[arg-type] # every `kind` is a dataclass
    try:
        found = kind(**settings.get(table, {}))
        right = all(getattr(found, name) > 0 for name in names)
    except TypeError:
        right = False
    if not right:
        raise InputError(f"isthmus.toml: [{table}] has numbers above 0 for {', '.join(names)}. Correct it.")
    return found
