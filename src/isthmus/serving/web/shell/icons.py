"""Icons: drawn in strokes of the text's colour, on a field of 24."""

from collections.abc import Mapping

from markupsafe import Markup

PATHS: Mapping[str, str] = {
    "home": "M4 11l8-7 8 7v9h-5v-6H9v6H4z",
    "site": "M5 21V7l7-4 7 4v14M9 21v-5h6v5M12 8v4M10 10h4M3 21h18",
    "flow": "M5 4h5v5H5zM14 15h5v5h-5zM14 4h5v5h-5zM7.5 9v8.5H14M10 6.5h4",
    "check": "M4 12.5l5 5L20 6",
    "book": "M5 4h14v16H5zM9 8h6M9 12h6M9 16h4",
    "people": "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c0-3.5 3-6 6.5-6s6.5 2.5 6.5 6"
              "M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.5c2.2.7 3.5 2.8 3.5 5.5",
    "code": "M8 7l-5 5 5 5M16 7l5 5-5 5M13.5 5l-3 14",
    "link": "M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 1 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 1 0 5.7 5.7l1-1",
    "vote": "M4 5h16v11H9l-5 4zM8 9h8M8 12h5",
    "gate": "M12 3l8 3v6c0 5-3.5 8-8 9-4.5-1-8-4-8-9V6zM9 12l2 2 4-4",
    "lock": "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
    "release": "M12 15V4M8 8l4-4 4 4M4 14v6h16v-6",
    "map": "M4 5h16v4H4zM4 10.5h7V20H4zM12.5 10.5H20V20h-7.5z",
    "ask": "M4 5h16v14H4zM7 10l3 2.5L7 15M12 15h5",
    "gear": "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1M16.3 16.3l2.1 2.1"
            "M5.6 18.4l2.1-2.1M16.3 7.700l2.1-2.1",
    "app": "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM16.5 13v7M13 16.5h7",
    "search": "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5",
    "sun": "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M5 5l1.8 1.8M17.2 17.2L19 19"
           "M5 19l1.8-1.8M17.2 6.8L19 5",
    "source": "M6 12a2 2 0 1 0 0 .010M18 6a2 2 0 1 0 0 .010M18 18a2 2 0 1 0 0 .010M8 11l8-4M8 13l8 4",
    "next": "M9 5l7 7-7 7",
    "me": "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-4 3.5-7 8-7s8 3 8 7",
}  # fmt: skip


def icon(name: str) -> Markup:
    """An icon; it says nothing, the word beside it does."""
    return Markup(f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="{PATHS[name]}"/></svg>')
