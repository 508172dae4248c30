"""One tree of errors; each class that a person meets has its own exit code.

    IsthmusError            1   something unexpected that we can still name
    ├── UsageError          2   the command was used wrongly
    ├── InputError          3   what was given cannot be read or does not fit
    │   ├── PackError       3   a mapping pack is wrong; names file and line
    │   └── Unreadable      3   a delivered file cannot be read; it stays in the landing
    ├── RefusedError        5   the gate said no
    ├── PartialError        6   some sites, files or tables succeeded, some failed
    └── IntegrityError      7   what is stored is not what was written

Texts say what happened, why it is not allowed, and what to do next; never a value of a patient.
"""


class IsthmusError(Exception):
    """An error with a sentence for the person who meets it."""

    exit_code = 1


class UsageError(IsthmusError):
    """The command or function was used wrongly."""

    exit_code = 2


class InputError(IsthmusError):
    """What was given cannot be read or does not fit."""

    exit_code = 3


class PackError(InputError):
    """A mapping pack is wrong. The text begins with file and line."""


class Unreadable(InputError):
    """A delivered file cannot be read as a whole; the original stays in the landing.

    `reason` is a class of `isthmus.intake.record.REASONS`, `detail` one sentence without data.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class RefusedError(IsthmusError):
    """The gate said no."""

    exit_code = 5


class PartialError(IsthmusError):
    """Some sites, files or tables succeeded and some failed; what succeeded is published."""

    exit_code = 6


class IntegrityError(IsthmusError):
    """What is stored is not what was written."""

    exit_code = 7
