"""Decision support: a knowledge base in packs, rules that are judged over one patient's events, cards of CDS Hooks 2.

A pack is a folder of data (`pack`): concepts, relations between them, facts, rules. A patient's events become columns
(`chart`), from the rows of an edition or from FHIR resources that a caller sends along. Rules fire over facts of a
chart (`firing`), and `bench` says what they would have done to all patients of an edition. `hooks` speaks the
specification's words. The grammar: docs/reference/knowledge-pack.md.
"""
