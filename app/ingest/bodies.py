"""Reading a request's body with a bound, also on what a compressed one grows to."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

from app.kernel.errors import BadRequest, PayloadTooLarge, UnsupportedMedia

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

_WINDOWS: Final = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}


class ClientGone(Exception):
    """The connection ended before the body did; nobody waits for an answer."""


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, most_bytes: int) -> bytes:
    """The decoded body. PayloadTooLarge as soon as it is certain, BadRequest for a broken encoding, UnsupportedMedia for an
    unknown one, ClientGone."""
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > most_bytes:
        raise too_large(most_bytes)
    # Whoever knows the length need not wait for the message that nothing more comes: it costs as much as the first one.
    expected = int(length) if length.isdigit() else most_bytes + 1
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body") and len(body) < expected:
        parts, size = [body], len(body)
        while message.get("more_body") and size < expected:
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
        body = b"".join(parts)
    if message["type"] == "http.disconnect":
        raise ClientGone
    if len(body) > most_bytes:
        raise too_large(most_bytes)
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    return body if encoding == b"identity" else _decompressed(body, encoding, most_bytes)


async def discard_body(receive: Receive, most_bytes: int) -> None:
    """Take the body off the connection up to the bound and keep none of it."""
    size = 0
    message: Message = {"more_body": True}
    while message.get("more_body") and size <= most_bytes:
        message = await receive()
        size += len(message.get("body", b""))


def too_large(most_bytes: int) -> PayloadTooLarge:
    """The refusal of a body over the bound."""
    return PayloadTooLarge(f"the body is larger than {most_bytes} bytes")


def _decompressed(body: bytes, encoding: bytes, most_bytes: int) -> bytes:
    if encoding not in _WINDOWS:
        raise UnsupportedMedia("content-encoding must be gzip, deflate or identity")
    try:
        return _inflate(body, _WINDOWS[encoding], most_bytes)
    except zlib.error:
        if encoding != b"deflate":
            raise BadRequest("the body is not valid gzip") from None
    try:
        return _inflate(body, -15, most_bytes)  # many producers send "deflate" without the zlib wrapper
    except zlib.error:
        raise BadRequest("the body is not valid deflate") from None


def _inflate(body: bytes, window: int, most_bytes: int) -> bytes:
    parts, left = [], most_bytes + 1
    while body:
        stream = zlib.decompressobj(window)
        parts.append(stream.decompress(body, left))
        left -= len(parts[-1])
        if left <= 0:
            raise too_large(most_bytes)
        if not stream.eof:
            raise BadRequest("the compressed body is cut off")
        body = stream.unused_data  # a gzip file may have several members
    return b"".join(parts)
