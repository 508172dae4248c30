"""What stands beside the key of a cache and is no part of it: what the key's value is made from."""

from typing import Generic, TypeVar

Made = TypeVar("Made")


class Beside(Generic[Made]):
    """Something that the key stands for already; all are equal, so that the key alone decides."""

    def __init__(self, made_from: Made) -> None:
        self.made_from = made_from

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Beside)

    def __hash__(self) -> int:
        return 0
