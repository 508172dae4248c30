"""What an application says that it gives, held against its manifest and the contract.

Who runs in a process of its own may say anything, and in anybody's name: a service of another application, a job of no
time. It is read as types before anything depends on it.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from isthmus.apps.contract import InputError, Told
from isthmus.apps.contract.manifest import Manifest

LONGEST = 10 * 365 * 86_400.0  # seconds
Seconds = Annotated[float, Meta(gt=0, le=LONGEST)]
LANGUAGES = frozenset({"en", "zh"})
STATUS = range(200, 600)
EMPTY = frozenset({204, 205, 304})
"""Statuses whose answers have no body, as HTTP has it."""


class _Service(Struct, forbid_unknown_fields=True):
    hook: str
    title: dict[str, str]
    description: dict[str, str]
    prefetch: dict[str, str]


class _Job(Struct, forbid_unknown_fields=True):
    every: Seconds
    seconds: Seconds


class _Given(Struct, forbid_unknown_fields=True):
    pages: dict[str, dict[str, str]]
    services: dict[str, _Service]
    jobs: dict[str, _Job]


def given(said: Any, manifest: Manifest) -> Mapping[str, Any]:
    """What an application gives, as plain values. Raises InputError where that is not what its manifest lists."""
    try:
        found = msgspec.convert(said, _Given)
    except msgspec.ValidationError:
        raise _wrong(manifest, "it does not say what it gives as the contract has it") from None
    for what in ("pages", "services", "jobs"):
        if set(getattr(found, what)) != set(getattr(manifest, what)):
            raise _wrong(manifest, f"its {what} are not those of its manifest")
    told = [*found.pages.values()]
    told += [words for one in found.services.values() for words in (one.title, one.description)]
    if not all(words.keys() >= LANGUAGES for words in told):
        raise _wrong(manifest, "a title lacks a language, en or zh")
    plain: Mapping[str, Any] = msgspec.to_builtins(found)
    return plain


def answer(said: Any) -> Told | None:
    """An answer that came over the pipe; None where it is none."""
    try:
        found = Told(**said)
    except TypeError:
        return None
    is_status = type(found.status) is int and found.status in STATUS
    return found if is_status and isinstance(found.media, str) else None


def _wrong(manifest: Manifest, why: str) -> InputError:
    return InputError(f"{manifest.app} {manifest.version}: {why}. Ask who made it, or remove it.")
