"""Applications inside the workbench: their pages in its frame, asked for by a token or, to look, by a session."""

from collections.abc import Mapping

from fastapi import FastAPI, Request, Response
from markupsafe import Markup

from isthmus.base.errors import RefusedError
from isthmus.serving import applications
from isthmus.serving.web import frame, guard
from isthmus.serving.web.house import House
from isthmus.serving.web.shell.page import Asked, Page, View
from isthmus.serving.web.shell.words import speech


def mount(app: FastAPI, house: House) -> None:
    """Put the applications of the workspace on the web."""
    token = applications.bearer(house.workspace)

    def person(request: Request) -> str:
        """Who asks: by a token, or by their session, which only looks; a form of a page has its token in a header."""
        if request.headers.get("authorization"):
            return token(request)
        visitor = guard.found(house, request)
        if request.method not in guard.SAFE and visitor.signed:
            guard.demand_ours(house, request, request.headers.get("x-isthmus-token", ""))
        if not visitor.signed and not house.synthetic:
            raise RefusedError("this workspace holds real patients, and is looked at under a name. Sign in.")
        return visitor.name

    def framed(request: Request, title: Mapping[str, str], fragment: str) -> Response:
        visitor = guard.found(house, request)
        told = Asked(house, visitor, speech("application", visitor.language), request.path_params, {})
        view = View(
            title[visitor.language], values={"fragment": Markup(fragment)}
        )  # of an application that was installed
        return frame.response(request, told, SHOWN, lambda _: view)

    applications.mount(app, house.manager, person=person, framed=framed)


SHOWN = Page("application", "/apps/{app}/{path}", lambda told: View(""), under="applications")
