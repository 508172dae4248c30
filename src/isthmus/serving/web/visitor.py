"""Who looks at a page, in which language and theme."""

from dataclasses import dataclass
from typing import Literal, cast

from fastapi import Request

from isthmus.base.errors import RefusedError
from isthmus.records.models import Account
from isthmus.serving.page.words import Language

Theme = Literal["auto", "light", "dark"]
KEEPING = frozenset({"administrator", "platform"})
THEMES: tuple[Theme, ...] = ("auto", "light", "dark")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody at a page; `account` is None for who has not signed in. `token` goes into forms."""

    account: Account | None
    language: Language
    theme: Theme
    token: str

    @property
    def name(self) -> str:
        """The name of the account, '' without one."""
        return self.account.name if self.account else ""

    @property
    def roles(self) -> frozenset[str]:
        """The roles of the account."""
        return frozenset(self.account.roles) if self.account else frozenset()

    def keeps(self, site: str) -> bool:
        """Whether the account mends what a site delivers: it speaks for the site, or runs the platform."""
        return bool(KEEPING & self.roles) or (self.account is not None and site in self.account.sites)

    def demanded(self) -> Account:
        """The account. Raises RefusedError for who has not signed in."""
        if self.account is None:
            raise RefusedError("this is done under a name. Sign in, then do it again.")
        return self.account


def visitor(request: Request) -> Visitor:
    """The visitor of a request, as the guard found them."""
    return cast(Visitor, request.state.visitor)
