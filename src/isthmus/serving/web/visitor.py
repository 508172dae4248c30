"""Who looks at a page, in which language and theme."""

import secrets
from dataclasses import dataclass
from typing import Literal, cast

from fastapi import Request

from isthmus.base.errors import RefusedError
from isthmus.records.models import Account
from isthmus.serving.page.words import Language

Theme = Literal["auto", "light", "dark"]
KEEPING = frozenset({"administrator", "platform"})
THEMES: tuple[Theme, ...] = ("auto", "light", "dark")
NAME, TOKEN = secrets.token_hex(16), secrets.token_hex(16)
"""What stands in a page that is made for all, where each gets their own. Nobody can guess it and write it somewhere."""


@dataclass(slots=True)
class Visitor:
    """Somebody at a page. `token` goes into forms.

    `known` tells whether anybody asked which account it is, beyond its roles: what was made then is for it alone.
    """

    _account: Account | None
    language: Language
    theme: Theme
    token: str
    known: bool = False
    standing: bool = False

    def one_of_all(self) -> "Visitor":
        """The same for a page that is made for all who are like them: name and token are filled in afterwards."""
        return Visitor(self._account, self.language, self.theme, TOKEN, standing=True)

    @property
    def signed(self) -> bool:
        """Whether they have signed in."""
        return self._account is not None

    @property
    def account(self) -> Account | None:
        """The account; None for who has not signed in."""
        self.known = True
        return self._account

    @property
    def name(self) -> str:
        """The name of the account, '' without one."""
        self.known = True
        return self._account.name if self._account else ""

    @property
    def me(self) -> str:
        """The name as the frame shows it."""
        return NAME if self.standing else self._account.name if self._account else ""

    @property
    def roles(self) -> frozenset[str]:
        """The roles of the account."""
        return frozenset(self._account.roles) if self._account else frozenset()

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
