"""The `isthmus` command.

Exit codes: 0 done, 1 unexpected, 2 wrong use, 3 input cannot be read or does not fit, 5 refused by the gate,
6 done for some sites and failed for others, 7 stored data are not what was written, 130 interrupted.
"""

from isthmus.serving.cli.app import app, main

__all__ = ["app", "main"]
