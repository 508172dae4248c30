"""The application: a page for each pathway, its results as values, deviations with reasons, due steps of a patient."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from isthmus.apps.contract import (
    Application,
    Asked,
    Context,
    InputError,
    Job,
    Page,
    Published,
    Route,
    Service,
    Told,
    Within,
)
from isthmus.apps.pathways import judging
from isthmus.apps.pathways.cards import became, due, due_steps, justify, keep_feedback, person_of, titled
from isthmus.apps.pathways.followed import names, pack_of
from isthmus.apps.pathways.pack import Pack
from isthmus.apps.pathways.page import links

TITLE = {"en": "Clinical pathways", "zh": "临床路径"}
DUE = {"en": "Due steps of a pathway", "zh": "临床路径到期步骤"}
CDS = {
    "en": "Steps of the patient's pathways that are due or overdue, each with its rule, source and rows.",
    "zh": "患者所在临床路径中到期或逾期的步骤，附规则、来源与依据记录。",
}
EVERY = timedelta(minutes=10)


class Pathways(Application):
    """The steps of guidelines against what was really done."""

    def pages(self) -> Sequence[Page]:
        """One page, of the pathway that is asked for."""
        return [Page(path="pathway", title=TITLE, handle=_page)]

    def routes(self) -> Sequence[Route]:
        """The same as values; deviations and their reasons."""
        return [
            Route(method="GET", path="pathways", handle=_list),
            Route(method="GET", path="pathways/{pathway}", handle=_summary),
            Route(method="GET", path="patients/{person}", handle=_patient),
            Route(method="GET", path="deviations", handle=_deviations),
            Route(method="POST", path="deviations", handle=_justify),
        ]

    def services(self) -> Sequence[Service]:
        """The service for who opens a patient."""
        return [
            Service(
                id="pathway-due-steps", hook="patient-view", title=DUE, description=CDS, handle=due_steps,
                feedback=keep_feedback,
            )
        ]  # fmt: skip

    def jobs(self) -> Sequence[Job]:
        """Judging what was published, in a time of its own."""
        return [Job(name="judge", every=EVERY, run=_judge)]

    def published(self, event: Published, at: Context) -> None:
        """What was judged on another edition is shown no longer."""
        at.records.remove("judged", {"edition": Within(None, event.edition)})


def _judge(at: Context) -> None:
    for pack in [pack_of(name, at) for name in at.settings["pathways"]]:
        judging.current(pack, at)


def _named(said: str, at: Context) -> Pack:
    """A pathway that is followed here. Raises InputError for another."""
    known = names(at)
    if said in known:
        return pack_of(said, at)
    raise InputError(f"no such pathway is followed here. Those that are: {', '.join(known)}.")


def _page(asked: Asked, at: Context) -> Told:
    chosen = _named(asked.query.get("pathway", names(at)[0]), at)
    others = [pack_of(name, at) for name in names(at) if name != chosen.name]
    return Told(body=links(others, asked.language) + judging.page(chosen, asked.language, at), media="text/html")


def _list(asked: Asked, at: Context) -> Told:
    return Told(body={"pathways": list(at.settings["pathways"])})


def _summary(asked: Asked, at: Context) -> Told:
    return Told(body=judging.current(_named(asked.named["pathway"], at), at))


def _patient(asked: Asked, at: Context) -> Told:
    person = person_of(asked.named["person"], at)
    if person is None:
        return Told(status=404, body={"error": "no data of this patient are here"})
    rows = [
        {**row, **titled(row, pack, asked.language), "begins": str(row["begins"]), "opened": str(row["opened"]),
         "due": str(row["due"])}
        for row, pack in due(person, at)
    ]  # fmt: skip
    return Told(body={"person": person, "due": rows})


def _deviations(asked: Asked, at: Context) -> Told:
    """How often which reason was given, and what became of cards, by rule, in a span (`from`, `until`) or ever."""
    try:
        said = [asked.query.get(key) for key in ("from", "until")]
        low, high = (datetime.fromisoformat(one) if one else None for one in said)
    except ValueError:
        raise InputError("a span is written as ?from=2024-01-31&until=2024-12-31. Mend the day.") from None
    counted = at.records.count("deviation", {"at": Within(low, high)}, by=("pathway", "rule", "reason"))
    return Told(body={"deviations": counted, "cards": became(at, low, high)})


def _justify(asked: Asked, at: Context) -> Told:
    row = justify(asked.body or {}, asked.person, at)
    return Told(status=201, body={**row, "begins": str(row["begins"]), "at": row["at"].isoformat()})
