"""From the text of an expression to its nodes. The grammar: docs/reference/scores.md."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from sqlglot import exp

from isthmus.research.expression.function import FUNCTIONS
from isthmus.research.expression.kind import check
from isthmus.research.expression.lexer import Token, tokens
from isthmus.research.expression.node import Call, Case, ExpressionError, Kind, Literal, Name, Node, Scalar, names_in
from isthmus.research.expression.spelling import spell
from isthmus.research.expression.value import Work, working

LONGEST, DEEPEST = 4000, 60
COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})


@dataclass(frozen=True)
class Expression:
    """A read expression: text and place as given, its node, its kind (None: not known), and the names that it needs."""

    text: str
    place: str
    node: Node
    kind: Kind | None
    names: tuple[str, ...]

    def tree(self, columns: Mapping[str, exp.Expr] | None = None) -> exp.Expr:
        """As a sqlglot tree. `columns` gives what stands for a name; one that is not in it is a column of its name."""
        return spell(self.node, columns or {})

    def value(self, values: Mapping[str, Scalar]) -> Scalar:
        """Worked out for one row. A name that is not in `values` is not known."""
        return self._work(values)

    @cached_property
    def _work(self) -> Work:
        return working(self.node)


def parse(text: object, place: str, kinds: Mapping[str, Kind | None] | None = None) -> Expression:
    """Read an expression, which stands at `place` (`file:line`).

    `kinds` has the names that may be used and what they are (None: not known); without it any name may be.

    :raises ExpressionError: for what is not of the language, a name or function that is not known, or a kind that does
        not fit.
    """
    reader = _Reader(_text(text), place)
    node = reader.whole()
    names = tuple(dict.fromkeys(one.name for one in names_in(node)))
    if kinds is not None:
        for one in names_in(node):
            if one.name not in kinds:
                raise reader.refuse(one.at, f"`{one.name}` is not known here", _known(one.name, kinds))
    return Expression(reader.text, place, node, check(node, kinds or {}, reader.refuse), names)


def _text(text: object) -> str:
    """What YAML read as a number or a switch is its text again."""
    if isinstance(text, bool):
        return "true" if text else "false"
    return "null" if text is None else str(text)


def _known(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    if close:
        return f"Did you mean `{close[0]}`"
    listed = sorted(known)
    if not listed:
        return "No name may be used here"
    return f"Known: {', '.join(listed[:40])}{' …' if len(listed) > 40 else ''}"


class _Reader:
    """Recursive descent, one token ahead."""

    def __init__(self, text: str, place: str) -> None:
        self.text, self.place = text.strip(), place
        if not self.text:
            raise self.refuse(0, "there is no expression", "Write one, or take the line out")
        if len(self.text) > LONGEST:
            raise self.refuse(LONGEST, f"it is longer than {LONGEST} characters", "Cut it into steps under `let`")
        self.words = tokens(self.text, self.refuse)
        self.next, self.depth = 0, 0

    def refuse(self, at: int, cause: str, mend: str) -> ExpressionError:
        """The error of a place in this text."""
        return ExpressionError(self.place, self.text, at, cause, mend)

    def whole(self) -> Node:
        """The expression from beginning to end."""
        node = self._either()
        if self.word.kind != "end":
            raise self._unexpected(self.word)
        return node

    @property
    def word(self) -> Token:
        """The word that is read next."""
        return self.words[self.next]

    def _take(self) -> Token:
        word = self.word
        self.next += 1
        return word

    def _is(self, *texts: str) -> bool:
        return self.word.kind in ("keyword", "sign") and self.word.text in texts

    def _skip(self, text: str) -> bool:
        found = self._is(text)
        self.next += found
        return found

    def _demand(self, text: str, why: str) -> Token:
        if not self._is(text):
            raise self.refuse(self.word.at, f"`{text}` is expected {why}", f"Write `{text}` here")
        return self._take()

    def _unexpected(self, word: Token) -> ExpressionError:
        if word.kind == "end":
            return self.refuse(word.at, "it ends too early", "Finish it, or take the last sign out")
        if word.kind == "sign" and word.text == "(":
            return self.refuse(word.at, "a bracket opens after a value", "Write an operator before it")
        mend = "Write an operator between two values, and one value after it"
        return self.refuse(word.at, f"`{word.text}` is not expected here", mend)

    def _chain(self, signs: Iterable[str], below: Callable[[], Node]) -> Node:
        node = below()
        while self._is(*signs):
            word = self._take()
            node = Call(word.text, (node, below()), word.at)
        return node

    def _either(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.refuse(self.word.at, f"brackets are nested more than {DEEPEST} deep", "Cut it into steps")
        node = self._chain(["or"], self._both)
        self.depth -= 1
        return node

    def _both(self) -> Node:
        return self._chain(["and"], self._denied)

    def _denied(self) -> Node:
        signs = []
        while self._is("not"):
            signs.append(self._take().at)
        node = self._compared()
        for at in reversed(signs[: len(signs) % 2]):
            node = Call("not", (node,), at)
        return node

    def _compared(self) -> Node:
        node = self._sum()
        if self._is(*COMPARISONS):
            word = self._take()
            node = Call(word.text, (node, self._sum()), word.at)
        elif self._is("is"):
            at, denied = self._take().at, self._skip("not")
            self._demand("null", "after `is`")
            node = Call("is not null" if denied else "is null", (node,), at)
        elif self._is("in", "between", "not"):
            node = self._within(node)
        if self._is(*COMPARISONS, "is", "in", "between"):
            raise self.refuse(
                self.word.at, "two comparisons stand in a row", "Join them: 1 < x and x < 3, or x between 1 and 3"
            )
        return node

    def _within(self, node: Node) -> Node:
        at, denied = self.word.at, self._skip("not")
        if self._skip("in"):
            found: Node = Call("in", (node, *self._listed("after `in`")), at)
        elif self._skip("between"):
            low = self._sum()
            self._demand("and", "between the two limits of `between`")
            found = Call("and", (Call(">=", (node, low), at), Call("<=", (node, self._sum()), at)), at)
        else:
            raise self.refuse(self.word.at, "`in` or `between` is expected after `not`", "Write x not in (1, 2)")
        return Call("not", (found,), at) if denied else found

    def _listed(self, why: str) -> tuple[Node, ...]:
        self._demand("(", why)
        found = []
        if not self._is(")"):
            found.append(self._either())
            while self._skip(","):
                found.append(self._either())
        self._demand(")", "at the end of the list")
        return tuple(found)

    def _sum(self) -> Node:
        return self._chain(["+", "-"], self._product)

    def _product(self) -> Node:
        return self._chain(["*", "/"], self._signed)

    def _signed(self) -> Node:
        denied, at = False, self.word.at
        while self._is("-", "+"):
            denied ^= self._take().text == "-"
        node = self._primary()
        if not denied:
            return node
        if isinstance(node, Literal) and isinstance(node.value, float):
            return Literal(-node.value, at)
        return Call("neg", (node,), at)

    def _primary(self) -> Node:
        word = self._take()
        if word.kind == "number":
            return Literal(float(word.text), word.at)
        if word.kind == "text":
            return Literal(word.text[1:-1].replace("''", "'"), word.at)
        if word.kind == "word" and word.text.lower() == "if":
            raise self.refuse(word.at, "there is no `if`", "Write case when … then … else … end")
        if word.kind == "word":
            return self._called(word) if self._is("(") else Name(word.text, word.at)
        if word.text in ("true", "false", "null") and word.kind == "keyword":
            return Literal({"true": True, "false": False, "null": None}[word.text], word.at)
        if word.kind == "keyword" and word.text == "date":
            return self._date(word)
        if word.kind == "keyword" and word.text == "case":
            return self._case(word)
        if word.kind == "sign" and word.text == "(":
            node = self._either()
            self._demand(")", "to close the bracket")
            return node
        raise self._unexpected(word)

    def _called(self, word: Token) -> Node:
        name = word.text.lower()
        known = FUNCTIONS.get(name)
        if known is None:
            close = difflib.get_close_matches(name, FUNCTIONS, n=1)
            mend = f"Did you mean {close[0]}()" if close else f"There are: {', '.join(sorted(FUNCTIONS))}"
            raise self.refuse(word.at, f"there is no function {word.text}()", mend)
        operands = self._listed("after the function's name")
        if not known.fewest <= len(operands) <= known.most:
            raise self.refuse(word.at, f"{name}() does not take {len(operands)} value(s)", f"Write {known.form}")
        return Call(name, operands, word.at)

    def _date(self, word: Token) -> Node:
        told = self._take()
        try:
            if told.kind != "text":
                raise ValueError
            return Literal(date.fromisoformat(told.text[1:-1]), word.at)
        except ValueError:
            raise self.refuse(told.at, "no date stands after `date`", "Write date '2024-03-31'") from None

    def _case(self, word: Token) -> Node:
        branches = []
        while self._skip("when"):
            condition = self._either()
            self._demand("then", "after the condition of `when`")
            branches.append((condition, self._either()))
        if not branches:
            raise self.refuse(self.word.at, "`when` is expected after `case`", "Write case when … then … else … end")
        otherwise = self._either() if self._skip("else") else Literal(None, self.word.at)
        self._demand("end", "at the end of `case`")
        return Case(tuple(branches), otherwise, word.at)
