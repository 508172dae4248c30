"""A learned tagger of entities in Chinese records: conditional random fields over letters, trained from given files.

The code ships, a trained model never does: it belongs to whoever has the right to the annotated notes. `pipeline` is
the way in; it needs the library python-crfsuite.
"""
