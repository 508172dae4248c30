"""What a page is: an address, a view made of plain values, and the acts that can be done on it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from isthmus.base.clock import now
from isthmus.base.errors import IsthmusError
from isthmus.serving.page.words import Speech
from isthmus.serving.shown import Mask, mask_of
from isthmus.serving.web.house import House
from isthmus.serving.web.shell.chart import Chart
from isthmus.serving.web.shell.table import Table
from isthmus.serving.web.visitor import Visitor

GROUPS = ("data", "evidence", "governance", "house")


class Missing(IsthmusError):
    """There is nothing at an address. `near` are addresses of things with names like it."""

    def __init__(self, text: str, near: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.near = near or {}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as pages see it: parts of the address, of the query, and of a form, all texts."""

    house: House
    visitor: Visitor
    w: Speech
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str] = field(default_factory=dict)
    listed: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """The present moment in UTC."""
        return now()

    def mends(self, site: str) -> bool:
        """Whether single rows of a site may be pointed at: of real patients to those who mend what it delivers."""
        return self.house.synthetic or self.visitor.keeps(site)

    @property
    def edition(self) -> int | None:
        """The edition of the page's numbers: the one that the address names, else the newest; None before the first."""
        pinned = self.pinned
        return self.house.edition if pinned is None else pinned

    @property
    def pinned(self) -> int | None:
        """The edition that the address names; None where it names none. Raises Missing where there is no such one."""
        return self.numbered("edition")

    def numbered(self, key: str) -> int | None:
        """An edition that the query names under a key, as 3 or e000003. Raises Missing where there is no such one."""
        said = self.query.get(key, "")
        if not said:
            return None
        text = said.removeprefix("e")
        if not (text.isascii() and text.isdecimal()) or len(text) > 9 or int(text) not in self.house.numbers():
            raise Missing(self.w("edition.missing"), {self.w("edition.newest"): "/"})
        return int(text)

    @property
    def mask(self) -> Mask:
        """How counts of people are shown here."""
        return mask_of(synthetic=self.house.synthetic)


@dataclass(frozen=True, slots=True)
class View:
    """What a page shows, as plain values. `tables` and `charts` can be had as files, the first of each under the page's
    own address."""

    title: str
    lead: str = ""
    tables: Sequence[Table] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    crumbs: Sequence[tuple[str, str]] = ()
    file: str = ""
    charts: Sequence[Chart] = ()

    def masked(self, mask: Mask) -> "View":
        """The view as it may be shown. Everything that leaves the server has passed here."""
        return replace(self, tables=tuple(one.masked(mask) for one in self.tables))

    def table(self, name: str) -> Table | None:
        """A table by name, the first for ''."""
        return next((one for one in self.tables if name in ("", one.name)), None)

    def chart(self, name: str) -> Chart | None:
        """A chart by name, the first for ''."""
        return next((one for one in self.charts if name in ("", one.name)), None)


Act = Callable[[Asked], str]
"""Does something that was asked for by a form; the address to go on to."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page. `name` is that of its module, template and words; `address` may have {parts}.

    `group`, `icon` and `key` place it in the side bar ('' for pages below another, named by `under`). `roles` may open
    it; empty: everybody. `acts` are what its forms do, by the last part of their address. `personal`: it shows rows of
    persons, so that the workspace has to be one of invented patients, or a grant has to be shown. `steady`: looking at
    it does nothing, and it shows what stands in the workspace: it is made once for all who may see the same. `pinned`:
    its numbers are those of the edition that its address names (`?edition=`), if it names one; other pages tell the
    present.
    """

    name: str
    address: str
    view: Callable[[Asked], View]
    group: str = ""
    icon: str = ""
    key: str = ""
    under: str = ""
    roles: frozenset[str] = frozenset()
    acts: Mapping[str, Act] = field(default_factory=dict)
    personal: bool = False
    steady: bool = False
    pinned: bool = False

    @property
    def file(self) -> str:
        """The address without suffix under which its first table can be had as a file."""
        return "/overview" if self.address == "/" else self.address
