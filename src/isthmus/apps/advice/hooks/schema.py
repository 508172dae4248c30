"""The documents of CDS Hooks 2 as types: what is sent is held against them, and so is what we answer.

Names and demands are those of the specification (cds-hooks.hl7.org, 2.0). Fields it does not know are passed over, for
callers of later and earlier releases send them. An error names the place, and never a value.
"""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from isthmus.apps.contract import InputError

Text = Annotated[str, Meta(min_length=1)]
Json = dict[str, Any]
Kind = TypeVar("Kind", bound=Struct)
MOST = 1000  # cards of one feedback
LONGEST = 200
"""Characters of a name that a caller gives and that is kept: of a call, a person, a reason."""
PATH = re.compile(r" - at `(.+)`$")


class Coding(Struct, omit_defaults=True):
    """A code of a system; `display` is what people read."""

    code: Text
    system: str | None = None
    display: str | None = None


class Authorization(Struct, omit_defaults=True):
    """The token that lets a service ask the caller's FHIR server. We take none and ask no server."""

    access_token: Text
    token_type: Literal["Bearer"]
    expires_in: int
    scope: Text
    subject: Text
    patient: str | None = None


class Request(Struct, omit_defaults=True, rename="camel"):
    """A call: the hook, its context, and resources sent along."""

    hook: Text
    hook_instance: Text
    context: Json
    fhir_server: str | None = None
    fhir_authorization: Authorization | None = None
    prefetch: Json = msgspec.field(default_factory=dict)
    extension: Json | None = None


class Source(Struct, omit_defaults=True):
    """Whose advice a card is."""

    label: Text
    url: str | None = None
    icon: str | None = None
    topic: Coding | None = None


class Action(Struct, omit_defaults=True, rename="camel"):
    """One change that is suggested, or made by the system. `description` is asked for in suggestions only."""

    type: Literal["create", "update", "delete"]
    description: str | None = None
    resource: Json | None = None
    resource_id: str | None = None


class Suggestion(Struct, omit_defaults=True, rename="camel"):
    """Changes that are made together."""

    label: Text
    uuid: str | None = None
    is_recommended: bool | None = None
    actions: list[Action] = msgspec.field(default_factory=list)


class Link(Struct, omit_defaults=True, rename="camel"):
    """Where to read on, or an application to start."""

    label: Text
    url: Text
    type: Literal["absolute", "smart"]
    app_context: str | None = None
    autolaunchable: bool | None = None


class Card(Struct, omit_defaults=True, rename="camel"):
    """What is shown. `summary` has at most 140 characters.

    Source and indicator are required; the specification's own examples lack one or the other, so that reading lets it
    pass, and `made` does not.
    """

    summary: Annotated[str, Meta(min_length=1, max_length=140)]
    indicator: Literal["info", "warning", "critical"] | None = None
    source: Source | None = None
    uuid: str | None = None
    detail: str | None = None
    suggestions: list[Suggestion] = msgspec.field(default_factory=list)
    selection_behavior: Literal["at-most-one", "any"] | None = None
    override_reasons: list[Coding] = msgspec.field(default_factory=list)
    links: list[Link] = msgspec.field(default_factory=list)
    extension: Json | None = None


class Response(Struct, omit_defaults=True, rename="camel"):
    """The answer to a call."""

    cards: list[Card]
    system_actions: list[Action] = msgspec.field(default_factory=list)
    extension: Json | None = None


class Described(Struct, omit_defaults=True, rename="camel"):
    """A service as discovery tells of it."""

    hook: Text
    description: Text
    id: Text
    title: str | None = None
    prefetch: dict[str, str] = msgspec.field(default_factory=dict)
    usage_requirements: str | None = None
    extension: Json | None = None


class Discovery(Struct, omit_defaults=True):
    """All services of an installation."""

    services: list[Described]


class Accepted(Struct, omit_defaults=True):
    """A suggestion that was taken."""

    id: Text


class Override(Struct, omit_defaults=True, rename="camel"):
    """Why a card was set aside."""

    reason: Coding | None = None
    user_comment: str | None = None


class Feedback(Struct, omit_defaults=True, rename="camel"):
    """What became of one card."""

    card: Text
    outcome: Literal["accepted", "overridden"]
    outcome_timestamp: datetime
    accepted_suggestions: list[Accepted] = msgspec.field(default_factory=list)
    override_reason: Override | None = None


class Feedbacks(Struct, omit_defaults=True):
    """What became of some cards."""

    feedback: list[Feedback]


NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "patient-view": (("userId",), ("patientId",)),
    "order-select": (("userId",), ("patientId",), ("selections",), ("draftOrders",)),
    "order-sign": (("userId",), ("patientId",), ("draftOrders", "medications", "orders")),
    "encounter-discharge": (("userId",), ("patientId",), ("encounterId",)),
}  # fmt: skip
"""What the context of a hook must have: of each group one. Releases before 2 called draft orders otherwise."""


def read(body: Any, kind: type[Kind]) -> Kind:
    """A document of JSON values as one of the types. Raises InputError, which names the place of what does not fit."""
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        at = PATH.search(str(error))
        where = at[1] if at else "$"
        raise InputError(
            f"this is no {kind.__name__} of CDS Hooks 2: look at {where}. Send it as the specification describes it."
        ) from None


def request(body: Any, hook: str) -> Request:
    """A call of a hook. Raises InputError for another hook, or a context that lacks something."""
    found = read(body, Request)
    if found.hook != hook:
        raise InputError(f"this service answers the hook {hook}, and another is named. Call the service of that hook.")
    for group in NEEDED.get(hook, ()):
        if not any(found.context.get(name) for name in group):
            raise InputError(f"the context of {hook} lacks {group[0]}. Send it.")
    names = (found.hook_instance, *(str(found.context.get(name, "")) for name in ("userId", "patientId")))
    if max(map(len, names)) > LONGEST:
        raise InputError(f"hookInstance, userId and patientId have at most {LONGEST} characters. Send shorter ones.")
    return found


def made(body: Any) -> Response:
    """An answer of ours, held against all that the specification demands. Raises InputError."""
    found = read(body, Response)
    for at, one in enumerate(found.cards):
        if one.source is None or one.indicator is None:
            raise InputError(f"$.cards[{at}] has no source or no indicator. Add it.")
        if bool(one.suggestions) != bool(one.selection_behavior):
            raise InputError(f"$.cards[{at}]: suggestions and `selectionBehavior` go together. Add the other.")
        if any(not reason.display for reason in one.override_reasons):
            raise InputError(f"$.cards[{at}]: a reason has no `display`. Add it.")
        actions = [action for suggestion in one.suggestions for action in suggestion.actions]
        if any(not action.description or not (action.resource or action.resource_id) for action in actions):
            raise InputError(f"$.cards[{at}]: an action has no description, or nothing to act on. Add it.")
    return found


def feedback(body: Any) -> list[Feedback]:
    """What became of cards. Raises InputError for a card that was accepted without a suggestion."""
    found = read(body, Feedbacks).feedback
    if len(found) > MOST:
        raise InputError(f"feedback on more than {MOST:,} cards came at once. Send it in parts.")
    for one in found:
        if one.outcome == "accepted" and not one.accepted_suggestions:
            raise InputError("a card that was accepted names no suggestion. Send `acceptedSuggestions` with their ids.")
        override = one.override_reason
        if override and override.reason and len(override.reason.code) > LONGEST:
            raise InputError(
                f"the code of a reason has at most {LONGEST} characters. Send one of the card's, words as "
                "`userComment`."
            )
        if one.outcome_timestamp.tzinfo is None:
            raise InputError("`outcomeTimestamp` has no zone. Send it in UTC, as 2021-12-11T10:05:31Z.")
    return found
