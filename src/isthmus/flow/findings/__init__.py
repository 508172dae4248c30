"""Findings of an edition: gathered for each site (`gather`), led back to the columns of its exports (`columns`), and
followed from edition to edition until they are mended (`life`).
"""
