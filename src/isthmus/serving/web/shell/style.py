"""The style sheet and the script: made once at the start, each under a name that changes with its content."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from isthmus.serving.page import tokens

HERE = Path(__file__).parent
KINDS: Mapping[str, str] = {
    "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml",
}  # fmt: skip


@cache
def files() -> Mapping[str, tuple[bytes, str]]:
    """By name, content and media type."""
    contents = {"css": _css(), "js": (HERE / "workbench.js").read_text("utf-8"), "svg": (HERE / "mark.svg").read_text()}
    return {
        f"workbench.{hashlib.sha256(text.encode()).hexdigest()[:12]}.{kind}": (text.encode(), KINDS[kind])
        for kind, text in contents.items()
    }


@cache
def named(kind: str) -> str:
    """The address of the file of a kind."""
    return next(f"/static/{name}" for name in files() if name.endswith(f".{kind}"))


def _css() -> str:
    fonts = f":root{{--font:{tokens.fonts('en')}}}:root:lang(zh){{--font:{tokens.fonts('zh')}}}"
    return "\n".join([fonts, tokens.themed(), (HERE / "workbench.css").read_text("utf-8")])
