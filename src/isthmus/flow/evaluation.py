"""The statements of a plan, carried out: two at a time, so that no core waits while a statement is being prepared."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import pyarrow as pa
from sqlglot import exp

from isthmus.base.progress import Progress, Silence
from isthmus.lake.engine import Engine, beside
from isthmus.quality.checks import catalogue
from isthmus.quality.checks.keys import marks, repeated
from isthmus.quality.checks.layout import Layout
from isthmus.quality.checks.plan import Plan, plan
from isthmus.quality.checks.tally import TALLY
from isthmus.quality.checks.verdict import Result, judge

Found = TypeVar("Found")
Task = Callable[[Engine], Found]


def evaluate(
    engine: Engine, layout: Layout, version: str, day: date, *, own: bool = True, progress: Progress | None = None
) -> list[Result]:
    """Run the checks of a version over the tables and views that an engine has, as `layout` tells them.

    `own`: our own checks too, not the dashboard's alone.
    """
    progress = progress or Silence()
    checks = [*catalogue.checks(version), *(catalogue.rules(version) if own else ())]
    planned = plan(checks, layout, day)
    engine.load("listed", planned.listed)
    engine.load("asked", pa.concat_tables([engine.rows(statement) for statement in planned.asked]))
    scanned, tallied, shared = _carried_out(engine, planned, progress)
    engine.load("tally", pa.concat_tables([TALLY.empty_table(), *tallied]))
    looked_up = [engine.rows(statement) for statement in planned.lookups]
    for name in ("listed", "asked", "tally"):
        engine.drop(name)
    progress.finish("quality")
    return judge(checks, layout, planned.counts(scanned, looked_up, shared))


def _carried_out(
    engine: Engine, planned: Plan, progress: Progress
) -> tuple[list[pa.Table], list[pa.Table], Mapping[int, int]]:
    """The rows of scans, the rows of tallies, and by the number of a check how many keys or rows repeat another."""
    keys = [(number, statement) for number, some in planned.keys.items() for statement in some]
    counting: list[Task[int]] = [
        *(partial(_keys, statement) for _, statement in keys),
        *(partial(_repeats, columns, counted) for columns, counted in planned.marks.values()),
    ]
    # What takes longest comes first, so that neither engine is left alone with it.
    tasks: list[Task[Any]] = [
        *(partial(_rows, one) for one in planned.scans), *counting, *(partial(_rows, one) for one in planned.tallies)
    ]  # fmt: skip
    progress.start("quality", total=len(tasks), unit="scans")
    found = iter(_by_two(engine, tasks, lambda: progress.advance("quality")))
    scanned = list(islice(found, len(planned.scans)))
    shared = dict.fromkeys([*planned.keys, *planned.marks], 0)
    numbers = [*(number for number, _ in keys), *planned.marks]
    for number, count in zip(numbers, islice(found, len(counting)), strict=True):
        shared[number] += count
    return scanned, list(found), shared


def _by_two(engine: Engine, tasks: Sequence[Task[Found]], told: Callable[[], None]) -> list[Found]:
    """What the tasks found, in their order; `told` is called after each."""
    waiting: SimpleQueue[int] = SimpleQueue()
    for place in range(len(tasks)):
        waiting.put(place)
    found: dict[int, Found] = {}

    def work(with_engine: Engine) -> None:
        while True:
            try:
                place = waiting.get_nowait()
            except Empty:
                return
            found[place] = tasks[place](with_engine)
            told()

    def help_out() -> None:
        with beside(engine) as other:
            work(other)

    with ThreadPoolExecutor(1) as second:
        others = second.submit(help_out)
        work(engine)
        others.result()
    return [found[place] for place in range(len(tasks))]


def _rows(statement: exp.Select, engine: Engine) -> pa.Table:
    return engine.rows(statement)


def _keys(statement: exp.Select, engine: Engine) -> int:
    """How many keys are there more than once."""
    return repeated(engine.rows(statement).column(0))


def _repeats(columns: Sequence[exp.Select], counting: exp.Select, engine: Engine) -> int:
    """How many rows say what another has said: counted among the rows whose mark is there twice."""
    again = pa.concat_tables([marks(engine.rows(statement).column(0)) for statement in columns])
    if not len(again):
        return 0
    engine.load("again", again)
    count = int(engine.rows(counting).column(0)[0].as_py())
    engine.drop("again")
    return count
