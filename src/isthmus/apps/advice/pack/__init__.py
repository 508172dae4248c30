"""Packs of knowledge: read, checked, and laid together into one base."""
