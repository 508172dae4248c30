"""The characterisation of a CDM: the 194 default analyses of OHDSI Achilles, by the same ids, in the same tables."""
