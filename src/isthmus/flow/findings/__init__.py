"""Findings of an edition: gathered for each site (`gather`), and followed from edition to edition until they are mended
(`life`).
"""
