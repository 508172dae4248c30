"""Keys as a person presses them: one at a time from a terminal, or from whatever is piped in."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

if sys.platform != "win32":
    import termios

ENTER = ("\r", "\n")
LONGEST = 4  # bytes of a character in UTF-8
LOCAL, SIGNS = 3, 6  # the places of the local modes and of the control signs among a terminal's attributes


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
    """Keys from a terminal, without the Enter key; lines are typed and edited as usual.

    Bytes are read one at a time, past Python's own buffer: what is typed ahead belongs to whoever asks next.
    """

    def __init__(self, stream: TextIO) -> None:
        self._number = stream.fileno()

    def key(self) -> str:
        """The next key, '' at the end; Ctrl-C interrupts, as everywhere."""
        held = b""
        while one := os.read(self._number, 1):
            held += one
            try:
                return held.decode()
            except UnicodeDecodeError:
                if len(held) == LONGEST:
                    held = b""
        return ""

    def line(self, prompt: str) -> str:
        """A typed line."""
        with _mode(self._number, immediate=False):
            try:
                return input(prompt).strip()
            except EOFError:
                return ""


@contextmanager
def _mode(number: int, *, immediate: bool) -> Iterator[None]:
    """Whether a terminal gives each key at once without showing it, or whole lines, for the length of a block."""
    if sys.platform == "win32":
        yield  # no such mode there: a key and Enter
        return
    before = termios.tcgetattr(number)
    wanted = termios.tcgetattr(number)
    both = termios.ICANON | termios.ECHO
    wanted[LOCAL] = wanted[LOCAL] & ~both if immediate else wanted[LOCAL] | both
    if immediate:
        wanted[SIGNS][termios.VMIN], wanted[SIGNS][termios.VTIME] = 1, 0
    try:
        termios.tcsetattr(number, termios.TCSADRAIN, wanted)
        yield
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


@contextmanager
def keys() -> Iterator[Keys]:
    """Keys of who runs the command, for the length of a block."""
    if sys.stdin.isatty():
        with _mode(sys.stdin.fileno(), immediate=True):
            yield Terminal(sys.stdin)
    else:
        yield Stream(sys.stdin)
