"""What commands print: tables for people, one JSON document for programs, progress and errors on stderr."""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

# Where nobody watches (a file, a pipe) there is no screen to fit: tables take the width they need.
UNWATCHED = 10_000
STDERR = Console(stderr=True)
STDOUT = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else UNWATCHED)


class Bars:
    """Progress bars on stderr; silent when nobody watches."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def start(self, task: str, *, total: int | None = None, unit: str = "") -> None:
        self._tasks[task] = self._progress.add_task(task, total=total, unit=unit)

    def advance(self, task: str, done: int = 1) -> None:
        self._progress.advance(self._tasks[task], done)

    def finish(self, task: str) -> None:
        self._progress.remove_task(self._tasks.pop(task))


@contextmanager
def bars(*, quiet: bool = False) -> Iterator[Bars]:
    """Progress for the length of a block."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=STDERR, transient=True, disable=quiet or not sys.stderr.isatty()) as progress:
        yield Bars(progress)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table; numbers stand to the right. Columns without names have no line for them."""
    # As values, not as markup: `[/b]` is what a hospital wrote, and no end of bold.
    shown = Table(header_style="bold", show_header=any(columns))
    for index, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        shown.add_column(Text(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(_cell(value) for value in row))
    STDOUT.print(Text(title, style="table.title"), soft_wrap=True)
    STDOUT.print(shown)


def say(text: str) -> None:
    """Print a line for people; only the terminal breaks it, so that a command in it can be copied."""
    STDOUT.print(text, markup=False, highlight=False, soft_wrap=True)


def program() -> str:
    """How the command was called, as far as it must be said to be found again: `isthmus` where that is on the path."""
    return "isthmus" if shutil.which("isthmus") or not sys.argv[0].endswith("isthmus") else sys.argv[0]


def document(value: Any) -> None:
    """Print one JSON document."""
    sys.stdout.buffer.write(
        orjson.dumps(value, default=_plain, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS) + b"\n"
    )
    sys.stdout.flush()


def complain(text: str) -> None:
    """Print one sentence on stderr."""
    STDERR.print(text, markup=False, highlight=False, style="red", soft_wrap=True)


def _cell(value: Any) -> Text:
    if value is None:
        return Text()
    return Text(f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Path | bytes):
        return str(value)
    raise TypeError(type(value).__name__)
