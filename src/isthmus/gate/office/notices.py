"""Drafts of notices about an incident, in English and Chinese: for the authority, the hospitals, the persons concerned.

They are files. Nothing is sent, and what only a person can know stays in brackets.
"""

from importlib.resources import files

from isthmus.gate.office.affected import Affected
from isthmus.gate.office.incidents import Incident

DRAFTS = tuple(f"{whom}.{language}.md" for whom in ("authority", "hospital", "person") for language in ("en", "zh"))
NONE = {"en": "nothing yet", "zh": "尚无"}
DRILL = {"en": "; this is a drill", "zh": "；本次为演练"}


def drafts(held: Incident, reached: Affected) -> dict[str, bytes]:
    """All drafts by the names of their files."""
    folder = files("isthmus.gate.office") / "notice"
    return {name: _filled(folder.joinpath(name).read_text("utf-8"), name, held, reached).encode() for name in DRAFTS}


def _filled(text: str, name: str, held: Incident, reached: Affected) -> str:
    language = name.split(".")[1]
    done = [act for act in held.acts if act.act == "contain"]
    told = [f"{grant}: {said}" for act in done[-1:] for grant, said in act.body["grants"].items()]
    since, until = held.span
    return text.format(
        drill=DRILL[language] if held.drill else "", id=held.id, opened=f"{held.acts[0].at:%Y-%m-%d %H:%M}",
        what=held.body["what"], kind=held.body["kind"], since=f"{since:%Y-%m-%d %H:%M}",
        until=f"{until:%Y-%m-%d %H:%M}", persons=reached.persons, sites=", ".join(reached.sites) or "-",
        tables=", ".join(reached.tables) or "-", people=len(reached.people), grants=len(reached.grants),
        sessions=reached.sessions, questions=reached.questions, releases=len(reached.releases),
        contained="; ".join(told) or NONE[language],
    )  # fmt: skip
