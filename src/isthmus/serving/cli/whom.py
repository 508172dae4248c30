"""What commands say of patient numbers and of the people they are."""

from collections.abc import Mapping
from typing import Any

from isthmus.serving.cli.output import say, table


def people(told: Mapping[str, Any]) -> None:
    """Print the counts of `isthmus.flow.persons.Persons.told`."""
    if not told["linked"]:
        say("Patients are counted by the numbers of their sites: nobody is linked yet (`isthmus link`).")
        return
    columns = ("site", "patient numbers", "persons", "of these at other sites too")
    listed = told.get("sites", [told])
    rows = [(one["site"], one["numbers"], one["persons"], one["elsewhere"]) for one in listed]
    if "sites" in told:
        rows.append(("all", told["numbers"], told["persons"], None))
    table("Patient numbers, and the persons they are by linkage", columns, rows)
    say("All other counts here are of patient numbers, as the sites deliver them.")
