"""The one way out by HTTP: addresses that people entered are called without reaching what they must not reach.

A name is resolved once, every address of it is judged, and the connection goes to a judged address, so that a second answer of
the name server changes nothing. TLS and the Host header keep the name. No redirect is followed, no proxy of the environment is
used, and both the whole exchange and the answer are bounded.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as LookupTimeout
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import httpcore
import httpx

from app.kernel.pinned_transport import PinnedTransport
from app.kernel.settings import get_settings

TIMEOUT_SECONDS = 10.0
LARGEST_ANSWER = 262_144
Resolve = Callable[[str, int], list[tuple[str, int]]]
"""Addresses and ports behind a host name and port; OSError when there are none."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_lookups = ThreadPoolExecutor(8, thread_name_prefix="outbound-dns")
_IP = ipaddress.IPv4Address | ipaddress.IPv6Address


class OutboundKind(StrEnum):
    """Why a call had no usable answer."""

    DNS = "dns"
    REFUSED_ADDRESS = "refused_address"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    STATUS = "status"
    RATE_LIMITED = "rate_limited"


_TEMPORARY = frozenset(
    {OutboundKind.DNS, OutboundKind.CONNECT, OutboundKind.TIMEOUT, OutboundKind.RATE_LIMITED},
)
_TEMPORARY_STATUSES = frozenset({408, 425, 429})


class OutboundFailed(Exception):
    """A call that did not succeed. `retry_after_seconds` is what the other side asked for."""

    def __init__(
        self, kind: OutboundKind, message: str, *, status: int | None = None, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status
        self.retry_after_seconds = retry_after_seconds

    @property
    def is_temporary(self) -> bool:
        """Whether the same call may succeed later."""
        if self.kind is OutboundKind.STATUS and self.status is not None:
            return self.status >= 500 or self.status in _TEMPORARY_STATUSES
        return self.kind in _TEMPORARY


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is one of 2xx."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text; bytes that are none are replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def retry_after_seconds(self) -> float | None:
        """The header Retry-After in seconds, when it is a number."""
        value = self.headers.get("retry-after", "").strip()
        try:
            seconds = float(value)
        except ValueError:
            return None
        return seconds if 0 <= seconds < 86_400 * 7 else None

    def failure(self, message: str) -> OutboundFailed:
        """This answer as a failure, with what it says about later tries."""
        kind = OutboundKind.RATE_LIMITED if self.status == 429 else OutboundKind.STATUS
        return OutboundFailed(kind, message, status=self.status, retry_after_seconds=self.retry_after_seconds())


class AllowList:
    """Networks, host names and host:port pairs that may be called although they are not public. ValueError for a wrong entry."""

    def __init__(self, text: str) -> None:
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        self._hosts: set[str] = set()
        for entry in (part.strip().lower() for part in text.split(",")):
            if not entry:
                continue
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                if "/" in entry:
                    raise ValueError(f"{entry} is no network") from None
                self._hosts.add(entry)

    def names(self, host: str, port: int) -> bool:
        """Whether the host is allowed by name."""
        host = host.lower()
        return host in self._hosts or f"{host}:{port}" in self._hosts

    def holds(self, address: str) -> bool:
        """Whether the address is in an allowed network."""
        try:
            ip = _unwrapped(ipaddress.ip_address(address.partition("%")[0]))
        except ValueError:
            return False
        return any(ip in network for network in self._networks)


def is_public(address: str) -> bool:
    """Whether the address is reachable on the internet; IPv4 inside IPv6 is judged as IPv4."""
    ip = _unwrapped(ipaddress.ip_address(address.partition("%")[0]))
    return ip.is_global and not ip.is_multicast


def _unwrapped(ip: _IP) -> _IP:
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip.ipv4_mapped:
        return ip.ipv4_mapped
    if ip.sixtofour:
        return ip.sixtofour
    if ip.teredo:
        return ip.teredo[1]
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip


def resolve_by_system(host: str, port: int) -> list[tuple[str, int]]:
    """What the system's resolver says."""
    return [(str(info[4][0]), port) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, slots=True)
class Outbound:
    """Calls with these rules. Tests bring their own resolver and certificates."""

    allow: AllowList = field(default_factory=lambda: AllowList(""))
    resolve: Resolve = resolve_by_system
    verify: ssl.SSLContext | None = None
    timeout_seconds: float = TIMEOUT_SECONDS
    largest_answer: int = LARGEST_ANSWER

    def addresses(self, host: str, port: int, *, seconds: float | None = None) -> list[tuple[str, int]]:
        """Addresses that may be called; OutboundFailed when the name is unknown or any of its addresses is not public."""
        try:
            found = _lookups.submit(self.resolve, host, port).result(self.timeout_seconds if seconds is None else seconds)
        except LookupTimeout:
            raise OutboundFailed(OutboundKind.TIMEOUT, f"The name {host} was not resolved in time") from None
        except (OSError, UnicodeError):
            raise OutboundFailed(OutboundKind.DNS, f"The name {host} cannot be resolved") from None
        if not found:
            raise OutboundFailed(OutboundKind.DNS, f"The name {host} cannot be resolved")
        if not self.allow.names(host, port):
            for address, _ in found:
                if not (is_public(address) or self.allow.holds(address)):
                    raise OutboundFailed(OutboundKind.REFUSED_ADDRESS, f"{host} leads to an address that is not public")
        return found

    def is_exempt(self, host: str, port: int) -> bool:
        """Whether the allow-list names the host, or the host is an address that it holds."""
        return self.allow.names(host, port) or self.allow.holds(host)

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        json_body: object = None,
        auth: tuple[str, str] | None = None,
    ) -> Answer:
        """One request and its whole answer, whatever its status. OutboundFailed when there is none within the bounds."""
        deadline = time.monotonic() + self.timeout_seconds
        sent = {"accept-encoding": "identity", "user-agent": "Plumbline", **(headers or {})}
        body: dict[str, Any] = {} if content is None else {"content": content}
        if json_body is not None:
            body = {"content": json.dumps(json_body, ensure_ascii=False, separators=(",", ":")).encode()}
            sent.setdefault("content-type", "application/json")
        transport = PinnedTransport(self.addresses, self.verify or ssl.create_default_context(), deadline)
        try:
            with (
                httpx.Client(transport=transport, trust_env=False, follow_redirects=False, timeout=self.timeout_seconds) as client,
                client.stream(method, url, headers=sent, auth=auth, **body) as response,
            ):
                received = self._read(response.iter_raw(65_536), deadline)
                return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, received)
        except (httpcore.TimeoutException, httpx.TimeoutException):
            raise OutboundFailed(OutboundKind.TIMEOUT, f"No answer within {self.timeout_seconds:g} seconds") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpcore.UnsupportedProtocol):
            raise OutboundFailed(OutboundKind.REFUSED_ADDRESS, "The address is not an HTTP address") from None
        except (httpx.HTTPError, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise _as_failure(error) from None

    def _read(self, chunks: Iterable[bytes], deadline: float) -> bytes:
        received = bytearray()
        for chunk in chunks:
            received += chunk
            if len(received) > self.largest_answer:
                raise OutboundFailed(OutboundKind.TOO_LARGE, f"The answer is longer than {self.largest_answer} bytes")
            if time.monotonic() > deadline:
                raise httpcore.ReadTimeout
        return bytes(received)


def _as_failure(error: BaseException) -> OutboundFailed:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            reason = getattr(cause, "verify_message", "") or cause.reason or "handshake failed"
            return OutboundFailed(OutboundKind.TLS, f"No trusted TLS connection: {reason}")
        cause = cause.__cause__ or cause.__context__
    return OutboundFailed(OutboundKind.CONNECT, "The connection was refused or broke off")


def outbound() -> Outbound:
    """Calls with this instance's settings."""
    return Outbound(AllowList(get_settings().outbound.outbound_allow))
