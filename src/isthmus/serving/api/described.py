"""How answers are described in OpenAPI, where the types of Python do not tell it."""

from collections.abc import Mapping
from typing import Any

from isthmus.serving.api.form import SUFFIXES
from isthmus.serving.api.problem import MEDIA, PLACE

Described = dict[int | str, dict[str, Any]]
TEXTS = ("type", "title", "detail", "instance", "next")
PROBLEM: Mapping[str, Any] = {
    "description": "A problem (RFC 9457); `GET /api/v1/problems` says what each kind means.",
    "content": {
        MEDIA: {
            "schema": {
                "type": "object",
                "required": [*TEXTS, "status"],
                "properties": {
                    **{name: {"type": "string"} for name in TEXTS}, "status": {"type": "integer"},
                    "errors": {"type": "array", "items": {"type": "object"}},
                },
            },
            "example": {
                "type": f"{PLACE}refused", "title": "The gate said no", "status": 403,
                "detail": "the grant was revoked. What next: apply anew.",
                "instance": "urn:isthmus:request:0123456789abcdef",
                "next": "The detail names what to do. A grant is applied for with `POST /api/v1/applications`.",
            },
        }
    },
}  # fmt: skip
PROBLEMS: Described = {"default": dict(PROBLEM), 422: dict(PROBLEM)}
"""Of every address."""
ROWS: Described = {
    200: {"description": "The rows.", "content": {media: {} for media in SUFFIXES.values()}},
}
"""Of addresses that give rows."""


def outcomes(media: str) -> Described:
    """Of every address of the FHIR facade."""
    told = {"description": "An OperationOutcome.", "content": {media: {}}}
    return {"default": told, 422: told}


def content(media: str, status: int = 200) -> Described:
    """Of an address that gives one media type."""
    return {status: {"description": "The answer.", "content": {media: {}}}}
