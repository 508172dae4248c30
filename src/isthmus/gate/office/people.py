"""People: who they are, how they show it, and which roles they have.

A password is kept as Argon2id hash, a token as SHA-256 of its random secret. Who fails too often waits.
"""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from isthmus.base.clock import now
from isthmus.base.errors import InputError, RefusedError
from isthmus.gate.committee.event import BOUND, ROLES
from isthmus.gate.office import second
from isthmus.gate.office.unit import Draft, Office, numbered
from isthmus.records.models import Account, Token

SCOPES = ("use", "ask", "release", "log", "people")
"""What a token may be for: the verbs of the same names."""
OF_PERSONS = frozenset({"patient", "delegate"})
TRIES, PAUSE = 5, timedelta(minutes=15)
SHORTEST = 12  # characters of a password
LONGEST = timedelta(days=366)
MARK = "isthmus"
_HASHER = PasswordHasher()


def add(
    office: Office,
    name: str,
    roles: Collection[str],
    sites: Collection[str],
    password: str | None,
    *,
    by: Account | None,
    persons: Collection[int] = (),
) -> Account:
    """Add an account. The first one, an administrator, is added by whoever operates the folder; later ones by an
    administrator. `persons` are the numbers in the lake of the patient whose account it is, or for whom it speaks."""
    _demand_administrator(office, by)
    if not name.strip() or name != name.strip() or len(name) > 80 or not name.isprintable():
        raise InputError("a name has 1 to 80 characters that can be printed. Choose another.")
    if unknown := sorted(set(roles) - ROLES) or ([] if roles else ["none"]):
        raise InputError(f"there is no role '{unknown[0]}'; known are {', '.join(sorted(ROLES))}.")
    if by is None and "administrator" not in roles:
        raise InputError("the first account is an administrator's. Add `--role administrator`.")
    if set(roles) & BOUND and not sites:
        raise InputError("a steward or a commission speaks for sites. Name them with --site.")
    if bool(set(roles) & OF_PERSONS) != bool(persons):
        raise InputError("a patient or delegate, and nobody else, has the number of a person. Name it with --person.")
    if office.accounts.get(name) is not None:
        raise InputError(f"there is an account '{name}' already. Choose another name.")
    account = Account(
        name=name, actor=office.mint("AC"), roles=sorted(roles), sites=sorted(sites), password=_hashed(password),
        failures=0, locked_until=None, second=None, step=0, made_at=now(),
    )  # fmt: skip
    body: dict[str, object] = {
        "name": name, "roles": account.roles, "sites": account.sites, "shown": shown_by(account.password),
    }  # fmt: skip
    body |= {"persons": sorted(persons)} if persons else {}
    office.enter(by or account, _draft(office, account, "added", "minted", body))
    office.accounts.add(account)
    office.log.publish()
    return account


def disable(office: Office, name: str, *, by: Account) -> Account:
    """Let an account act no more, at once; its tokens are gone."""
    _demand_administrator(office, by)
    account = _known(office, name)
    office.enter(by, _draft(office, account, "disabled", "withdrawn", {"name": name}))
    office.accounts.drop_tokens(name)
    office.log.publish()
    return account


def persons_of(office: Office, account: Account) -> frozenset[int]:
    """The persons of the lake about whom an account may ask who used their data, as it was logged."""
    added = (act.body for act in office.acts.of(account.actor) if act.act == "added")
    return frozenset(number for body in added for number in body.get("persons", ()))


def shown_by(kept: str | None) -> str | None:
    """What an act keeps of the hash of a password, or of the secret of a second factor: enough to tell that another
    was put in its place."""
    return None if kept is None else _digest(kept)


def is_in_use(office: Office, account: Account) -> bool:
    """Whether an account may act."""
    return not office.acts.count(subject=account.actor, act="disabled")


def disabled(office: Office) -> frozenset[str]:
    """The identifiers of all accounts that may act no more."""
    return frozenset(office.acts.subjects(kind="people", act="disabled"))


def enrol(office: Office, by: Account) -> str:
    """Ask this account for a second factor from now on; what an authenticator app takes in, given back this once."""
    secret = second.fresh()
    office.enter(by, _draft(office, by, "second factor", "active", {"name": by.name, "shown": _digest(secret)}))
    office.accounts.change(by.name, second=secret, step=0)
    return second.address(by.name, secret)


def unenrol(office: Office, name: str, *, by: Account) -> None:
    """Ask an account for no second factor any more: its owner has lost it, and an administrator knows that."""
    _demand_administrator(office, by)
    account = _known(office, name)
    office.enter(by, _draft(office, account, "no second factor", "active", {"name": name}))
    office.accounts.change(name, second=None)


def token(office: Office, name: str, scope: Sequence[str], days: int, *, by: Account) -> str:
    """A new token, given back this once. Administrators give them out, and people give them to themselves."""
    account = _known(office, name)
    if by.name != name:
        _demand_administrator(office, by)
    if unknown := sorted(set(scope) - set(SCOPES)) or ([] if scope else ["none"]):
        raise InputError(f"there is no scope '{unknown[0]}'; known are {', '.join(SCOPES)}.")
    if not timedelta(0) < timedelta(days=days) <= LONGEST:
        raise InputError(f"a token holds 1 to {LONGEST.days} days. Choose a number in between.")
    number, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    until = now() + timedelta(days=days)
    kept = Token(token_id=number, name=name, digest=_digest(secret), scope=sorted(scope), expires_at=until)
    body = {
        "name": name, "token": number, "scope": sorted(scope), "until": until.isoformat(), "shown": kept.digest,
    }  # fmt: skip
    office.enter(by, _draft(office, account, "token", "active", body))
    office.accounts.add_token(kept)
    return f"{MARK}.{number}.{secret}"


def bind(office: Office, name: str, who: str, issuer: str, *, by: Account) -> None:
    """Let somebody who signs in elsewhere act as an account (`isthmus.gate.office.federated`); `who` is a hash."""
    _demand_administrator(office, by)
    account = _known(office, name)
    body = {"name": name, "who": who, "issuer": issuer}
    office.enter(by, _draft(office, account, "bound", "active", body))
    office.bindings.set(who, name)


def unbind(office: Office, name: str, *, by: Account) -> int:
    """Let nobody who signs in elsewhere act as an account any more; returns how many did."""
    _demand_administrator(office, by)
    account = _known(office, name)
    bound = [one.who for one in office.bindings.all() if one.name == name]
    office.enter(by, _draft(office, account, "unbound", "active", {"name": name}))
    for who in bound:
        office.bindings.set(who, None)
    return len(bound)


def demand_second(office: Office, account: Account, code: str) -> None:
    """Raises RefusedError unless the account has no second factor, or this is a code of it that nobody used."""
    if account.locked_until is not None and account.locked_until > now():
        raise RefusedError(f"too many wrong codes. Wait {PAUSE.seconds // 60} minutes, or ask an administrator.")
    if not _seconded(office, account, code):
        if office.accounts.failed(account.name) >= TRIES:
            office.accounts.change(account.name, failures=0, locked_until=now() + PAUSE)
        raise RefusedError("the code of your second factor is missing, wrong or used. Try the next one.")


def known(office: Office, name: str, scope: str, *, shown: str | None, password: str | None, code: str = "") -> Account:
    """The account of who acts as `name`, shown by a token, or by a password and, if it has one, the code of its second
    factor. Raises RefusedError otherwise."""
    account = office.accounts.get(name)
    if shown:
        _by_token(office, account, shown, scope)
    else:
        _by_password(office, account, password or "", code)
    if account is None or not is_in_use(office, account):
        raise RefusedError("this account is not in use. Ask an administrator.")
    return account


def _by_token(office: Office, account: Account | None, shown: str, scope: str) -> None:
    mark, _, rest = shown.strip().partition(".")
    number, _, secret = rest.partition(".")
    found = office.accounts.token(number) if mark == MARK else None
    right = found is not None and hmac.compare_digest(found.digest, _digest(secret))
    if not right or found is None or account is None or found.name != account.name:
        raise RefusedError("the token is not one of this account. Ask for a new one: `isthmus people token`.")
    if found.expires_at <= now():
        raise RefusedError("the token has expired. Ask for a new one: `isthmus people token`.")
    if scope not in found.scope:
        raise RefusedError(f"the token is for {', '.join(found.scope)}, not for {scope}. Ask for one with that scope.")


@cache
def _dummy() -> str:
    """The hash of a password that nobody knows, so that an unknown name takes as long as a known one."""
    return _HASHER.hash(secrets.token_hex(16))


def _by_password(office: Office, account: Account | None, password: str, code: str) -> None:
    locked = account is not None and account.locked_until is not None and account.locked_until > now()
    dummy = _dummy()  # made whoever asks, so that the first who asks learns no more than the next
    kept = dummy if account is None or account.password is None else account.password
    try:
        right = not locked and _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        right = False
    if account is not None and locked:
        raise RefusedError(f"too many wrong passwords. Wait {PAUSE.seconds // 60} minutes, or ask an administrator.")
    right = right and account is not None and account.password is not None and _seconded(office, account, code)
    if account is None or not right:
        if account is not None and office.accounts.failed(account.name) >= TRIES:
            office.accounts.change(account.name, failures=0, locked_until=now() + PAUSE)
        raise RefusedError(
            "name, password and code do not fit. Try again, or set ISTHMUS_TOKEN to a token of the account."
        )
    if account.failures:
        office.accounts.change(account.name, failures=0)


def _seconded(office: Office, account: Account, code: str) -> bool:
    """Whether the second factor was shown, by a code that nobody used before."""
    if account.second is None:
        return True
    step = second.fitting(account.second, code, now())
    return step is not None and office.accounts.use_step(account.name, step)


def _demand_administrator(office: Office, by: Account | None) -> None:
    if by is None and office.accounts.all():
        raise RefusedError("there are accounts already. An administrator does this: add `--as NAME`.")
    if by is not None and "administrator" not in by.roles:
        raise RefusedError(f"{by.name} is no administrator. Ask one.")


def _known(office: Office, name: str) -> Account:
    account = office.accounts.get(name)
    if account is None or not is_in_use(office, account):
        raise InputError(f"there is no account '{name}' in use. `isthmus people list` shows them.")
    return account


def _draft(office: Office, account: Account, act: str, word: str, body: Mapping[str, object]) -> Draft:
    number = numbered(office.acts.of(account.actor))
    fields = {"act": word, "object": account.actor}
    return Draft(
        subject=account.actor, kind="people", act=act, logged="object", number=number, body=body, fields=fields
    )


def _hashed(password: str | None) -> str | None:
    if password is None:
        return None
    if len(password) < SHORTEST:
        raise InputError(f"a password has at least {SHORTEST} characters. Choose a longer one.")
    return _HASHER.hash(password)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
