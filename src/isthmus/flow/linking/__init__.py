"""Persons of all sites linked: the kept model, records of identity, verdicts, and the tables of the lake they make."""
