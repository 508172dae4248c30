"""Cohorts: who is in, from when to when, for any number of definitions at once.

A definition is read from Circe JSON (`circe`) or from our own YAML (`phenotype`), compiled with all others into a few
parameter tables (`plan`), and evaluated by a fixed number of statements that know no definition (`evaluate`). It can be
said in plain words (`words`) and walked condition by condition (`steps`).
"""
