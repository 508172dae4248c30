"""A hospital's scorecard as PDF, for its own people; where patients are invented, for everybody."""

from fastapi import FastAPI, Request, Response

from isthmus.base.errors import RefusedError
from isthmus.serving.card.card import card
from isthmus.serving.card.write import pdf
from isthmus.serving.web import counted, guard
from isthmus.serving.web.house import House
from isthmus.serving.web.shell.page import Missing

WATCHING = frozenset({"administrator", "platform", "commission"})


def register(app: FastAPI, house: House) -> None:
    """Add the address of scorecards."""

    async def shown(request: Request) -> Response:
        return await house.lanes.acts.do(_drawn, house, request)

    app.add_route("/sites/{site}/scorecard.pdf", shown, ["GET"])


def _drawn(house: House, request: Request) -> Response:
    visitor, name = guard.found(house, request), request.path_params["site"]
    if name not in {one.name for one in house.workspace.sites()}:
        raise Missing("there is no such site.", {"/sites": "/sites"})
    account = visitor.account
    own = account is not None and (name in account.sites or bool(WATCHING & visitor.roles))
    if not house.synthetic and not own:
        raise RefusedError(f"the scorecard of {name} is for its own people and who watches. Sign in as one of them.")
    if counted.findings(house) is None:
        raise Missing(
            "the findings of this edition are being counted. Ask again in a minute.", {name: f"/sites/{name}"}
        )
    made = house.memory.once(
        ("card", name, house.edition, visitor.language), lambda: pdf(card(house.workspace, name), visitor.language)
    )
    told = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
    return Response(made, media_type="application/pdf", headers=told)
