"""A page of an application, written anew from the tags and attributes that such a page may have.

An application may be anybody's; its page stands in the frame of the house, in the browser of somebody who has signed
in. So nothing of what it gives is passed on as it is: it is parsed, and what is known is written again. What runs,
loads, frames or leads out of the house is left out, with the text of scripts and styles.
"""

import re
from html import escape
from html.parser import HTMLParser
from urllib.parse import urlsplit

NAMES = """
a abbr article aside b blockquote br button caption code col colgroup dd details div dl dt em fieldset figcaption
figure footer form h2 h3 h4 h5 header hr i input ins del kbd label legend li main mark meter nav ol optgroup option
output p pre progress s samp section select small span strong sub summary sup table tbody td textarea tfoot th
thead time tr ul var
svg g path rect circle ellipse line polyline polygon text tspan title desc defs clippath lineargradient
radialgradient stop marker pattern
"""
SAID = """
class id title lang dir role tabindex hidden open scope colspan rowspan headers span for name value type placeholder
checked selected disabled readonly required multiple min max step maxlength size rows cols autocomplete datetime
low high optimum label start reversed
viewbox width height x y x1 x2 y1 y2 cx cy r rx ry d points dx dy fill stroke stroke-width stroke-opacity
stroke-dasharray stroke-linecap stroke-linejoin fill-opacity opacity transform text-anchor dominant-baseline
font-size font-weight offset stop-color stop-opacity gradientunits gradienttransform preserveaspectratio
marker-start marker-end markerwidth markerheight refx refy orient clip-path patternunits xmlns
"""
TAGS, ATTRIBUTES = frozenset(NAMES.split()), frozenset(SAID.split())
EMPTY = frozenset(("br", "col", "hr", "input"))
SILENT = frozenset(("script", "style", "template", "noscript", "iframe", "object", "noembed", "noframes", "xmp"))
"""Tags whose content is left out with them."""
ADDRESSES = frozenset(("href", "action"))
METHODS = frozenset(("get", "post"))
PAINTED = frozenset(("fill", "stroke", "stop-color", "marker-start", "marker-end", "clip-path"))
"""Attributes whose values a browser reads as style: an address in them may lead out of the page."""
LEADS = re.compile(r"\\|url\((?!#)|(?:image|src|image-set|cross-fade|element)\(", re.IGNORECASE)
LONGEST = 20_000_000  # characters of a page


class _Writer(HTMLParser):
    """Writes what is known; closes what was left open."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.open: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SILENT:
            self._silent.append(tag)
        if self._silent or tag not in TAGS:
            return
        told = "".join(f' {name}="{escape(value or "")}"' for name, value in attrs if _may(tag, name, value or ""))
        self.pieces.append(f"<{tag}{told}>")
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in EMPTY:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._silent:
            del self._silent[self._silent.index(tag) :]
        elif not self._silent and tag in self.open:
            while (last := self.open.pop()) != tag:
                self.pieces.append(f"</{last}>")
            self.pieces.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(escape(data))


def clean(fragment: str) -> str:
    """The fragment as it may be shown. What is longer than LONGEST characters is cut."""
    writer = _Writer()
    writer.feed(fragment[:LONGEST].encode(errors="replace").decode())  # half a character is none
    writer.close()
    return "".join([*writer.pieces, *(f"</{tag}>" for tag in reversed(writer.open))])


def _may(tag: str, name: str, value: str) -> bool:
    if name in ADDRESSES:
        return _is_inside(value)
    if name == "method":
        return value.lower() in METHODS
    if name == "type" and tag in ("input", "button"):
        return value.lower() not in ("image", "file", "password")
    if name in PAINTED and LEADS.search("".join(value.split())):
        return False
    return name in ATTRIBUTES or name.startswith("aria-")


def _is_inside(address: str) -> bool:
    """Whether an address leads to a place of the house; browsers drop tabs and line ends, and take \\ for /."""
    plain = "".join(one for one in address if one.isprintable() and not one.isspace()).replace("\\", "/")
    try:
        parts = urlsplit(plain)
    except ValueError:
        return False
    return not parts.scheme and not parts.netloc and not plain.startswith("//") and ":" not in plain.split("/")[0]
