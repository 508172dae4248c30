"""The rules of trust: which keys the log has, who the witnesses are, and how many of whom must have signed.

The file is C2SP tlog-policy. It must reach the verifier by another way than the log.
"""

from dataclasses import dataclass, field

from .note import PublicKey, Refuted, Statement, is_signed, read_key


@dataclass
class Policy:
    """Keys of the log, keys of witnesses by their names, groups as (least, members), and the name of the quorum."""

    logs: list[PublicKey] = field(default_factory=list)
    witnesses: dict[str, PublicKey] = field(default_factory=dict)
    groups: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    quorum: str | None = None

    def accepts(self, statement: Statement) -> list[str]:
        """The witnesses who signed. Refutes a checkpoint without the log's signature; the quorum is asked for apart."""
        own = [key for key in self.logs if key.name == statement.origin]
        signed = [is_signed(statement, key) for key in own]  # all of them: one false signature refutes the rest
        if not any(signed):
            raise Refuted("the checkpoint is not signed by the log that the policy names")
        return [name for name, key in self.witnesses.items() if is_signed(statement, key)]

    def knows_all(self, statement: Statement) -> bool:
        """Whether every signature line is in the name and id of a key of the policy."""
        keys = {(key.name, key.number) for key in (*self.logs, *self.witnesses.values())}
        return all((name, number) in keys for name, number, _ in statement.lines)

    def suffices(self, signed: list[str]) -> bool:
        """Whether these witnesses are a quorum."""
        return self.quorum == "none" or self._has(str(self.quorum), set(signed))

    def _has(self, name: str, signed: set[str]) -> bool:
        if name in self.witnesses:
            return name in signed
        least, members = self.groups[name]
        return len([one for one in members if self._has(one, signed)]) >= least


def read_policy(text: str) -> Policy:
    """Read a policy file; what it does not say in the words of C2SP is refused."""
    policy = Policy()
    used: set[str] = set()
    for line in text.split("\n"):
        words = line.replace("\t", " ").split(" ")
        words = [word for word in words if word]
        if not words or words[0].startswith("#"):
            continue
        _take(policy, used, words)
    if policy.quorum is None:
        raise Refuted("the policy names no quorum")
    return policy


def _take(policy: Policy, used: set[str], words: list[str]) -> None:
    match words:
        case ["log", vkey, *rest] if len(rest) < 2:
            policy.logs.append(_fresh(read_key(vkey), policy.logs))
        case ["witness", name, vkey, *rest] if len(rest) < 2:
            _unnamed(policy, name)
            policy.witnesses[name] = _fresh(read_key(vkey), list(policy.witnesses.values()))
        case ["group", name, least, *members] if members:
            _unnamed(policy, name)
            policy.groups[name] = _group(policy, used, least, members)
        case ["quorum", name] if policy.quorum is None and (name == "none" or _is_known(policy, name)):
            policy.quorum = name
        case _:
            raise Refuted("a line of the policy cannot be read")


def _group(policy: Policy, used: set[str], least: str, members: list[str]) -> tuple[int, list[str]]:
    for member in members:
        if member in used or not _is_known(policy, member):
            raise Refuted("a member of a group is not defined before, or stands in two places")
        used.add(member)
    counts = {"any": "1", "all": str(len(members))}
    number = counts.get(least, least)
    if not (number.isascii() and number.isdigit()) or not 1 <= int(number) <= len(members):
        raise Refuted("a group asks for more members than it has, or for none")
    return int(number), members


def _is_known(policy: Policy, name: str) -> bool:
    return name in policy.witnesses or name in policy.groups


def _unnamed(policy: Policy, name: str) -> None:
    if name == "none" or _is_known(policy, name):
        raise Refuted("a name of the policy stands twice, or is reserved")


def _fresh(key: PublicKey, known: list[PublicKey]) -> PublicKey:
    if any(one.raw == key.raw for one in known):
        raise Refuted("a key of the policy stands twice")
    return key
