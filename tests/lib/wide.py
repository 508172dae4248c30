"""A workspace with a pace that no test uses up."""

from lib.granted import House


def unhurried(house: House) -> House:
    """The same house, with a pace that no test uses up."""
    settings = house.root / "isthmus.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\n[api]\npace = 1000000\nwrong = 1000000\n")
    return house
