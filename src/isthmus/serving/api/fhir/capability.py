"""What the facade can do, told as a CapabilityStatement from the mapping. It says nothing of anybody's data."""

from typing import Any

from isthmus.serving.api.fhir.mapping import Parameter, resources

KINDS = {
    "reference": "reference", "concept": "token", "code": "token", "fixed": "token", "date": "date", "year": "date",
    "number": "quantity",
}  # fmt: skip
OPERATIONS = {
    "CodeSystem": ("lookup", "validate-code"), "ValueSet": ("expand",), "ConceptMap": ("translate",),
}  # fmt: skip
DEFINED = "http://hl7.org/fhir/OperationDefinition/"
DAY = "2026-11-29"  # when the mapping was last changed


def statement(base: str) -> dict[str, Any]:
    """The CapabilityStatement of a server at an address."""
    listed: list[dict[str, Any]] = [
        {
            "type": one.type,
            "interaction": [{"code": "read"}, {"code": "search-type"}],
            "searchParam": [{"name": "_id", "type": "token"}, *(_told(each) for each in one.search.values())],
        }
        for one in resources().values()
    ]
    listed += [
        {"type": kind, "operation": [{"name": name, "definition": f"{DEFINED}{kind}-{name}"} for name in names]}
        for kind, names in OPERATIONS.items()
    ]
    export = {"name": "export", "definition": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export"}
    rest = {
        "mode": "server",
        "documentation": "Each address below belongs to one grant and gives what that grant holds, pseudonymised.",
        "security": {"description": "A bearer token of the scope `ask`; `isthmus people token` makes one."},
        "resource": sorted(listed, key=lambda one: str(one["type"])),
        "operation": [export],
    }
    return {
        "resourceType": "CapabilityStatement", "status": "active", "date": DAY, "kind": "instance",
        "implementation": {"description": "Isthmus, granted data", "url": base}, "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"], "rest": [rest],
    }  # fmt: skip


def _told(one: Parameter) -> dict[str, str]:
    return {"name": one.name, "type": KINDS[one.how]}
