"""A connection that is passed on as it is to a server on a socket of this machine, and its answers back."""

from __future__ import annotations

import asyncio
from typing import cast


class Passage(asyncio.Protocol):
    """The far side of one connection. What comes before it stands is kept, and nothing more is read meanwhile."""

    def __init__(self, near: asyncio.Transport, behind: str, first: bytes) -> None:
        self._near = near
        self._far: asyncio.Transport | None = None
        self._first = first
        self._is_closed = False
        near.pause_reading()
        self._opening = asyncio.get_running_loop().create_task(self._open(behind))

    async def _open(self, behind: str) -> None:
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: self, behind)
        except OSError:
            self._near.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The server has taken the connection."""
        self._far = cast("asyncio.Transport", transport)
        self._far.write(self._first)
        self._first = b""
        if self._is_closed:
            self._far.close()
        elif not self._near.is_closing():
            self._near.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Some bytes of an answer."""
        self._near.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The server has closed the connection: so is ours, once the answer is sent."""
        self._near.close()

    def pause_writing(self) -> None:
        """The server takes no more at the moment."""
        if not self._near.is_closing():
            self._near.pause_reading()

    def resume_writing(self) -> None:
        """It does again."""
        if not self._near.is_closing():
            self._near.resume_reading()

    def write(self, data: bytes) -> None:
        """Pass on what the client sent."""
        if self._far is None:
            self._first += data
        else:
            self._far.write(data)

    def pause_reading(self) -> None:
        """The client takes no more at the moment."""
        if self._far is not None and not self._far.is_closing():
            self._far.pause_reading()

    def resume_reading(self) -> None:
        """It does again."""
        if self._far is not None and not self._far.is_closing():
            self._far.resume_reading()

    def close(self) -> None:
        """The client has gone."""
        self._is_closed = True
        if self._far is not None:
            self._far.close()
