"""The characterisation of a CDM: the 194 default analyses of OHDSI Achilles, under the same ids and in the same tables."""
