"""A provider of sign-in by OpenID Connect: what the operator says of it, what it says of itself, and its keys.

Nothing is believed of a provider but what its own address tells over TLS: its issuer is compared letter by letter with
the one that the operator wrote down. Keys are fetched again when they are old, and once when a token names one that is
not known, so that a provider may change its keys and take one back.
"""

import stat
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from isthmus.base.errors import InputError, IntegrityError, RefusedError

ALGORITHMS = ("RS256", "PS256", "ES256", "Ed25519")
"""Signatures that are taken, unless the operator says fewer. No shared secrets, and never none."""
FITTING = {"RS256": RSAKey, "PS256": RSAKey, "ES256": ECKey, "Ed25519": OKPKey}
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
OLD, PAUSE = 600.0, 30.0  # seconds after which keys are fetched again; between two fetches for keys not known
LARGEST = 1 << 20  # bytes of an answer
SMALLEST = 2048  # bits of an RSA key
SECONDS = 10.0
PLACES = ("authorization_endpoint", "token_endpoint", "jwks_uri")
PublicKey = RSAKey | ECKey | OKPKey


@dataclass(frozen=True, slots=True, repr=False)
class Registered:
    """What the operator says of a provider: [[oidc]] in isthmus.toml, and the secret in the folder of keys."""

    name: str
    issuer: str
    client: str
    secret: str
    algorithms: tuple[str, ...]


def registered(settings: Mapping[str, Any], keys: Path) -> Mapping[str, Registered]:
    """The providers of a workspace, by name. Raises InputError or IntegrityError that says what to mend.

    The client's secret, if it has one, lies in `oidc.NAME.secret`, for the owner's eyes only.
    """
    found: dict[str, Registered] = {}
    said = settings.get("oidc", [])
    for number, one in enumerate(said if isinstance(said, list) else [said], start=1):
        words = {name: one.get(name) for name in ("name", "issuer", "client")} if isinstance(one, dict) else {}
        algorithms = tuple(one.get("algorithms", ALGORITHMS)) if isinstance(one, dict) else ()
        if not words or not all(isinstance(word, str) and word for word in words.values()):
            raise InputError(f"isthmus.toml: [[oidc]] {number} needs name, issuer and client, each a text. Add them.")
        if not set(algorithms) <= set(ALGORITHMS) or not algorithms:
            raise InputError(f"isthmus.toml: [[oidc]] {number}: algorithms are of {', '.join(ALGORITHMS)}. Correct it.")
        if not str(words["name"]).isidentifier() or words["name"] in found:
            raise InputError(f"isthmus.toml: [[oidc]] {number}: the name is one word, and stands once. Choose another.")
        _demand_safe(str(words["issuer"]))
        secret = _secret(keys / f"oidc.{words['name']}.secret")
        name, issuer, client = map(str, words.values())
        found[name] = Registered(name, issuer, client, secret, algorithms)
    return found


class Provider:
    """A provider that is asked over HTTP. Not for use by several threads at once."""

    def __init__(self, said: Registered) -> None:
        self.said = said
        self._told: Mapping[str, Any] = {}
        self._keys: Sequence[PublicKey] = ()
        self._fetched = float("-inf")

    def place(self, name: str) -> str:
        """One of PLACES, as the provider tells it. Raises RefusedError when it cannot be asked or is another one."""
        if not self._told:
            told = self._json("GET", self.said.issuer.rstrip("/") + "/.well-known/openid-configuration")
            if told.get("issuer") != self.said.issuer:
                raise RefusedError("the sign-in service says to be another one than the operator named. Tell them.")
            for one in PLACES:
                _demand_safe(str(told.get(one, "")))
            self._told = told
        return str(self._told[name])

    def names_itself(self) -> bool:
        """Whether its answers to a browser name the issuer (RFC 9207)."""
        self.place(PLACES[0])
        return self._told.get("authorization_response_iss_parameter_supported") is True

    def exchange(self, values: Mapping[str, str]) -> Mapping[str, Any]:
        """What it gives for a code. Raises RefusedError where it gives nothing."""
        said = self.said
        body = {"client_id": said.client, **values}
        auth = httpx.BasicAuth(said.client, said.secret) if said.secret else None
        return self._json("POST", self.place("token_endpoint"), data=body, auth=auth)

    def key(self, algorithm: str, number: str | None) -> PublicKey:
        """The key of this number (`kid`) that fits an algorithm; without a number, the only one that does.

        Raises RefusedError where there is none.
        """
        now = time.monotonic()
        if now - self._fetched > OLD:
            self._fetch(now)
        found = self._fitting(algorithm, number)
        if len(found) != 1 and now - self._fetched > PAUSE:
            self._fetch(now)
            found = self._fitting(algorithm, number)
        if len(found) != 1:
            raise RefusedError("the sign-in service signed with a key that it does not show. Try again in a minute.")
        return found[0]

    def _fitting(self, algorithm: str, number: str | None) -> Sequence[PublicKey]:
        return [
            one for one in self._keys
            if isinstance(one, FITTING[algorithm]) and (number is None or one.kid == number)
            and one.get("alg") in {None, algorithm}
        ]  # fmt: skip

    def _fetch(self, now: float) -> None:
        shown = self._json("GET", self.place("jwks_uri")).get("keys")
        self._keys = [key for one in (shown if isinstance(shown, list) else ()) if (key := _key(one)) is not None]
        self._fetched = now

    def _json(self, method: str, address: str, **more: Any) -> Mapping[str, Any]:
        try:
            with httpx.stream(method, address, timeout=SECONDS, follow_redirects=False, **more) as answer:
                content = b""
                for piece in answer.iter_bytes():
                    content += piece
                    if len(content) > LARGEST:
                        raise RefusedError("the sign-in service answered at too great length. Tell the operator.")
                answer.raise_for_status()
                found = httpx.Response(200, content=content).json()
        except (httpx.HTTPError, ValueError) as error:  # its text may hold a code or a secret
            raise RefusedError(
                f"the sign-in service gave no answer that can be used ({type(error).__name__}). Try again, or sign in "
                "with a password."
            ) from None
        if not isinstance(found, dict):
            raise RefusedError(
                "the sign-in service answered in another form than OpenID Connect has. Tell the operator."
            )
        return found


def _key(shown: Any) -> PublicKey | None:
    """A public key that may sign; None for any other."""
    kinds: Mapping[str, type[PublicKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    if not isinstance(shown, dict) or shown.get("kty") not in kinds or shown.get("use", "sig") != "sig":
        return None
    if shown["kty"] == "RSA" and len(str(shown.get("n", "")).rstrip("=")) * 6 < SMALLEST:  # in letters of six bits
        return None
    try:
        return kinds[shown["kty"]].import_key({name: one for name, one in shown.items() if name != "d"})
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _demand_safe(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
        raise InputError("an address of a sign-in service begins with https://. Correct it in isthmus.toml.")


def _secret(path: Path) -> str:
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path.name} cannot be read. Restore it, or take it away.") from None
    if stat.S_IMODE(mode) & 0o077:
        raise IntegrityError(f"others may read {path.name}. Take that right away: `chmod 600` it.")
    return text
