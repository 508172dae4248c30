"""Keys as a person presses them: one at a time from a terminal, or from whatever is piped in."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

if sys.platform != "win32":
    import termios
    import tty

ENTER = ("\r", "\n")


class Keys(Protocol):
    """Where keys come from."""

    def key(self) -> str:
        """The next key, '' when there are no more."""
        ...

    def line(self, prompt: str) -> str:
        """A line of text, without its end; `prompt` is shown to who types."""
        ...


class Stream:
    """Keys from a stream that is no terminal: each character is a key, ends of lines between them are none."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def key(self) -> str:
        """The next character."""
        while (one := self._stream.read(1)) in ENTER:
            pass
        return one

    def line(self, prompt: str) -> str:
        """The rest of the line."""
        return self._stream.readline().rstrip("\r\n")


class Terminal:
    """Keys from a terminal, without the Enter key; lines are typed and edited as usual."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def key(self) -> str:
        """The next key; Ctrl-C interrupts, as everywhere."""
        with _immediate(self._stream):
            return self._stream.read(1)

    def line(self, prompt: str) -> str:
        """A typed line."""
        try:
            return input(prompt).strip()
        except EOFError:
            return ""


@contextmanager
def _immediate(stream: TextIO) -> Iterator[None]:
    """The terminal gives each key at once and does not show it, for the length of a block."""
    if sys.platform == "win32":
        yield  # Windows' console has no such mode here: a key and Enter
        return
    number = stream.fileno()
    before = termios.tcgetattr(number)
    try:
        tty.setcbreak(number)
        yield
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


def keys() -> Keys:
    """Keys of who runs the command."""
    return Terminal(sys.stdin) if sys.stdin.isatty() else Stream(sys.stdin)
