"""`python -m isthmus` is the command `isthmus`."""

from isthmus.serving.cli import main

if __name__ == "__main__":
    main()
