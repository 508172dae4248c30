"""What a caller sends along, before anything is read of it: resources of one patient, and names that people may see.

A caller's system may be anybody's. Ids and types of its resources stand in cards, and cards in pages: what is no id is
not told. Resources of two patients would make a card about the wrong one, so a call with them is refused.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from isthmus.apps.contract import InputError

TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}")
ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
PATIENT = re.compile(r"(?:[^#]*/)?Patient/([^/]+)(?:/_history/[^/]*)?")
OF = ("subject", "patient")
DRAFTED = ("draftOrders", "medications", "orders")
DEEPEST = 32  # Bundles, lists and wrappers within each other


def resources(sent: Any) -> Iterator[Mapping[str, Any]]:
    """The resources in what was sent under a key: one, a Bundle of them, or one in a wrapper of older callers.

    What has no type is none; an id that is none is left out.
    """
    waiting = [(sent, 0)]
    while waiting:
        one, deep = waiting.pop()
        if deep > DEEPEST:
            raise InputError(f"resources stand in more than {DEEPEST} Bundles or lists. Send them in one.")
        if isinstance(one, Mapping) and one.get("resourceType") == "Bundle":
            one = [entry.get("resource") for entry in listed(one.get("entry")) if isinstance(entry, Mapping)]
        if isinstance(one, Sequence) and not isinstance(one, str):
            waiting += [(each, deep + 1) for each in reversed(one)]
        elif isinstance(one, Mapping) and "resourceType" in one:
            kind, name = one["resourceType"], one.get("id")
            if isinstance(kind, str) and TYPE.fullmatch(kind):
                yield one if name is None or _is_id(name) else {**one, "id": ""}
        elif isinstance(one, Mapping) and "resource" in one:
            waiting.append((one["resource"], deep + 1))


def demand_one(prefetch: Mapping[str, Any], context: Mapping[str, Any]) -> None:
    """Raise InputError, which names the place, where resources are of more than one patient.

    A caller's server may have another name for the patient than the call: they may all be of that one.
    """
    parts = {f"prefetch.{key[:40]}" if key.isidentifier() else "prefetch": sent for key, sent in prefetch.items()}
    parts |= {f"context.{key}": context.get(key) for key in DRAFTED}
    named = [(place, who) for place, sent in parts.items() for one in resources(sent) for who in _patients(one)]
    patient = str(context.get("patientId", ""))
    if named and all(who != patient for _, who in named):
        patient = named[0][1]
    for place, who in named:
        if who != patient:
            raise InputError(
                f"a resource in {place} is of another patient than the others. Send those of one patient only."
            )


def _patients(resource: Mapping[str, Any]) -> Iterator[str]:
    """The ids of patients that a resource names as whose it is."""
    if resource["resourceType"] == "Patient" and resource.get("id"):
        yield resource["id"]
    for one in map(resource.get, OF):
        told = one.get("reference") if isinstance(one, Mapping) else None
        found = PATIENT.fullmatch(told) if isinstance(told, str) else None
        if found:
            yield found[1]


def _is_id(name: Any) -> bool:
    return isinstance(name, str) and ID.fullmatch(name) is not None


def listed(value: Any) -> Sequence[Any]:
    """The entries of a list; nothing of what is none."""
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def number(value: Any) -> float | None:
    """A number of a resource; None for what is none, or not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None
