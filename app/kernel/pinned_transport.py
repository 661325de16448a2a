"""The connection under an outbound call: to judged addresses alone, and over when the call's time is up.

The deadline is a reading of `time.monotonic`. Whatever would last beyond it raises httpcore's ReadTimeout.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import httpcore
import httpx


class JudgedAddresses(Protocol):
    """Finds out where a host may be called."""

    def __call__(self, host: str, port: int, *, seconds: float | None = None) -> list[tuple[str, int]]:
        """Addresses and ports that may be called, found within so many seconds; raises when there are none."""
        ...


class PinnedTransport(httpx.BaseTransport):
    """httpx over a connection pool whose connections go to judged addresses only."""

    def __init__(self, judged: JudgedAddresses, context: ssl.SSLContext, deadline: float) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=context, max_connections=1, retries=0, network_backend=_PinningBackend(judged, deadline)
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request; its answer is read while the transport is open."""
        assert isinstance(request.stream, httpx.SyncByteStream)
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method, url, headers=request.headers.raw, content=request.stream, extensions=request.extensions
            )
        )
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Body(answer.stream, answer.close), extensions=answer.extensions
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, chunks: Any, close: Callable[[], None]) -> None:
        self._chunks = chunks
        self._close = close

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks

    def close(self) -> None:
        self._close()


class _PinningBackend(httpcore.NetworkBackend):
    def __init__(self, judged: JudgedAddresses, deadline: float) -> None:
        self._judged = judged
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline of the whole call holds
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        found = self._judged(host, port, seconds=_left(self._deadline))
        failure: Exception | None = None
        for address, actual_port in found[:4]:
            try:
                stream = self._inner.connect_tcp(address, actual_port, _left(self._deadline), local_address, socket_options)
            except httpcore.ConnectError as error:
                failure = error
                continue
            return _BoundedStream(stream, self._deadline)
        raise failure or httpcore.ConnectError

    def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ARG002
        socket_options: Any = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        raise httpcore.ConnectError

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(min(seconds, _left(self._deadline)))


class _BoundedStream(httpcore.NetworkStream):
    """A connection whose every step ends at the deadline, so that a trickle of bytes does not keep a call alive."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._inner.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._inner.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        return _BoundedStream(self._inner.start_tls(ssl_context, server_hostname, _left(self._deadline)), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left
