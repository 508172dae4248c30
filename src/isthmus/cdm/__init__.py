"""The nouns of the OMOP Common Data Model 5.4, as values.

Tables and columns, unbound Ibis tables for questions, and the starter vocabulary.
"""
