"""The package of an application: loaded under a name of its own, so that two versions can be there at once."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from traceback import extract_tb

from isthmus.apps.contract.application import Application
from isthmus.apps.contract.bound import Bound
from isthmus.apps.contract.manifest import FILE, manifest_of
from isthmus.base.errors import InputError, IsthmusError

PREFIX = "isthmus_app_"


def bound(folder: Path, package: str = "") -> Bound:
    """The application in a folder, bound to its manifest; of an installed `package`, or loaded from the folder.

    Raises PackError when the manifest is wrong, InputError when the package cannot be loaded or gives something else.
    """
    manifest = manifest_of(folder)
    module, _, name = manifest.entry.partition(":")
    package = package or _package(
        folder, f"{PREFIX}{manifest.app.replace('-', '_')}_{manifest.version}".replace(".", "_")
    )
    place = f"{folder.name}/{FILE}: entry {manifest.entry}"
    with loading(place):
        found = getattr(import_module(f"{package}.{module}"), name, None)
        if not (isinstance(found, type) and issubclass(found, Application)):
            raise InputError(f"{place}: this is no subclass of Application. Name the class of the application.")
        return Bound(found(), manifest)


@contextmanager
def loading(what: str) -> Iterator[None]:
    """What code of somebody else raises while it is loaded, as InputError: what, why, and at which line."""
    try:
        yield
    except IsthmusError:
        raise
    except Exception as error:  # code of somebody else may raise anything
        last = extract_tb(error.__traceback__)[-1]
        raise InputError(
            f"{what} cannot be loaded ({type(error).__name__}: {error}; {Path(last.filename).name}:{last.lineno}). "
            "Mend it, then run `isthmus app test` over it."
        ) from error


def forget(package: str) -> None:
    """Forget the modules of a package that was loaded from a folder."""
    for name in [one for one in sys.modules if one == package or one.startswith(f"{package}.")]:
        del sys.modules[name]


def _package(folder: Path, name: str) -> str:
    """Make a folder a package of this name; what had the name before gives way."""
    forget(name)
    start = folder / "__init__.py"
    spec: ModuleSpec | None
    if start.exists():
        spec = spec_from_file_location(name, start, submodule_search_locations=[str(folder)])
    else:
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    if spec.loader is not None:
        with loading(folder.name):
            spec.loader.exec_module(module)
    return name
