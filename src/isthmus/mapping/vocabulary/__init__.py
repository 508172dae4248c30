"""Vocabulary packs: one edition of a code list, its hierarchy and its maps to other editions, as rows of the CDM."""
