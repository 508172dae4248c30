"""A grant as a Five Safes RO-Crate: who, for what, in which setting, over which data, and what left, as JSON-LD.

RO-Crate 1.2 and its Five Safes profile 0.4 (w3id.org/5s-crate). The graph is made from the acts of an evidence pack
that lies in the same folder; checks and sign-offs are the acts by which people and the machine said so.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from isthmus.gate.committee.application import Application
from isthmus.gate.office import pack
from isthmus.gate.office.cases import granted
from isthmus.gate.office.pack import Made
from isthmus.gate.office.trail import done_under
from isthmus.gate.office.unit import Office
from isthmus.records.models import Account, Act

NAME = "ro-crate-metadata.json"
CONTEXT, CRATE, PROFILE = (
    "https://w3id.org/ro/crate/1.2/context", "https://w3id.org/ro/crate/1.2", "https://w3id.org/5s-crate/0.4"
)  # fmt: skip
STEPS: Mapping[str, tuple[str, str]] = {
    "match": ("https://w3id.org/shp#ValidationCheck", "the purpose was compared with each site's conditions"),
    "vote": ("https://w3id.org/shp#SignOff", "a member of the committee voted"),
    "grant": ("https://w3id.org/shp#SignOff", "the committee granted the use"),
    "request": ("https://w3id.org/shp#GenerateCheckValue", "a table was held against the rules by machine"),
    "approve": ("https://w3id.org/shp#DisclosureCheck", "a checker approved of a table"),
    "reject": ("https://w3id.org/shp#DisclosureCheck", "a checker rejected a table"),
    "refused": ("https://w3id.org/shp#DisclosureCheck", "the machine refused a table or a question"),
}
"""Acts that assess something, by what the profile calls them."""
FAILED = frozenset({"reject", "refused"})
Node = dict[str, Any]


def write(office: Office, grant: str, out: Path, *, by: Account) -> Made:
    """A crate of a grant in a new folder, which is an evidence pack too."""
    name = office.named(grant, "GR")
    acts = done_under(office, name, by=by)
    case = granted(office, name)
    assert case is not None  # or nothing would have been done
    graph = described(name, case.asked, acts)
    document = json.dumps(graph, indent=2, ensure_ascii=False).encode()
    return pack.write(office, acts, out, by=by, about=name, grant=name, more={NAME: document})


def described(grant: str, asked: Application, acts: Sequence[Act]) -> Node:
    """The metadata document: flat JSON-LD with every node named once."""
    people = [_person(one) for one in sorted({act.person for act in acts} | asked.people)]
    assessed = [_assessed(act) for act in acts if act.act in STEPS and act.kind != "question"]
    asking = [_asking(act) for act in acts if act.kind == "question"]
    left = [_released(act) for act in acts if act.kind == "release" and act.act == "request"]
    data = [_table(name, columns) for name, columns in sorted(asked.columns.items())]
    parts = [{"@id": "acts.jsonl"}, *({"@id": one["@id"]} for one in (*data, *left))]
    root: Node = {
        "@id": "./", "@type": "Dataset", "name": f"Use of data under the grant {grant}", "identifier": grant,
        "description": asked.summary, "conformsTo": {"@id": PROFILE}, "datePublished": _time(acts[-1].at),
        "license": {"@id": "#terms"}, "publisher": {"@id": "#platform"}, "sourceOrganization": {"@id": "#project"},
        "mainEntity": {"@id": "#gate"}, "hasPart": parts,
        "mentions": [{"@id": one["@id"]} for one in (*assessed, *asking)],
    }  # fmt: skip
    descriptor: Node = {
        "@id": NAME, "@type": "CreativeWork", "about": {"@id": "./"}, "conformsTo": {"@id": CRATE},
    }  # fmt: skip
    nodes = [descriptor, root, *_setting(grant, asked, acts), *people, *data, *assessed, *asking, *left]
    return {"@context": CONTEXT, "@graph": nodes}


def faults(document: Mapping[str, Any], there: Iterable[str]) -> list[str]:
    """What in a metadata document is not as RO-Crate asks: the descriptor, the root, names that lead somewhere, files
    that are there."""
    graph: list[Node] = list(document.get("@graph", []))
    named = {str(one.get("@id")): one for one in graph}
    found = [f"{one} stands twice" for one in named if sum(other.get("@id") == one for other in graph) > 1]
    found += [f"{name} has no type" for name, one in named.items() if not one.get("@type")]
    root = named.get("./", {})
    if named.get(NAME, {}).get("about") != {"@id": "./"} or root.get("@type") != "Dataset":
        found.append("there is no descriptor of a root that is a Dataset")
    needed = ("name", "description", "datePublished", "license", "conformsTo", "mainEntity", "sourceOrganization")
    found += [f"the root has no {name}" for name in needed if not root.get(name)]
    held = set(there)
    for one in graph:
        found += [f"{name} is named and not described" for name in _named(one) if name not in named]
        if one.get("@type") == "File" and one["@id"] not in held:
            found.append(f"the file {one['@id']} is not there")
    return found


def _named(value: Any) -> Iterable[str]:
    """Names that a node points to; addresses of the web lead out of the crate."""
    if isinstance(value, list):
        for one in value:
            yield from _named(one)
    elif isinstance(value, dict):
        if set(value) == {"@id"} and "://" not in value["@id"]:
            yield value["@id"]
        for name, one in value.items():
            if name != "@id":
                yield from _named(one)


def _setting(grant: str, asked: Application, acts: Sequence[Act]) -> list[Node]:
    """Project, setting and terms, and the record of all acts."""
    return [
        {"@id": "#project", "@type": "Project", "name": asked.summary,
         "member": [_of(one) for one in sorted(asked.people)]},
        {"@id": "#platform", "@type": "Organization", "name": "The platform that holds the data"},
        {"@id": "#gate", "@type": ["SoftwareApplication", "SoftwareSourceCode"], "name": "Isthmus, its gate",
         "description": "Questions are answered over granted sites, columns and grades only; tables leave after two "
         "people and a machine have checked them; each act is in a log before it has an effect."},
        {"@id": "#terms", "@type": "CreativeWork", "name": f"Terms of {grant}",
         "description": f"kinds {' '.join(sorted(asked.purpose.kinds))}; sites {' '.join(sorted(asked.sites))}; "
         f"grade {asked.grade}; rules of release {asked.release}; until {_time(asked.until)}"},
        {"@id": "acts.jsonl", "@type": "File", "name": "Every act with the salt of its hash",
         "encodingFormat": "application/jsonl", "size": str(len(acts))},
    ]  # fmt: skip


def _of(person: str) -> Node:
    return {"@id": f"#person-{person}"}


def _person(name: str) -> Node:
    return {"@id": f"#person-{name}", "@type": "Person", "name": name, "affiliation": {"@id": "#project"}}


def _table(name: str, columns: Iterable[str]) -> Node:
    return {
        "@id": f"#data-{name}",
        "@type": "Dataset",
        "name": name,
        "description": f"columns {' '.join(sorted(columns))}",
    }


def _assessed(act: Act) -> Node:
    kind, words = STEPS[act.act]
    return {
        "@id": f"#act-{_short(act)}", "@type": "AssessAction", "additionalType": {"@id": kind}, "name": words,
        "agent": _of(act.person), "object": {"@id": "./"}, "instrument": {"@id": "#terms"}, "endTime": _time(act.at),
        "actionStatus": _status(act), "identifier": act.entry,
    }  # fmt: skip


def _asking(act: Act) -> Node:
    tables = [{"@id": f"#data-{name}"} for name in sorted(act.body.get("tables", ()))]
    return {
        "@id": f"#act-{_short(act)}", "@type": "CreateAction", "name": "a question was asked", "agent": _of(act.person),
        "instrument": {"@id": "#gate"}, "object": tables, "startTime": _time(act.at), "actionStatus": _status(act),
        "identifier": act.entry,
    }  # fmt: skip


def _released(act: Act) -> Node:
    return {
        "@id": f"#release-{act.subject.rpartition('/')[2]}", "@type": "Dataset", "name": act.body["context"],
        "identifier": act.subject, "sha256": act.body["sha256"],
    }  # fmt: skip


def _status(act: Act) -> str:
    return f"http://schema.org/{'Failed' if act.act in FAILED else 'Completed'}ActionStatus"


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _short(act: Act) -> str:
    return act.entry.rpartition("/")[2]
