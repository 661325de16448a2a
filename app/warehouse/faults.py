"""Why a warehouse could not be used, told by kind. Driver texts hold hosts, users and passwords; none of them leaves here."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from app.kernel.errors import Unavailable

CONNECT_SECONDS = 10

T = TypeVar("T")


class FaultKind(StrEnum):
    """What went wrong on the way to a warehouse."""

    DNS = "dns"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    AUTH = "auth"
    DATABASE = "database"
    PERMISSION = "permission"
    CREDENTIALS = "credentials"
    BUSY = "busy"
    LOST = "lost"
    PROTOCOL = "protocol"
    DRIVER = "driver"
    STORE = "store"


SENTENCES = {
    FaultKind.DNS: "The host name could not be resolved. Check the spelling of the host.",
    FaultKind.REFUSED: "The host refused the connection. Check the port, and that the server listens there.",
    FaultKind.TIMEOUT: "The server did not answer in time. Check host, port and firewall.",
    FaultKind.UNREACHABLE: "The host cannot be reached from here. Check the address and the network.",
    FaultKind.TLS: "A secure connection could not be made. Check the TLS settings and the server's certificate.",
    FaultKind.AUTH: "The server did not accept the user name or password.",
    FaultKind.DATABASE: "The server has no database of that name.",
    FaultKind.PERMISSION: "The user may not do this on the server. Grant it the right to read.",
    FaultKind.CREDENTIALS: "The service account key is not valid. Paste the whole JSON file.",
    FaultKind.BUSY: "The server takes no more connections or queries at the moment.",
    FaultKind.LOST: "The connection to the server was lost.",
    FaultKind.PROTOCOL: "Something answers at this address, but it is not the kind of server that was chosen.",
    FaultKind.DRIVER: "The driver for this kind of data source is not installed on this instance.",
    FaultKind.STORE: "The event store does not answer at the moment.",
}


class ConnectionFault(Unavailable):
    """The warehouse was not reached or went away; the message is one of `SENTENCES`."""

    def __init__(self, kind: FaultKind) -> None:
        super().__init__(SENTENCES[kind])
        self.kind = kind


def reach(host: str, port: int, seconds: float = CONNECT_SECONDS) -> None:
    """Open and close a plain connection, so that a wrong host or port is told apart whatever the driver says of it.

    Raises ConnectionFault. Link-local addresses are refused: the metadata services of clouds live there, no warehouse does.
    """
    try:
        addresses = {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        raise ConnectionFault(FaultKind.DNS) from None
    if any(ipaddress.ip_address(address.partition("%")[0]).is_link_local for address in addresses):
        raise ConnectionFault(FaultKind.UNREACHABLE)
    try:
        socket.create_connection((host, port), timeout=seconds).close()
    except OSError as error:
        raise ConnectionFault(fault_of(error) or FaultKind.UNREACHABLE) from None


def fault_of(error: BaseException | None) -> FaultKind | None:
    """The kind by the operating system's own errors anywhere in the chain of causes; None when they say nothing."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        match error:
            case ssl.SSLError():
                return FaultKind.TLS
            case socket.gaierror():
                return FaultKind.DNS
            case TimeoutError():
                return FaultKind.TIMEOUT
            case ConnectionRefusedError():
                return FaultKind.REFUSED
            case ConnectionResetError() | BrokenPipeError() | ConnectionAbortedError():
                return FaultKind.LOST
        reason: Any = getattr(error, "reason", None)
        error = reason if isinstance(reason, BaseException) else error.__cause__ or error.__context__
    return None


def bounded(work: Callable[[], T], seconds: float) -> T:
    """The work's result, or ConnectionFault(TIMEOUT) after that many seconds, whatever the work still waits for.

    The work runs in a thread of its own, which is left to its own time limits when it is late.
    """
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001 - handed over to the caller below
            failure.append(error)

    thread = threading.Thread(target=run, name="warehouse", daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if not outcome:
        raise ConnectionFault(FaultKind.TIMEOUT)
    return outcome[0]
