"""What can be shown afterwards: everything done under a grant, who used data about a person, and that the log holds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlglot import exp, parse_one

from isthmus.base.errors import IsthmusError, RefusedError
from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.joined import ALIAS, JOINING, SCHEMA
from isthmus.gate.office.cases import granted
from isthmus.gate.office.people import persons_of, shown_by
from isthmus.gate.office.unit import APPOINTED, HASHED, KINDS, Office, content
from isthmus.gate.office.vault import policy
from isthmus.lake.lake import Lake
from isthmus.ledger.entry import Value, sealed, time_of
from isthmus.ledger.verify.log import check_log
from isthmus.ledger.verify.note import Refuted
from isthmus.ledger.verify.policy import read_policy
from isthmus.records.models import Account, Act

WATCHING = frozenset({"auditor", "committee", "commission", "steward", "administrator"})
"""Who may see what was done under any grant; people of a grant see their own."""
OWNER = "person_id"
# All numbers of the person who has this one: sites give others, and linkage another.
SAME = f"""
    SELECT {{person}} AS number UNION SELECT person FROM {JOINING} WHERE person_id = {{person}} UNION
    SELECT person_id FROM {JOINING} WHERE person = {{person}} OR person IN (
        SELECT person FROM {JOINING} WHERE person_id = {{person}})
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One act as it is shown. What it says is in words, without an answer: `written` is what people wrote, as they did,
    `told` what the gate says; `entry` is its entry in the log."""

    at: datetime
    person: str
    kind: str
    act: str
    written: Sequence[str]
    told: Sequence[str]
    grant: str
    entry: str

    @property
    def said(self) -> str:
        """Both, in one line."""
        return "; ".join([*self.written, *self.told])

    def plain(self) -> dict[str, Any]:
        """The line as programs get it."""
        return {"at": self.at, "person": self.person, "kind": self.kind, "act": self.act, "said": self.said,
                "grant": self.grant, "entry": self.entry}  # fmt: skip


def under(office: Office, grant: str, *, by: Account) -> list[Line]:
    """Everything done under a grant: its case, its sessions, its questions, its releases."""
    return [_line(act) for act in done_under(office, office.named(grant, "GR"), by=by)]


def done_under(office: Office, name: str, *, by: Account) -> list[Act]:
    """The acts under a grant, oldest first. RefusedError for who may not see them."""
    found = granted(office, name)
    people = found.case.grant.people if found and found.case.grant else frozenset()
    if not WATCHING & set(by.roles) and by.name not in people:
        raise RefusedError(f"{by.name} is not among the people of the grant. Ask an auditor.")
    held = {act.entry: act for act in (*(found.acts if found else ()), *office.acts.under(name))}
    return sorted(held.values(), key=lambda act: (act.at, act.subject, act.number))


def everything(office: Office, *, by: Account) -> list[Line]:
    """All acts of the workspace."""
    if "auditor" not in by.roles:
        raise RefusedError(f"{by.name} is no auditor. Name a grant with --grant, or ask an auditor.")
    return [_line(act) for act in office.acts.all(*KINDS)]


def about(office: Office, lake: Lake, person: int, *, by: Account) -> list[Line]:
    """The questions that could read data about a person, and for what: those whose tables, at the sites that were open
    to them and in the edition that they asked, hold a row of the person under any of the person's numbers."""
    if "auditor" not in by.roles and person not in persons_of(office, by):
        raise RefusedError(
            f"{by.name} is no auditor, and the account is not this person's. An auditor tells who used the data; an "
            "administrator adds accounts of patients with `isthmus people add --role patient --person`."
        )
    asked = [act for act in office.acts.all("question") if act.act == "allowed"]
    where: dict[int, Mapping[str, frozenset[str]]] = {}
    for edition in sorted({int(act.body["edition"]) for act in asked}):
        tables = {name for act in asked if act.body["edition"] == edition for name in act.body["tables"]}
        where[edition] = _places(lake, edition, person, sorted(tables))
    found = [act for act in asked if _touches(act, where[int(act.body["edition"])])]
    cases = {name: granted(office, name) for name in {act.grant for act in found}}
    words = {name: case.asked.summary for name, case in cases.items() if case}
    return [_line(act, words.get(act.grant, ""), count="auditor" in by.roles) for act in found]


def proved(office: Office) -> tuple[int, list[str]]:
    """How many acts were held against the log, and what does not hold. The verifier shares no code with the writer."""
    faults: list[str] = []
    entries: Mapping[str, Mapping[str, Value]] = {}
    try:
        with office.open():
            faults += _checked(office.ledger, office.keys)
            if not faults:
                entries = {str(one["id"]): one for one in office.entries()}
            acts = office.acts.all(*KINDS)  # before anybody acts again
    except IsthmusError as error:
        return 0, [str(error), *(one for one in _checked(office.ledger, office.keys) if one not in faults)]
    try:
        if not faults:
            actors = {one.name: one.actor for one in office.accounts.all()}
            faults += _held(acts, entries, actors)
        if not faults:  # then what acts say is what was said
            faults += _people(office, [act for act in acts if act.kind == "people"])
            faults += _appointed(office, acts)
    except IsthmusError as error:
        return 0, [*faults, str(error)]
    return len(acts), faults


def _appointed(office: Office, acts: Sequence[Act]) -> Iterator[str]:
    """Whether the witnesses that are asked for are those that an administrator appointed."""
    said = [act for act in acts if act.act == APPOINTED]
    asked = "quorum none\n" if not said else str(max(said, key=lambda act: act.at).body["policy"])
    if not policy(office.keys).endswith(f"\n{asked}"):
        yield "the witnesses of the log are not those that were appointed; keys/witnesses was altered"


def _checked(ledger: Path, keys: Path) -> list[str]:
    try:
        return list(check_log(ledger, read_policy(policy(keys))).faults)
    except (Refuted, IsthmusError, OSError) as error:
        return [str(error)]


def _held(acts: Sequence[Act], entries: Mapping[str, Mapping[str, Value]], actors: Mapping[str, str]) -> Iterator[str]:
    """Acts that are not in the log as they are, and entries whose acts are gone."""
    asked: dict[str, set[datetime]] = {}  # a session is opened at the moment of its first question
    for act in acts:
        if act.kind == "question" and act.entry in entries:
            asked.setdefault(str(entries[act.entry]["session"]), set()).add(act.at)
    for act in acts:
        entry = entries.get(act.entry)
        if entry is None:
            yield f"the act {act.number} on {act.subject} is not in the log"
        elif (field := HASHED.get(str(entry["kind"]))) is not None:
            hashed, _ = sealed(content(act), bytes.fromhex(act.salt))
            if entry[field] != hashed:
                yield f"the act {act.number} on {act.subject} is not what was logged; its record was altered"
        elif not _is_told(act, entry, actors) or act.at not in asked.get(act.subject, ()):
            yield f"the act {act.number} on {act.subject} is not what was logged; its record was altered"
    known = {act.entry for act in acts}
    yield from (
        f"the entry {name} of the log has no act; its record was removed" for name in entries if name not in known
    )


def _is_told(act: Act, entry: Mapping[str, Value], actors: Mapping[str, str]) -> bool:
    """Whether the entry says all that is kept of an act, where it has no hash of it: of a session."""
    kept = (act.kind, act.act, act.subject, act.grant, time_of(act.at), actors.get(act.person))
    told = tuple(entry.get(name) for name in ("kind", "act", "session", "grant", "at", "by"))
    return kept == told and (act.number, act.role, act.body, act.salt) == (1, "", {}, "")


def _people(office: Office, acts: Sequence[Act]) -> Iterator[str]:
    """Accounts and tokens that are not as the acts on them say: a role, a password or a token was put in."""
    added = {act.subject: act.body for act in acts if act.act == "added"}
    given = {act.body["token"]: act.body for act in acts if act.act == "token"}
    seconds = {act.subject: act.body.get("shown") for act in acts if act.act.endswith("second factor")}
    for account in office.accounts.all():
        said = added.get(account.actor, {})
        same = (said.get("name"), said.get("roles"), said.get("sites")) == (account.name, account.roles, account.sites)
        shown = said.get("shown", shown_by(account.password)) == shown_by(account.password)
        if not same or not shown or seconds.get(account.actor) != shown_by(account.second):
            yield f"the account {account.name} is not what was logged; its record was altered"
    bound: dict[str, str] = {}
    for act in sorted((one for one in acts if one.act in {"bound", "unbound"}), key=lambda one: one.at):
        bound = {who: name for who, name in bound.items() if act.act == "bound" or name != act.body["name"]}
        bound |= {act.body["who"]: act.body["name"]} if act.act == "bound" else {}
    if {one.who: one.name for one in office.bindings.all()} != bound:
        yield "who acts as an account from elsewhere is not what was logged; a record of it was altered"
    for token in office.accounts.tokens():
        said = given.get(token.token_id, {})
        kept = (said.get("name"), said.get("scope"), said.get("until"), said.get("shown", token.digest))
        if kept != (token.name, token.scope, token.expires_at.isoformat(), token.digest):
            yield f"a token of {token.name} is not what was logged; its record was altered"


def _places(lake: Lake, edition: int, person: int, tables: Sequence[str]) -> dict[str, frozenset[str]]:
    """By table the sites at which it holds a row of a person."""
    found = lake.editions.get(edition)
    places: dict[str, frozenset[str]] = {}
    with lake.engine() as engine:
        engine.view(JOINING, [lake.root / one.path for one in found.files(ALIAS)], empty=SCHEMA)
        numbers = (
            engine.rows(parse_one(SAME.format(person=int(person)), dialect="duckdb", into=exp.Select))
            .column("number")
            .to_pylist()
        )
        for name in tables:
            schema: pa.Schema = QUESTIONS[name].schema().to_pyarrow()
            if OWNER in schema.names:
                engine.view(name, [lake.root / one.path for one in found.files(name)], empty=schema)
                whose = exp.column(OWNER).isin(*numbers)
                rows = engine.rows(exp.select("site").distinct().from_(exp.to_identifier(name).sql()).where(whose))
                places[name] = frozenset(rows.column("site").to_pylist())
    return places


def _touches(act: Act, where: Mapping[str, frozenset[str]]) -> bool:
    open_sites = set(act.body["sites"])
    return any(open_sites & where.get(name, frozenset()) for name in act.body["tables"])


def _line(act: Act, summary: str = "", *, count: bool = True) -> Line:
    body = act.body
    told = [str(body.get("why") or "")]
    if act.kind == "question":
        told += [f"purpose {body['purpose']}, edition {body['edition']}"]
        told += [f"tables {' '.join(sorted(body['tables']))}"] if body.get("tables") else []
        told += [f"sites {' '.join(body['sites'])}"] if "sites" in body else []
    if act.result and count:
        told += [f"{act.result['rows']} rows"] if "rows" in act.result else []
    written = [] if body.get("why") else [str(body.get("reason") or "")]
    return Line(
        at=act.at, person=act.person, kind=act.kind, act=act.act, written=[one for one in (summary, *written) if one],
        told=[one for one in told if one], grant=act.grant, entry=act.entry,
    )  # fmt: skip
