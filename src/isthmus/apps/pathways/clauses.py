"""Whether two conditions of rules can hold of one patient."""

from collections.abc import Mapping, Sequence

from isthmus.apps.pathways.pack import Clause


def exclude(one: Clause, other: Clause, parts: Mapping[str, Sequence[int]]) -> bool:
    """Whether no patient fulfils both. `parts` are the numbers of the steps that the name of a step stands for."""
    if one.steps and other.steps and one.holds != other.holds:
        done, not_done = (one, other) if one.holds else (other, one)
        never = {part for name in not_done.steps for part in parts[name]}
        return {part for name in done.steps for part in parts[name]} <= never
    if not one.fact or one.fact != other.fact:
        return False
    if one.holds and other.holds:
        apart = bool(one.codes) and not set(one.codes) & set(other.codes)
        return apart or (
            one.number is not None and other.number is not None
            and (one.number[0] > other.number[1] or other.number[0] > one.number[1])
        )  # fmt: skip
    if one.holds == other.holds:
        return False
    said, denied = (one, other) if one.holds else (other, one)
    if said.number is not None and denied.number is not None:
        return denied.number[0] <= said.number[0] and said.number[1] <= denied.number[1]
    return bool(said.codes) and set(said.codes) <= set(denied.codes)
