"""Disease registries: a pack of data says what is kept of whom, and a fixed number of statements builds it.

`pack` reads a folder, `build` answers it at a desk of the gate; the rest are its parts.
"""
