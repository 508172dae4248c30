"""Bytes become rows: shape only, never meaning. One module per format, listed in `formats.READERS`."""
