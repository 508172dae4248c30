"""`python -m benchmarks.meaning NAME …`: train on labelled files, say how right the result is on others."""

import argparse
import sys

from benchmarks.meaning import terms


def main() -> int:
    """0 when the figures were printed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.meaning", description=__doc__)
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for name in ("procedures", "diagnoses"):
        terms.arguments(names.add_parser(name, help=f"{name} of hospitals to the terms of a code list"))
    chosen = parser.parse_args()
    return terms.run(chosen)


if __name__ == "__main__":
    sys.exit(main())
