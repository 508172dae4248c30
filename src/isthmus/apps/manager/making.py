"""A new application that passes its own tests, and the running of those tests."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from traceback import extract_tb

from jinja2 import Environment, StrictUndefined

from isthmus.apps.contract import InputError, UsageError
from isthmus.apps.contract.manifest import NAME
from isthmus.apps.contract.package import loading

MADE = {
    "app.yaml.j2": "app.yaml", "records.yaml.j2": "records.yaml", "app.py.j2": "app.py",
    "test_app.py.j2": "tests/test_app.py",
}  # fmt: skip


def new(name: str, folder: Path) -> list[Path]:
    """Write a small application into a new folder. Raises UsageError where the name or the folder will not do."""
    if not NAME.fullmatch(name):
        raise UsageError(f"'{name}' cannot name an application. Use 1 to 40 of a-z, 0-9 and '-', a letter first.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not an empty folder. Name a new one.")
    frame = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    made = []
    for source, target in MADE.items():
        text = (files("isthmus.apps.manager") / "template" / source).read_text(encoding="utf-8")
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        title = re.sub("-+", " ", name).capitalize()
        path.write_text(frame.from_string(text).render(name=name, title=title), encoding="utf-8")
        made.append(path)
    return made


@dataclass(frozen=True, slots=True)
class Tried:
    """A test, and how it failed: "" when it passed."""

    name: str
    failure: str


def tests(folder: Path) -> Iterator[Tried]:
    """Run the tests of an application: the functions `test_…` of `tests/test_*.py`, without arguments, here and now.

    Raises InputError where there are none, or where they cannot be loaded.
    """
    found = sorted((folder / "tests").glob("test_*.py"))
    if not found:
        raise InputError(f"{folder} has no tests/test_*.py. Write a test; `isthmus app new` shows one.")
    for path in found:
        spec = spec_from_file_location(f"isthmus_test_{path.stem}", path)
        assert spec is not None and spec.loader is not None  # it is a file of Python
        module = module_from_spec(spec)
        sys.modules[spec.name] = module
        with loading(path.name):
            spec.loader.exec_module(module)
        for name in [one for one in vars(module) if one.startswith("test_") and callable(getattr(module, one))]:
            yield _tried(path, name, module.__dict__[name])


def _tried(path: Path, name: str, test: object) -> Tried:
    assert callable(test)
    try:
        test()
    except Exception as error:  # code of somebody else may raise anything
        places = [one for one in extract_tb(error.__traceback__) if one.filename == str(path)]
        line = places[-1].lineno if places else "?"
        return Tried(name, f"{path.name}:{line}: {type(error).__name__}: {error}".rstrip(": "))
    return Tried(name, "")
