"""A small provider of OpenID Connect that runs: it asks nobody for a password, and lies where a test wants it to."""

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET, SUBJECT = "isthmus", "a secret of the client", "248289761001"
Key = RSAKey | ECKey | OKPKey


@dataclass
class Signing:
    """A provider: its keys, of which the first signs, and what it says otherwise than it should."""

    issuer: str = ""
    keys: list[Key] = field(default_factory=list)
    shown: list[Key] | None = None
    algorithm: str = "RS256"
    header: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    token: Callable[[str], str] | None = None
    told: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    fetched: int = 0
    failed: list[Exception] = field(default_factory=list)

    def app(self) -> Starlette:
        """Its four addresses."""
        return Starlette(routes=[
            Route("/.well-known/openid-configuration", self._told), Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]), Route("/keys", self._keys),
        ])  # fmt: skip

    async def _told(self, request: Request) -> Response:
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        said = {name: f"{self.issuer}/{path}" for name, path in places.items()}
        return JSONResponse({"issuer": self.issuer, **said, **self.told})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?code={code}&state={asked['state']}&iss={self.issuer}")

    async def _token(self, request: Request) -> Response:
        sent = dict(await request.form())
        asked = self.codes.pop(str(sent.get("code")), None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        digest = hashlib.sha256(str(sent.get("code_verifier")).encode()).digest()
        proven = asked and base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]
        if not asked or not proven or request.headers.get("authorization") != f"Basic {basic}":
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": self.made(asked["nonce"])})

    async def _keys(self, request: Request) -> Response:
        self.fetched += 1
        return JSONResponse({"keys": [one.as_dict(private=False) for one in self.shown or self.keys]})

    def made(self, nonce: str) -> str:
        """An ID token for who came with this nonce."""
        if self.token is not None:
            return self.token(nonce)
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": SUBJECT, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce}
        whole = {name: one for name, one in {**claims, **self.claims}.items() if one is not None}
        key = self.keys[0]
        try:
            return jwt.encode({"alg": self.algorithm, "kid": key.kid, **self.header}, whole, key, [self.algorithm])
        except Exception as error:  # whatever it was, the test has to hear of it: it was not a lie that was refused
            self.failed.append(error)
            raise


@contextmanager
def running(signing: Signing) -> Iterator[Signing]:
    """The provider on a port of its own, for the length of a block."""
    config = uvicorn.Config(signing.app(), host="127.0.0.1", port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    signing.issuer = f"http://127.0.0.1:{port}"
    try:
        yield signing
    finally:
        server.should_exit = True
        thread.join()
