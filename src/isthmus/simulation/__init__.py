"""Hospitals that never were: exports in many dialects, with the truth kept beside them."""

from isthmus.simulation.world import Summary, simulate

__all__ = ["Summary", "simulate"]
