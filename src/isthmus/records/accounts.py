"""Accounts and tokens as they are kept."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select, update

from isthmus.records.models import Account, Binding, Token
from isthmus.records.store import Records, unit


class Accounts:
    """The accounts in a workspace's records."""

    def __init__(self, records: Records) -> None:
        self._session = records.session

    def all(self) -> Sequence[Account]:
        """Every account, by name."""
        with unit(self._session) as session:
            return session.scalars(select(Account).order_by(Account.name)).all()

    def first(self, many: int) -> Sequence[Account]:
        """The accounts that were made first, by name."""
        with unit(self._session) as session:
            oldest = select(Account.name).order_by(Account.made_at, Account.name).limit(many)
            return session.scalars(select(Account).where(Account.name.in_(oldest)).order_by(Account.name)).all()

    def get(self, name: str) -> Account | None:
        """One account."""
        with unit(self._session) as session:
            return session.get(Account, name)

    def add(self, account: Account) -> None:
        """Keep a new account."""
        with unit(self._session) as session:
            session.add(account)

    def change(self, name: str, **values: Any) -> None:
        """Change fields of an account."""
        with unit(self._session) as session:
            session.execute(update(Account).where(Account.name == name).values(**values))

    def failed(self, name: str) -> int:
        """Count one more wrong password, and say how many there were; concurrent ones are all counted."""
        with unit(self._session) as session:
            session.execute(update(Account).where(Account.name == name).values(failures=Account.failures + 1))
            return session.scalar(select(Account.failures).where(Account.name == name)) or 0

    def use_step(self, name: str, step: int) -> bool:
        """Use up a code of the second factor; False when it, or a later one, was used before."""
        with unit(self._session) as session:
            newer = update(Account).where(Account.name == name, Account.step < step).values(step=step)
            return session.execute(newer.returning(Account.name)).first() is not None

    def add_token(self, token: Token) -> None:
        """Keep a new token."""
        with unit(self._session) as session:
            session.add(token)

    def token(self, token_id: str) -> Token | None:
        """One token."""
        with unit(self._session) as session:
            return session.get(Token, token_id)

    def tokens(self) -> Sequence[Token]:
        """Every token, by its number."""
        with unit(self._session) as session:
            return session.scalars(select(Token).order_by(Token.token_id)).all()

    def drop_tokens(self, name: str) -> None:
        """Forget all tokens of an account."""
        with unit(self._session) as session:
            session.execute(delete(Token).where(Token.name == name))


class Bindings:
    """Who of another house acts as which account, in a workspace's records."""

    def __init__(self, records: Records) -> None:
        self._session = records.session

    def all(self) -> Sequence[Binding]:
        """Every binding, in the order of what is kept of somebody."""
        with unit(self._session) as session:
            return session.scalars(select(Binding).order_by(Binding.who)).all()

    def get(self, who: str) -> str | None:
        """The account that somebody acts as, if there is one."""
        with unit(self._session) as session:
            found = session.get(Binding, who)
            return found.name if found else None

    def set(self, who: str, name: str | None) -> None:
        """Let somebody act as an account, or (None) as none any more."""
        with unit(self._session) as session:
            session.execute(delete(Binding).where(Binding.who == who))
            if name is not None:
                session.add(Binding(who=who, name=name))
