"""The verifier: it shares no code with what writes the log, and imports nothing of Isthmus.

This folder can be copied to another machine and run there with Python and the library `cryptography`:
`python -m verify log DIR --policy FILE`, `python -m verify proof FILE --policy FILE`. Parsing, hashing and the rules of
the policy are written a second time here, on purpose in another way, so that one mistake cannot hide itself.
"""
