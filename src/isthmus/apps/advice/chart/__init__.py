"""One patient's events as columns, from an edition's rows or a caller's FHIR resources, and the facts they give."""
