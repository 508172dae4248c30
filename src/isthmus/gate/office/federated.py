"""Signing in with an account of another house, by OpenID Connect: a code by way of the browser, with PKCE.

Who is told to be signed in, is told by an ID token of a provider that the operator registered; its subject is bound to
an account here by an administrator. No account comes to be by signing in, and no role is taken from a token. Where the
account has a second factor here, its code is asked for as well.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped] # authlib comes without types
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped] # authlib comes without types
from joserfc import jwt
from joserfc.errors import JoseError

from isthmus.base.clock import now
from isthmus.base.errors import InputError, RefusedError
from isthmus.gate.office import people
from isthmus.gate.office.provider import Provider
from isthmus.gate.office.unit import Office
from isthmus.records.models import Account

WAIT = timedelta(minutes=10)  # between leaving for a provider and coming back
SLACK = 60  # seconds by which clocks may differ
FRESH = 600  # seconds since a token was made
LONGEST = 16_384  # characters of a token
SUBJECT = 255  # characters
BOUND = "bound"


@dataclass(frozen=True, slots=True, repr=False)
class Begun:
    """A sign-in that was begun. It is kept on this side, for one browser, and used once."""

    provider: str
    address: str
    redirect: str
    state: str
    nonce: str
    verifier: str
    until: datetime


def begin(provider: Provider, redirect: str) -> Begun:
    """Begin a sign-in: the browser is sent to `address`, and comes back to `redirect`."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code", "client_id": provider.said.client, "redirect_uri": redirect, "scope": "openid",
        "state": state, "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    place = provider.place("authorization_endpoint")
    address = f"{place}{'&' if '?' in place else '?'}{urlencode(asked)}"
    return Begun(provider.said.name, address, redirect, state, nonce, verifier, now() + WAIT)


def finish(
    office: Office, provider: Provider, begun: Begun, answer: Mapping[str, str], *, code: str = ""
) -> Account:  # fmt: skip
    """The account of who came back with this answer (the query of the address that the browser came to).

    `code` is that of the account's second factor here. Raises RefusedError, which says what to do next.
    """
    account = named(office, provider, begun, answer)
    people.demand_second(office, account, code)
    return account


def named(office: Office, provider: Provider, begun: Begun, answer: Mapping[str, str]) -> Account:
    """The account that is bound to who came back. Its second factor is still to be demanded: until then nobody is in.

    Raises RefusedError, which says what to do next.
    """
    if begun.provider != provider.said.name or now() >= begun.until:
        raise RefusedError("this sign-in has taken too long. Begin it anew.")
    if not hmac.compare_digest(begun.state.encode(), answer.get("state", "").encode()):
        raise RefusedError("this answer belongs to no sign-in that was begun here. Begin it anew.")
    issuer = answer.get("iss")
    if (issuer is not None or provider.names_itself()) and issuer != provider.said.issuer:
        raise RefusedError("this answer is of another sign-in service. Begin it anew, and tell the operator.")
    if answer.get("error") or not answer.get("code"):
        raise RefusedError("the sign-in service let nobody in. Begin it anew, or sign in with a password.")
    given = provider.exchange({
        "grant_type": "authorization_code", "code": answer["code"], "redirect_uri": begun.redirect,
        "code_verifier": begun.verifier,
    })  # fmt: skip
    claims = verified(provider, str(given.get("id_token", "")), begun.nonce, given.get("access_token"))
    return _account(office, provider.said.issuer, str(claims["sub"]))


def verified(provider: Provider, token: str, nonce: str, access: Any = None) -> Mapping[str, Any]:
    """What an ID token says, if it is one of this provider, for us, of this sign-in, now. Raises RefusedError."""
    said = provider.said
    header = _header(token)
    algorithm, number = header.get("alg"), header.get("kid")
    if algorithm not in said.algorithms or not isinstance(number, str | None):
        raise RefusedError("the sign-in service signs in a way that is not taken here. Tell the operator.")
    key = provider.key(algorithm, number)
    exactly = {name: {"essential": True, "value": value} for name, value in (("iss", said.issuer), ("nonce", nonce))}
    options = {**exactly, "aud": {"essential": True, "values": [said.client]}}
    try:
        found = jwt.decode(token, key, algorithms=[algorithm])
        claims = dict(found.claims)
        told = CodeIDToken(
            claims, found.header, options, {"nonce": nonce, "client_id": said.client, "access_token": access}
        )
        told.validate(leeway=SLACK)
        right = _is_for_us_alone(claims, said.client) and _is_whole(claims)
    except (JoseError, AuthlibBaseError, ValueError, TypeError, KeyError):  # its text may hold what is said of a person
        right = False
    if not right:
        raise RefusedError("what the sign-in service says of you does not hold. Begin it anew.")
    return claims


def bind(office: Office, name: str, issuer: str, subject: str, *, by: Account) -> None:
    """Let who a provider calls `subject` act as an account, from now on; kept as a hash. For administrators."""
    if not issuer.startswith(("https://", "http://")) or not 0 < len(subject) <= SUBJECT:
        raise InputError("a provider is named by its issuer, as https://…, and a subject has 1 to 255 characters.")
    people.bind(office, name, fingerprint(issuer, subject), issuer, by=by)


def fingerprint(issuer: str, subject: str) -> str:
    """What is kept of who somebody is elsewhere."""
    return hashlib.sha256(json.dumps([issuer, subject]).encode()).hexdigest()


def _account(office: Office, issuer: str, subject: str) -> Account:
    name = office.bindings.get(fingerprint(issuer, subject))
    account = office.accounts.get(name) if name is not None else None
    if account is None or not people.is_in_use(office, account):
        raise RefusedError(
            "you are signed in there, and no account in use here is bound to that. Ask an administrator: `isthmus "
            "people bind`."
        )
    return account


def _header(token: str) -> Mapping[str, Any]:
    """The head of a token as it is written, for choosing the key. Nothing else of it is believed."""
    head = token.partition(".")[0] if token.count(".") == 2 and len(token) <= LONGEST else ""
    try:
        found = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


def _is_for_us_alone(claims: Mapping[str, Any], client: str) -> bool:
    return claims.get("aud") in (client, [client]) and claims.get("azp", client) == client


def _is_whole(claims: Mapping[str, Any]) -> bool:
    """Whether the rest is as it has to be: a subject, and made a short while ago."""
    made, subject = claims.get("iat"), claims.get("sub")
    age = time.time() - made if isinstance(made, int | float) else float("inf")
    return isinstance(subject, str) and 0 < len(subject) <= SUBJECT and -SLACK <= age <= FRESH + SLACK
