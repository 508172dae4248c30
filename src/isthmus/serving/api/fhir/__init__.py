"""FHIR R4 over granted data: the mapping from OMOP is data, every row comes through a session under the grant."""
