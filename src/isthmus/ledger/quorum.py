"""Who must have witnessed a checkpoint, as data: groups within groups, in the words of C2SP tlog-policy.

"Two of three hospitals and the commission" is

    Quorum.all_of("consortium", Quorum.some("hospitals", 2, east, west, north), commission)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from isthmus.base.errors import InputError
from isthmus.ledger.key import Vkey
from isthmus.ledger.note import Note


@dataclass(frozen=True, slots=True)
class Witnessing:
    """One witness: a name within the policy, and its key."""

    name: str
    vkey: Vkey


@dataclass(frozen=True, slots=True)
class Quorum:
    """A group: at least `least` of its members have witnessed, each of them a witness or a group."""

    name: str
    least: int
    members: tuple["Quorum | Witnessing", ...]

    @classmethod
    def some(cls, name: str, least: int, *members: "Quorum | Witnessing") -> "Quorum":
        """At least `least` of the members. Raises InputError when that cannot be, or a name or key stands twice."""
        found = cls(name, least, members)
        names = [one.name for one in _within(found)]
        keys = [one.vkey.public for one in found.witnesses()]
        spaced = [one for one in names if not one or one.split() != [one] or one == "none" or one.startswith("#")]
        if not 1 <= least <= len(members) or spaced or len(set(names)) < len(names) or len(set(keys)) < len(keys):
            raise InputError(f"the group '{name}' cannot be: 1 to {len(members)} of it, and each name and key once.")
        return found

    @classmethod
    def all_of(cls, name: str, *members: "Quorum | Witnessing") -> "Quorum":
        """Every member."""
        return cls.some(name, len(members), *members)

    @classmethod
    def any_of(cls, name: str, *members: "Quorum | Witnessing") -> "Quorum":
        """One member."""
        return cls.some(name, 1, *members)

    def witnesses(self) -> list[Witnessing]:
        """All witnesses in it."""
        return [one for one in _within(self) if isinstance(one, Witnessing)]

    def is_met(self, note: Note) -> bool:
        """Whether enough of them have signed. Raises IntegrityError for a false signature of one of them."""
        signed = {one.name for one in self.witnesses() if note.signed_by(one.vkey)}
        return _met(self, signed)


def policy(logs: Sequence[Vkey], quorum: Quorum | None) -> str:
    """The policy file that a verifier is given: the logs' keys, the witnesses', and the quorum (`None`: no witness)."""
    lines = [f"log {vkey.text}" for vkey in logs]
    if quorum is None:
        return "\n".join([*lines, "quorum none", ""])
    lines += [f"witness {one.name} {one.vkey.text}" for one in quorum.witnesses()]
    for one in _within(quorum):
        if isinstance(one, Quorum):
            lines.append(f"group {one.name} {one.least} {' '.join(member.name for member in one.members)}")
    return "\n".join([*lines, f"quorum {quorum.name}", ""])


def parse(text: str) -> Quorum | None:
    """The quorum of a policy file; None where it asks for no witness. Raises InputError that names the line."""
    known: dict[str, Quorum | Witnessing] = {}
    asked = ""
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            match line.split():
                case [] | ["log", *_]:
                    pass
                case [word, *_] if word.startswith("#"):
                    pass
                case ["witness", name, vkey]:
                    known[name] = Witnessing(name, Vkey.parse(vkey))
                case ["group", name, least, *members]:
                    count = {"any": 1, "all": len(members)}.get(least) or int(least)
                    known[name] = Quorum.some(name, count, *(known[one] for one in members))
                case ["quorum", asked] if asked == "none" or asked in known:
                    pass
                case _:
                    raise ValueError
        except (ValueError, KeyError, InputError) as error:
            why = f" ({error})" if isinstance(error, InputError) else ""
            raise InputError(
                f"line {number} of the policy cannot be read{why}. It has `witness NAME KEY`, "
                "`group NAME LEAST MEMBERS`, and `quorum NAME` of what stands before it."
            ) from None
    if not asked:
        raise InputError("the policy names no quorum. End it with `quorum NAME`, or `quorum none`.")
    found = known.get(asked)
    return Quorum.any_of("quorum", found) if isinstance(found, Witnessing) else found


def _within(quorum: Quorum | Witnessing) -> Iterator[Quorum | Witnessing]:
    """Members before the groups that name them."""
    if isinstance(quorum, Quorum):
        for member in quorum.members:
            yield from _within(member)
    yield quorum


def _met(quorum: Quorum | Witnessing, signed: set[str]) -> bool:
    if isinstance(quorum, Witnessing):
        return quorum.name in signed
    return sum(_met(member, signed) for member in quorum.members) >= quorum.least
