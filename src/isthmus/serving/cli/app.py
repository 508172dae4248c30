"""The command's entry: the verbs, and how their errors are told."""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import FrameType
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_group

from isthmus import __version__
from isthmus.base.durable import FULL, is_full
from isthmus.base.errors import InputError, IsthmusError
from isthmus.serving.cli.output import complain

INTERRUPTED = 130
# The modules of the verbs, in the order in which help lists them.
VERBS = {
    "demo": "demo",
    "init": "work", "simulate": "simulate", "site": "work", "ingest": "load", "attach": "work", "vocabulary": "work",
    "terms": "terms", "quarantine": "look", "replay": "work", "unmapped": "look", "decide": "decide",
    "decisions": "decide", "units": "units", "map": "map", "quality": "quality", "findings": "findings",
    "scorecard": "findings", "profile": "profile", "remap": "work", "receipts": "look", "editions": "look",
    "people": "people", "use": "uses", "ask": "asking", "release": "releases", "log": "trail",
    "evidence": "evidence", "witness": "witness", "incident": "incident", "app": "applications",
    "trace": "look", "link": "link", "person": "link",
    "cohorts": "cohorts", "registry": "registry", "cases": "cases", "pathway": "pathway", "serve": "serve",
    "verify": "inspect", "rebuild": "work", "doctor": "doctor",
}  # fmt: skip


class Verbs(TyperGroup):
    """Loads only the module of the verb that was asked for: loading takes longer than many verbs run."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All verbs."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The verb of this name, or None."""
        return _commands(VERBS[cmd_name]).get(cmd_name) if cmd_name in VERBS else None


@cache
def _commands(module: str) -> Mapping[str, Any]:
    """The verbs of a module by name. A process that is asked again and again makes them once."""
    loaded = typer.Typer()
    import_module(f"isthmus.serving.cli.{module}").register(loaded)
    return get_group(loaded).commands


app = typer.Typer(
    cls=Verbs,
    name="isthmus",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="What hospitals really export, made one linked, traceable OMOP lakehouse.\n\n"
    "Exit codes: 0 done, 1 unexpected, 2 wrong use, 3 input cannot be read, 5 refused by the gate, "
    "6 some sites, files or tables failed, 7 stored data were altered, 130 interrupted.",
)


def _version(shown: bool) -> None:
    if shown:
        typer.echo(f"isthmus {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Say the version."),
) -> None:
    """Options of all verbs."""


class Interrupt:
    """Whether somebody pressed Ctrl-C; an engine may turn that into an error of its own before it reaches us."""

    happened = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """The handler of the signal."""
        self.happened = True
        signal.default_int_handler(number, frame)


@contextmanager
def _interrupt() -> Iterator[Interrupt]:
    """Notice SIGINT for the length of a block, where the caller left it to Python (only the main thread may ask)."""
    noticed = Interrupt()
    ours = threading.current_thread() is threading.main_thread()
    ours = ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, noticed)
    try:
        yield noticed
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit with its code; no error ends in a traceback unless `--debug` is given."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    with _interrupt() as interrupt:
        try:
            code = _run([word for word in words if word != "--debug"], debug)
        except Exception as error:  # whatever we did not foresee: one sentence, and the way to see more
            if interrupt.happened:
                code = INTERRUPTED
            elif debug:
                raise
            else:
                code = 1
                complain(
                    f"Something unforeseen happened ({type(error).__name__}). "
                    "Run the command again with --debug and report it."
                )
    if code == INTERRUPTED:
        complain("Interrupted. What was landed is kept; run the same command again to go on.")
        if arguments is None:
            _leave(code)
    sys.exit(code)


def _leave(code: int) -> NoReturn:
    """End the process at once. Python's own way out aborts it when a reader's thread comes back into Python late."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _explained(error: typer.TyperException) -> str:
    """A wrong use in words; of an option that was left out also what it is for."""
    said = error.format_message()
    about = getattr(getattr(error, "param", None), "help", None)
    return f"{said} {about}" if about and said.startswith("Missing") else said


def _run(words: list[str], debug: bool) -> int:
    """The exit code of a command; raises what nobody foresaw, and with `debug` every error of ours."""
    try:
        code = app(words, standalone_mode=False)
    except typer.Exit as ended:
        return ended.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except typer.TyperException as error:
        complain(_explained(error))
        return error.exit_code
    except IsthmusError as error:
        if debug:
            raise
        complain(str(error))
        return error.exit_code
    except PermissionError as error:
        if debug:
            raise
        place = error.filename or "a file that the command needs"
        complain(f"{place} may not be opened: permission denied. Run as a user who may, or change its permissions.")
        return InputError.exit_code
    except OSError as error:
        if debug or not is_full(error):
            raise
        complain(FULL)
        return IsthmusError.exit_code
    return code if isinstance(code, int) else 0
