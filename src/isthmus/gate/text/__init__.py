"""Text that may leave a grant: identifiers in notes are replaced by what kind of thing stood there.

`recogniser.csv` says how each kind of identifier is recognised, `words.csv` holds the lists that patterns name. What is
known of the person whose note it is (`own.py`) is looked for besides.
"""
