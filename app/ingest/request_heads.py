"""Heads of HTTP requests in the plain form that producers send, read strictly: what is written in any other way is none of these.

A head that can be read in two ways is how requests are smuggled past a proxy, so whatever is unusual is left to the server behind
`door`: repeated fields, folded lines, other transfer codings, other versions, characters beyond ASCII.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

LONGEST_HEAD: Final = 8192
_MOST_FIELDS: Final = 64
_MOST_REMEMBERED: Final = 2048
_REMEMBERED_BYTES: Final = 1024
_REQUEST_LINE: Final = re.compile(rb"(GET|POST|OPTIONS) (/[A-Za-z0-9/_.\-]*)(?:\?([!-\"$-~]*))? HTTP/1\.1")
_FIELD: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\x20-\x7e\t]*)")
_LENGTH: Final = re.compile(rb"[0-9]{1,15}")
# Each of them changes where the body ends or what comes after it.
_UNUSUAL: Final = frozenset(
    {b"transfer-encoding", b"expect", b"upgrade", b"te", b"trailer", b"http2-settings", b"proxy-connection"}
)


@dataclass(frozen=True, slots=True)
class Head:
    """Names of fields are in small letters. `length` is the body's."""

    method: str
    path: str
    query: bytes
    fields: list[tuple[bytes, bytes]]
    by_name: dict[bytes, bytes]
    length: int


_heads: dict[bytes, Head] = {}


def head_of(text: bytes) -> Head | None:
    """The head without its last two line ends; None when it is not of the plain form. A producer's heads differ in hardly
    more than the length, so that most were read before."""
    head = _heads.get(text)
    if head is None:
        head = _read(text)
        if head is not None and len(text) <= _REMEMBERED_BYTES:
            if len(_heads) >= _MOST_REMEMBERED:
                _heads.clear()
            _heads[text] = head
    return head


def _read(text: bytes) -> Head | None:
    first, *lines = text.split(b"\r\n")
    request = _REQUEST_LINE.fullmatch(first)
    if request is None or len(lines) > _MOST_FIELDS:
        return None
    by_name: dict[bytes, bytes] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            return None
        name = field[1].lower()
        if name in by_name or name in _UNUSUAL:
            return None
        by_name[name] = field[2].rstrip(b" \t")
    if by_name.get(b"connection", b"keep-alive").lower() != b"keep-alive":
        return None
    method = request[1].decode()
    length = by_name.get(b"content-length", b"" if method == "POST" else b"0")
    if not _LENGTH.fullmatch(length):
        return None
    return Head(method, request[2].decode(), request[3] or b"", list(by_name.items()), by_name, int(length))
