"""Exports of a registry by name: where each is written, and by what."""

from collections.abc import Callable, Mapping
from pathlib import Path

from isthmus.base.errors import UsageError
from isthmus.serving.registries import cbioportal, mcode, redcap
from isthmus.serving.registries.kept import Kept

FORMS: Mapping[str, Callable[[Kept, Path], None]] = {
    "cbioportal": cbioportal.write, "redcap": lambda kept, path: redcap.write(kept.pack, path), "mcode": mcode.write,
}  # fmt: skip
ENDINGS = {"redcap": ".csv", "mcode": ".ndjson"}


def check(form: str, path: Path) -> None:
    """Raise UsageError for a form that is not known, or a path that is none of it."""
    if form not in FORMS:
        raise UsageError(f"'{form}' is no form of an export. Name one of: {', '.join(FORMS)}.")
    ending = ENDINGS.get(form, "")
    if ending and path.suffix.lower() != ending:
        raise UsageError(
            f"{path.name} does not end in {ending}. The form {form} is one file: name it registry{ending}."
        )
    if not ending and path.is_file():
        raise UsageError(f"{path} is a file. The form {form} is a folder: name one.")


def export(kept: Kept, form: str, path: Path) -> None:
    """Write an export. Raises UsageError where the place cannot be written."""
    try:
        FORMS[form](kept, path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}. Name another place.") from None
