"""A place in a document of nested maps and lists, which knows how to say where it is."""

from collections.abc import Collection, Iterator
from datetime import date
from typing import Any, Self

from isthmus.base.errors import InputError

EPOCH = date(1970, 1, 1)


class DefinitionError(InputError):
    """A cohort definition is wrong, or asks what has no answer. The text begins with file and place.

    `way` are the keys and places in lists that lead to it from the root.
    """

    way: tuple[str | int, ...] = ()


class Cursor:
    """One value of a document, with the way that leads to it from the root."""

    __slots__ = ("file", "key", "parent", "value")
    ours = False  # whether the document may say more than Circe can

    def __init__(self, value: Any, *, file: str, parent: "Cursor | None" = None, key: str | int = "") -> None:
        self.value = value
        self.file = file
        self.parent = parent
        self.key = key

    @property
    def path(self) -> str:
        """The way from the root: `PrimaryCriteria.CriteriaList[0].Measurement`."""
        if self.parent is None:
            return ""
        before = self.parent.path
        return f"{before}[{self.key}]" if isinstance(self.key, int) else f"{before}.{self.key}".lstrip(".")

    @property
    def way(self) -> tuple[str | int, ...]:
        """The keys and places in lists that lead here."""
        return () if self.parent is None else (*self.parent.way, self.key)

    def error(self, what: str, mend: str) -> DefinitionError:
        """An error to raise: the place, what is wrong there, and what to do."""
        found = DefinitionError(f"{self.file}: {self.path or 'the document'}: {what} {mend}")
        found.way = self.way
        return found

    def __getitem__(self, key: str | int) -> Self:
        value = self.value[key] if isinstance(key, int) else self.value.get(key)
        return type(self)(value, file=self.file, parent=self, key=key)

    def __bool__(self) -> bool:
        return self.value is not None

    def map(self, known: Collection[str], *, of: str = "") -> Self:
        """This, which must be a map with no key but those known."""
        if not isinstance(self.value, dict):
            raise self.error(f"a map is expected, not {_kind(self.value)}.", "Compare it with a definition that works.")
        for key in self.value:
            if key not in known:
                raise self[key].error(
                    f"{of or 'this map'} has no '{key}' here.",
                    "Take it out, or correct its name; nothing that a definition says is ignored.",
                )
        return self

    def items(self) -> Iterator[Self]:
        """The entries of a list; nothing of an absent one."""
        if self.value is None:
            return
        if not isinstance(self.value, list):
            raise self.error(f"a list is expected, not {_kind(self.value)}.", "Put the value between [ and ].")
        for number in range(len(self.value)):
            yield self[number]

    def integer(self, default: int | None = None) -> int:
        """A whole number; a fraction is cut off, as the reference does."""
        if self.value is None and default is not None:
            return default
        return int(self.number())

    def number(self) -> float:
        """A number, also one between quotes."""
        if isinstance(self.value, (int, float)) and not isinstance(self.value, bool):
            return self.value
        if isinstance(self.value, str):
            try:
                return float(self.value) if "." in self.value or "e" in self.value.lower() else int(self.value)
            except ValueError:
                pass
        raise self.error(f"a number is expected, not {_kind(self.value)}.", "Write a number.")

    def flag(self, default: bool = False) -> bool:
        """True or false."""
        if self.value is None:
            return default
        if isinstance(self.value, bool):
            return self.value
        raise self.error(f"true or false is expected, not {_kind(self.value)}.", "Write true or false.")

    def text(self, default: str | None = None) -> str:
        """A text."""
        if self.value is None and default is not None:
            return default
        if isinstance(self.value, str):
            return self.value
        raise self.error(f"a text is expected, not {_kind(self.value)}.", "Write a text between quotes.")

    def day(self) -> int:
        """A date, YYYY-MM-DD, as days since 1970."""
        parts = [part for part in self.text().split("-") if part]
        try:
            year, month, day = (int(part) for part in parts[:3])
            return (date(year, month, day) - EPOCH).days
        except ValueError:
            raise self.error("this is no date.", "Write it as 2024-12-31.") from None


class Phrase(Cursor):
    """A place in a document that a phenotype was turned into, which may say what Circe cannot."""

    __slots__ = ()
    ours = True


def _kind(value: Any) -> str:
    names = {dict: "a map", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")
