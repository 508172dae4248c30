"""Somebody who asks a server for one page after another over a connection of their own, as a browser keeps it.

It reads what it needs of HTTP/1.1 and no more, so that asking costs little of the machine that also answers.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from urllib.parse import urlsplit

PATIENCE = 60.0  # seconds until an answer is called lost
LENGTH, PIECES = b"\r\ncontent-length:", b"\r\ntransfer-encoding: chunked"


class Visit:
    """One connection, opened when the first page is asked for."""

    def __init__(self, address: str) -> None:
        told = urlsplit(address)
        self._host, self._port = str(told.hostname), int(told.port or 80)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> "Visit":
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._writer is not None:
            self._writer.close()
            with suppress(OSError):
                await self._writer.wait_closed()

    async def got(self, address: str, headers: Mapping[str, str]) -> int | str:
        """The status of an answer that was read to its end, or how it was lost."""
        said = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        request = f"GET {address} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nAccept: text/html\r\n{said}\r\n"
        try:
            async with asyncio.timeout(PATIENCE):
                if self._writer is None:
                    self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
                self._writer.write(request.encode())
                return await self._read()
        except (OSError, EOFError, TimeoutError) as error:
            self._writer = None
            return type(error).__name__

    async def _read(self) -> int:
        assert self._reader is not None  # opened by who asks
        head = await self._reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        if PIECES in lower:
            while size := int(await self._reader.readline(), 16):
                await self._reader.readexactly(size + 2)
            await self._reader.readexactly(2)
        elif LENGTH in lower:
            await self._reader.readexactly(int(lower.split(LENGTH, 1)[1].split(b"\r\n", 1)[0]))
        return int(head[9:12])
