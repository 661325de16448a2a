"""Where the event store listens and how to prove who asks; parsing and a cheap liveness question without a driver."""

from __future__ import annotations

import base64
import http.client
import re
import socket
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

DEFAULT_DATABASE = "plumbline"
EMBEDDED_USER = "plumbline"
HANDOVER_FOLDER = "handover"
"""Folder beside the embedded store's own in which its clients may lay large blocks of rows, instead of sending them."""
LOOPBACK = "127.0.0.1"
PORT_VARIABLE = "PLUMBLINE_STORE_PORT"
SECRET_VARIABLE = "PLUMBLINE_STORE_SECRET"  # noqa: S105
"""Set by the supervisor for its own two children; no settings of the product."""

_DATABASE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """A ClickHouse HTTP endpoint with its credentials and the database the product uses there."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str = DEFAULT_DATABASE
    is_secure: bool = False

    def __post_init__(self) -> None:
        if not _DATABASE_NAME.fullmatch(self.database):
            raise ValueError(f"{self.database!r} is no usable database name: letters, digits and underscores only")

    @property
    def url(self) -> str:
        """The endpoint without credentials, fit for messages."""
        return f"{'https' if self.is_secure else 'http'}://{self.host}:{self.port}"


def embedded_address(port: int, secret: str) -> StoreAddress:
    """The address of the store process of an instance on this machine."""
    return StoreAddress(host=LOOPBACK, port=port, user=EMBEDDED_USER, password=secret)


def free_port() -> int:
    """A loopback port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def parse_address(url: str) -> StoreAddress:
    """The address in `http[s]://user:password@host:port/database`; ValueError when it is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the event store URL has the form http://user:password@host:8123/database")
    is_secure = parts.scheme == "https"
    return StoreAddress(
        host=parts.hostname,
        port=parts.port or (8443 if is_secure else 8123),
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=parts.path.strip("/") or DEFAULT_DATABASE,
        is_secure=is_secure,
    )


def answers(address: StoreAddress, timeout_seconds: float) -> bool:
    """Whether the store runs a statement for these credentials within the time. Never raises for a store that does not."""
    kind = http.client.HTTPSConnection if address.is_secure else http.client.HTTPConnection
    connection = kind(address.host, address.port, timeout=timeout_seconds)
    credentials = base64.b64encode(f"{address.user}:{address.password}".encode()).decode()
    try:
        connection.request("GET", "/?query=SELECT%201", headers={"Authorization": f"Basic {credentials}"})
        response = connection.getresponse()
        return response.status == 200 and response.read(16).strip() == b"1"
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
