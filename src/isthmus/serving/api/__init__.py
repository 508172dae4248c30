"""The programs' side of the house: governed data, acts of people and FHIR over HTTP, each through the one gate."""
