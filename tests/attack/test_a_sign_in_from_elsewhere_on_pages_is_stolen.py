"""Signing in on pages by way of a service that runs: who is bound comes in; an answer that is another's does not."""

from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from joserfc.jwk import RSAKey

from isthmus.base.errors import InputError
from isthmus.gate.office import second
from isthmus.serving.web import elsewhere
from lib import granted
from lib.granted import House
from lib.reader import HERE, Reader, opened
from lib.signin import CLIENT, SECRET, SUBJECT, Signing, running

RSA = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig"})
BACK = "/sign-in/from/hospital"


@pytest.fixture
def signing() -> Iterator[Signing]:
    with running(Signing(keys=[RSA])) as found:
        yield found


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return granted.peopled(tmp_path_factory.mktemp("elsewhere"), patients=3)


@pytest.fixture
def app(house: House, signing: Signing, tmp_path: Path) -> Iterator[FastAPI]:
    """A workbench whose hospital signs people in; ann is bound to who it lets in."""
    copied = house.copied(tmp_path / "ws")
    with (copied.root / "isthmus.toml").open("a", encoding="utf-8") as stream:
        stream.write(f'\n[[oidc]]\nname = "hospital"\nissuer = "{signing.issuer}"\nclient = "{CLIENT}"\n')
    secret = copied.root / "keys" / "oidc.hospital.secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    done = copied.run("root", "people", "bind", copied.root, "ann", "--issuer", signing.issuer, "--subject", SUBJECT)
    assert done.code == 0, done
    made = opened(copied.root)
    yield made
    made.state.house.close()


def _away(reader: Reader, to: str = "/you") -> str:
    """Where the service sends the browser back to, after the page of signing in sent it there."""
    assert f"/sign-in/with/hospital?to={to}" in reader.get(f"/sign-in?to={to}").text
    gone = reader.get(f"/sign-in/with/hospital?to={to}")
    assert gone.status_code == 303
    place = urlsplit(httpx.get(gone.headers["location"], follow_redirects=False).headers["location"])
    assert f"{place.scheme}://{place.netloc}{place.path}" == HERE + BACK
    return f"{place.path}?{place.query}"


def _is_in(reader: Reader) -> bool:
    return reader.get("/you").status_code == 200


def test_who_is_bound_is_let_in_and_led_to_where_they_were_going(app: FastAPI) -> None:
    reader = Reader(app)
    before = reader.cookies.get("isthmus")
    answer = reader.get(_away(reader))
    assert (answer.status_code, answer.headers["location"]) == (303, "/you")
    assert answer.headers["cache-control"] == "no-store" and reader.cookies["isthmus"] != before
    assert "ann" in reader.get("/you").text


def test_what_is_sent_away_tells_no_secret_and_is_of_this_sign_in_alone(app: FastAPI) -> None:
    asked = []
    for _ in range(2):
        gone = Reader(app).get("/sign-in/with/hospital")
        assert SECRET not in gone.headers["location"]
        asked.append(dict(parse_qsl(urlsplit(gone.headers["location"]).query)))
        line = next(one for one in gone.headers.get_list("set-cookie") if one.startswith(elsewhere.COOKIE))
        assert "HttpOnly" in line and "SameSite=lax" in line
    assert all(one["code_challenge_method"] == "S256" and one["response_type"] == "code" for one in asked)
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name] and len(asked[0][name]) >= 43


def test_an_answer_in_another_browser_lets_nobody_in(app: FastAPI) -> None:
    thief, answer = Reader(app), _away(Reader(app))
    for one in (thief, Reader(app)):
        told = one.get(answer)
        assert told.status_code == 403 and "was not begun in this browser" in told.text and not _is_in(one)
    begun = Reader(app)
    _away(begun)
    told = begun.get(answer)  # their own sign-in is under way, and the answer is of another
    assert told.status_code == 403 and "belongs to no sign-in" in told.text and not _is_in(begun)


def test_an_answer_is_taken_once(app: FastAPI) -> None:
    reader = Reader(app)
    answer = _away(reader)
    cookies = dict(reader.cookies)
    assert reader.get(answer).status_code == 303
    again = Reader(app)
    again.cookies = cookies
    assert again.get(answer).status_code == 403 and not _is_in(again)


@pytest.mark.parametrize(("lie", "why"), [
    ({"claims": {"nonce": "another"}}, "does not hold"), ({"claims": {"aud": "other"}}, "does not hold"),
    ({"claims": {"sub": "somebody else"}}, "no account in use here is bound"), ({"header": {"kid": "x"}}, "a key that"),
])  # fmt: skip
def test_a_token_that_does_not_hold_lets_nobody_in(
    app: FastAPI, signing: Signing, lie: dict[str, dict[str, str]], why: str
) -> None:
    for name, value in lie.items():
        setattr(signing, name, value)
    reader = Reader(app)
    told = reader.get(_away(reader))
    assert told.status_code == 403 and why in told.text and 'href="/sign-in/with/hospital' in told.text
    assert not _is_in(reader)


@pytest.mark.parametrize("answer", [{"error": "access_denied"}, {"code": "wrong"}, {}])
def test_a_service_that_lets_nobody_in_is_told_of_on_the_page(app: FastAPI, answer: dict[str, str]) -> None:
    reader = Reader(app)
    kept = dict(parse_qsl(urlsplit(_away(reader)).query))
    told = reader.get(f"{BACK}?{urlencode({'state': kept['state'], 'iss': kept['iss'], **answer})}")
    assert told.status_code == 403 and 'role="alert"' in told.text and not _is_in(reader)
    assert "wrong" not in told.text.split("<main")[1]


def test_a_sign_in_that_takes_too_long_is_begun_anew(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(app)
    answer, later = _away(reader), elsewhere.now() + elsewhere.WAIT + timedelta(seconds=1)
    monkeypatch.setattr(elsewhere, "now", lambda: later)
    assert "has taken too long" in reader.get(answer).text and not _is_in(reader)


def test_the_second_factor_is_asked_for_before_anybody_is_in(app: FastAPI) -> None:
    secret = second.fresh()
    Reader(app).house.office.accounts.change("ann", second=secret)
    reader = Reader(app)
    asked = reader.get(_away(reader))
    assert asked.status_code == 200 and 'action="/sign-in/code"' in asked.text and not _is_in(reader)
    assert reader.post("/sign-in/code", {"code": "000000"}).status_code == 403 and not _is_in(reader)
    reader.get(_away(reader))
    answer = reader.post("/sign-in/code", {"code": second.code(secret, _step())})
    assert (answer.status_code, answer.headers["location"]) == (303, "/you") and _is_in(reader)
    assert Reader(app).post("/sign-in/code", {"code": second.code(secret, _step())}).status_code == 403


def _step() -> int:
    return int(elsewhere.now().replace(tzinfo=UTC).timestamp()) // second.SECONDS


@pytest.mark.parametrize("to", ["//evil.test", "https://evil.test", "/\\evil.test"])
def test_nobody_is_led_to_another_site(app: FastAPI, to: str) -> None:
    reader = Reader(app)
    gone = reader.get(f"/sign-in/with/hospital?{urlencode({'to': to})}")
    place = urlsplit(httpx.get(gone.headers["location"], follow_redirects=False).headers["location"])
    assert reader.get(f"{place.path}?{place.query}").headers["location"] == "/"


def test_a_service_that_is_not_there_is_told_of(app: FastAPI) -> None:
    for path in ("/sign-in/with/other", "/sign-in/from/other"):
        assert Reader(app).get(path).status_code in (403, 404)


def test_a_service_that_is_not_written_as_it_has_to_be_is_told_at_the_start(house: House, tmp_path: Path) -> None:
    copied = house.copied(tmp_path / "ws")
    with (copied.root / "isthmus.toml").open("a", encoding="utf-8") as stream:
        stream.write('\n[[oidc]]\nname = "hospital"\nissuer = "http://sso.example.org"\nclient = "x"\n')
    with pytest.raises(InputError, match="begins with https"):
        opened(copied.root)
    assert "/sign-in/with" not in Reader(opened(house.root)).get("/sign-in").text
