"""The airlock: what may leave, checked before people look at it, and against everything that has left before.

`rules.csv` holds sets of rules; the default follows OpenSAFELY. A check gives a verdict with reasons; people decide.
"""
