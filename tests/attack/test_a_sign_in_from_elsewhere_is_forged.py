"""Signing in by OpenID Connect, with a provider that runs: who is bound comes in, and whatever is forged does not.

Nothing of the verification is replaced: the provider signs with keys of its own, over HTTP, and lies in one thing.
"""

import base64
import hmac
import json
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, OKPKey, RSAKey

from isthmus.base.clock import now
from isthmus.base.errors import InputError, RefusedError
from isthmus.flow.workspace import Workspace
from isthmus.gate.office import federated, people, provider, second
from isthmus.gate.office.federated import Begun
from isthmus.gate.office.provider import Provider
from isthmus.gate.office.unit import Office
from isthmus.records.models import Account
from lib import granted
from lib.command import complaint, run
from lib.granted import House
from lib.signin import CLIENT, SECRET, SUBJECT, Signing, running

REDIRECT = "http://127.0.0.1/sign-in/hospital"
RSA = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig"})
OTHER = RSAKey.generate_key(2048, parameters={"kid": "two", "use": "sig"})
with warnings.catch_warnings(action="ignore"):
    WEAK = RSAKey.generate_key(1024, parameters={"kid": "weak"})


@pytest.fixture
def signing() -> Iterator[Signing]:
    with running(Signing(keys=[RSA])) as found:
        yield found
    assert found.failed == []  # or something else than the lie was refused


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return granted.peopled(tmp_path_factory.mktemp("signin"), patients=3)


@pytest.fixture
def office(house: House, signing: Signing, tmp_path: Path) -> Office:
    """The office of a copy in which ann is bound to who the provider lets in."""
    copied = house.copied(tmp_path / "ws")
    done = copied.run("root", "people", "bind", copied.root, "ann", "--issuer", signing.issuer, "--subject", SUBJECT)
    assert done.code == 0, done
    return _office(copied.root)


def _office(root: Path) -> Office:
    opened = Workspace(root)
    return Office(opened.root, opened.records, opened.settings)


def _provider(office: Office, signing: Signing) -> Provider:
    secret = office.keys / "oidc.hospital.secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    settings = {"oidc": [{"name": "hospital", "issuer": signing.issuer, "client": CLIENT}]}
    return Provider(provider.registered(settings, office.keys)["hospital"])


def _back(begun: Begun) -> dict[str, str]:
    """What the browser comes back with."""
    answer = httpx.get(begun.address, follow_redirects=False)
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def _signed_in(office: Office, found: Provider, code: str = "") -> Account:
    begun = federated.begin(found, REDIRECT)
    return federated.finish(office, found, begun, _back(begun), code=code)


def test_who_is_bound_is_let_in_as_that_account(office: Office, signing: Signing) -> None:
    assert _signed_in(office, _provider(office, signing)).name == "ann"
    assert run("verify", office.root).code == 0


@pytest.mark.parametrize("kind", ["ES256", "Ed25519", "PS256"])
def test_other_kinds_of_keys_are_taken(office: Office, signing: Signing, kind: str) -> None:
    keys = {"ES256": ECKey.generate_key("P-256"), "Ed25519": OKPKey.generate_key("Ed25519"), "PS256": RSA}
    signing.keys, signing.algorithm = [keys[kind]], kind
    signing.keys[0].ensure_kid()
    assert _signed_in(office, _provider(office, signing)).name == "ann"


CLAIMS: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://sso.example.org"}, "no issuer": {"iss": None},
    "for another client": {"aud": "other"}, "for us and another": {"aud": [CLIENT, "other"]},
    "for us by way of another": {"azp": "other"}, "for nobody": {"aud": None}, "for an empty list": {"aud": []},
    "expired": {"exp": int(time.time()) - 3600}, "never expiring": {"exp": None},
    "a word for its end": {"exp": "later"},
    "made long ago": {"iat": int(time.time()) - 86_400}, "made tomorrow": {"iat": int(time.time()) + 86_400},
    "made at no time": {"iat": None}, "of another sign-in": {"nonce": "n"}, "of no sign-in": {"nonce": None},
    "of nobody": {"sub": ""}, "without a subject": {"sub": None}, "a number for a subject": {"sub": 248289761001},
    "not valid yet": {"nbf": int(time.time()) + 86_400}, "of another access": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "of a long subject": {"sub": "x" * 300},
}  # fmt: skip


@pytest.mark.parametrize("name", CLAIMS)
def test_what_a_token_says_wrongly_lets_nobody_in(office: Office, signing: Signing, name: str) -> None:
    signing.claims = CLAIMS[name]
    with pytest.raises(RefusedError):
        _signed_in(office, _provider(office, signing))


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _by_hand(header: dict[str, Any], sign: Callable[[bytes], bytes]) -> Callable[[Signing], None]:
    """Gives tokens that are right but for their head and their signature."""

    def forge(signing: Signing) -> None:
        def token(nonce: str) -> str:
            claims = {"iss": signing.issuer, "sub": SUBJECT, "aud": CLIENT, "iat": int(time.time()),
                      "exp": int(time.time()) + 300, "nonce": nonce}  # fmt: skip
            said = ".".join(_base64(json.dumps(one).encode()) for one in (header, claims))
            return f"{said}.{_base64(sign(said.encode()))}"

        signing.token = token

    return forge


def _rightly(said: bytes) -> bytes:
    return bytes(RSA.private_key.sign(said, PKCS1v15(), SHA256()))  # type: ignore[union-attr] # it is an RSA key


def _secretly(said: bytes) -> bytes:
    """Signs with the public key as if it were a secret that both have."""
    return hmac.digest(RSA.as_pem(private=False), said, "sha256")


def _with_its_own(signing: Signing) -> None:
    """Signs with a key that only the token itself shows."""
    signing.keys, signing.shown = [OTHER], [RSA]
    signing.header = {"kid": "one", "jwk": OTHER.as_dict(private=False), "jku": f"{signing.issuer}/keys"}


FORGED: dict[str, Callable[[Signing], None]] = {
    "not signed": _by_hand({"alg": "none"}, lambda said: b""),
    "not signed, in capitals": _by_hand({"alg": "NONE", "kid": "one"}, lambda said: b""),
    "said to be signed": _by_hand({"alg": "RS256", "kid": "one"}, lambda said: b""),
    "signed with a secret that is the public key": _by_hand({"alg": "HS256", "kid": "one"}, _secretly),
    "with a part that is critical": _by_hand({"alg": "RS256", "kid": "one", "crit": ["x"], "x": 1}, _rightly),
    "of a number for a key": _by_hand({"alg": "RS256", "kid": 1}, _rightly),
    "signed by a key that it brings along": _with_its_own,
    "signed by a key that is not shown": lambda it: (setattr(it, "shown", [OTHER]), None)[1],
    "signed by a small key": lambda it: setattr(it, "keys", [WEAK]),
    "signed by a key for another use": lambda it: setattr(
        it, "shown", [RSAKey.import_key({**RSA.as_dict(private=False), "use": "enc"})]
    ),
    "no token": lambda it: setattr(it, "token", lambda nonce: ""),
    "garbage": lambda it: setattr(it, "token", lambda nonce: "a.b.c"),
    "far too long": lambda it: setattr(it, "token", lambda nonce: "a." * 20_000),
    "a provider that calls itself another": lambda it: setattr(it, "told", {"issuer": "https://sso.example.org"}),
    "a provider that sends elsewhere without TLS": lambda it: setattr(
        it, "told", {"token_endpoint": "http://example.org/token"}
    ),
    "another provider in the browser's answer": lambda it: setattr(
        it, "told", {"authorization_response_iss_parameter_supported": True}
    ),
}  # fmt: skip


def test_a_token_by_hand_is_right_but_for_what_is_forged(office: Office, signing: Signing) -> None:
    """Or the others would be refused for something else."""
    _by_hand({"alg": "RS256", "kid": "one"}, _rightly)(signing)
    assert _signed_in(office, _provider(office, signing)).name == "ann"


@pytest.mark.parametrize("name", FORGED)
def test_what_is_forged_lets_nobody_in(office: Office, signing: Signing, name: str) -> None:
    found = _provider(office, signing)
    FORGED[name](signing)
    with pytest.raises((RefusedError, InputError)):
        begun = federated.begin(found, REDIRECT)
        answer = _back(begun)
        if name.endswith("browser's answer"):
            answer.pop("iss")
        federated.finish(office, found, begun, answer)


def test_an_answer_is_of_one_sign_in_and_counts_once(office: Office, signing: Signing) -> None:
    found = _provider(office, signing)
    one, other = federated.begin(found, REDIRECT), federated.begin(found, REDIRECT)
    answer = _back(one)
    for begun, sent in (
        (other, answer), (one, {**answer, "state": ""}), (one, {**answer, "iss": "https://sso.example.org"}),
        (one, {"state": one.state, "error": "access_denied"}), (replace(one, until=now() - timedelta(1)), answer),
        (replace(one, verifier="x" * 43), _back(one)), (replace(one, provider="other"), answer),
    ):  # fmt: skip
        with pytest.raises(RefusedError):
            federated.finish(office, found, begun, sent)
    assert federated.finish(office, found, one, answer).name == "ann"
    with pytest.raises(RefusedError):
        federated.finish(office, found, one, answer)


def test_keys_change_and_one_that_is_taken_back_counts_no_more(
    office: Office, signing: Signing, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _provider(office, signing)
    assert _signed_in(office, found).name == "ann"
    monkeypatch.setattr(provider, "PAUSE", 0.0)
    signing.keys = [OTHER, RSA]  # signs with a new one, and still shows the old one
    assert _signed_in(office, found).name == "ann"
    before = signing.fetched
    assert _signed_in(office, found).name == "ann"
    assert signing.fetched == before  # known keys are not asked for again
    signing.keys, signing.shown = [RSA], [OTHER]
    monkeypatch.setattr(provider, "OLD", 0.0)
    with pytest.raises(RefusedError):
        _signed_in(office, found)


def test_unknown_keys_do_not_make_us_ask_without_end(office: Office, signing: Signing) -> None:
    found = _provider(office, signing)
    signing.shown = [OTHER]
    for _ in range(4):
        with pytest.raises(RefusedError):
            _signed_in(office, found)
    assert signing.fetched == 1


def test_who_is_not_bound_or_not_in_use_stays_out(office: Office, signing: Signing, house: House) -> None:
    found = _provider(office, signing)
    signing.claims = {"sub": "somebody else", "email": "ann@example.org", "preferred_username": "ann"}
    with pytest.raises(RefusedError, match="people bind"):
        _signed_in(office, found)
    signing.claims = {}
    acting = House(office.root, house.tokens)
    assert acting.run("root", "people", "unbind", office.root, "ann").code == 0
    with pytest.raises(RefusedError, match="people bind"):
        _signed_in(office, found)
    words = ("people", "bind", office.root, "ann", "--issuer", signing.issuer, "--subject", SUBJECT)
    assert "no administrator" in complaint(acting.run("cai", *words), 5)
    assert acting.run("root", *words).code == 0
    assert acting.run("root", "people", "disable", office.root, "ann").code == 0
    with pytest.raises(RefusedError, match="in use"):
        _signed_in(office, found)
    assert run("verify", office.root).code == 0


def test_a_binding_that_was_put_into_the_records_is_found(office: Office) -> None:
    office.bindings.set(federated.fingerprint("https://sso.example.org", "mallory"), "root")
    done = run("verify", office.root)
    assert done.code == 7
    assert "from elsewhere is not what was logged" in done.err


def test_the_second_factor_of_the_account_is_asked_for(office: Office, signing: Signing) -> None:
    found = _provider(office, signing)
    account = office.accounts.get("ann")
    assert account is not None
    with office.open():
        secret = people.enrol(office, account).partition("secret=")[2].partition("&")[0]
    with pytest.raises(RefusedError, match="second factor"):
        _signed_in(office, found)
    code = second.code(secret, int(time.time()) // second.SECONDS)
    assert _signed_in(office, found, code).name == "ann"
    with pytest.raises(RefusedError, match="second factor"):
        _signed_in(office, found, code)


def test_what_the_operator_says_of_a_provider_is_looked_at(office: Office) -> None:
    good = {"name": "hospital", "issuer": "https://sso.example.org", "client": CLIENT}
    for wrong in ({**good, "issuer": "http://sso.example.org"}, {**good, "algorithms": ["HS256"]},
                  {**good, "algorithms": []}, {**good, "client": ""}, {"name": "hospital"},
                  {**good, "name": "../x"}):  # fmt: skip
        with pytest.raises(InputError):
            provider.registered({"oidc": [wrong]}, office.keys)
    assert provider.registered({}, office.keys) == {}
