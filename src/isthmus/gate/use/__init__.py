"""Data use: does a purpose fit the conditions under which a site lets its data be used? Yes, no, or a person decides.

Conditions are codes of the GA4GH Data Use Ontology (DUO). The codes, what each permission covers and how each modifier
is judged are files here; `match` evaluates them.
"""
