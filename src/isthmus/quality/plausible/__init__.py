"""Plausibility that is learnt from the data themselves: drift of a site against its own other years (`drift`), sites
that lie outside what the others show (`funnel`), and sequences that cannot be (`sequences.csv`). Limits: `limits.yaml`.
"""
