"""A second factor: codes of RFC 6238 as every authenticator app makes them (HMAC-SHA-1, six digits, thirty seconds)."""

import base64
import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from urllib.parse import quote

SECONDS, DIGITS = 30, 6
SLACK = 1  # steps by which clocks may differ, to either side
BYTES = 20


def fresh() -> str:
    """A new secret, in base32."""
    return base64.b32encode(secrets.token_bytes(BYTES)).decode()


def code(secret: str, step: int, digits: int = DIGITS) -> str:
    """The code of a step of thirty seconds since 1970."""
    mac = hmac.new(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1).digest()
    place = mac[-1] & 15
    number = int.from_bytes(mac[place : place + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def fitting(secret: str, given: str, at: datetime) -> int | None:
    """The step whose code was given, among those that are near a moment in UTC."""
    now = int(at.replace(tzinfo=UTC).timestamp()) // SECONDS
    near = range(now - SLACK, now + SLACK + 1)
    found = [step for step in near if hmac.compare_digest(code(secret, step), given.strip())]
    return found[-1] if found else None


def address(name: str, secret: str) -> str:
    """What an authenticator app takes in, as a link."""
    return f"otpauth://totp/Isthmus:{quote(name)}?secret={secret}&issuer=Isthmus&digits={DIGITS}&period={SECONDS}"
