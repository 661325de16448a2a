"""Why a warehouse was not reached is told by kind, in bounded time, without anything of the connection."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.warehouse.clickhouse_link import _translated
from app.warehouse.contracts import SourceConnection
from app.warehouse.faults import SENTENCES, ConnectionFault, FaultKind
from app.warehouse.service import list_tables, probe
from tests.tls_listener import tls_listener

SECRET = "hunter2hunter2"


def connection(db_type: str, host: str = "127.0.0.1", port: int = 1, **params) -> SourceConnection:
    return SourceConnection(db_type, host, port, "secret_database", "secret_user", SECRET, extra_params=params)


@contextmanager
def listener(answer: bytes | None, *, drip: bool = False) -> Iterator[int]:
    """A server that answers anything with these bytes, or never."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()
        opened: list[socket.socket] = []

        def serve() -> None:
            while not stop.is_set():
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                opened.append(client)
                threading.Thread(target=talk, args=(client,), daemon=True).start()

        def talk(client: socket.socket) -> None:
            try:
                while answer is not None and not stop.is_set():
                    if not drip and not client.recv(4096):
                        return
                    client.sendall(answer)
                    if drip:
                        stop.wait(0.1)
            except OSError:
                return

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            stop.set()
            for client in opened:
                client.close()


def fault(wanted: SourceConnection, seconds: float = 5.0) -> ConnectionFault:
    began = time.monotonic()
    with pytest.raises(ConnectionFault) as caught:
        probe(wanted, seconds)
    assert time.monotonic() - began < seconds + 15
    assert caught.value.message == SENTENCES[caught.value.kind]
    for hidden in (SECRET, "secret_user", "secret_database", wanted.host):
        assert hidden not in caught.value.message
    return caught.value


@pytest.mark.parametrize("db_type", ["postgres", "clickhouse"])
def test_a_host_that_does_not_exist(db_type):
    assert fault(connection(db_type, "no-such-host.invalid")).kind is FaultKind.DNS


@pytest.mark.parametrize("db_type", ["postgres", "clickhouse"])
def test_a_port_nobody_listens_on(db_type):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert fault(connection(db_type, port=port)).kind is FaultKind.REFUSED


@pytest.mark.parametrize("db_type", ["postgres", "clickhouse"])
def test_a_host_that_takes_the_connection_and_says_nothing(db_type):
    with listener(None) as port:
        assert fault(connection(db_type, port=port), 1.5).kind is FaultKind.TIMEOUT
        with pytest.raises(ConnectionFault):
            list_tables(connection(db_type, port=port), 1.0)


def test_a_host_that_sends_a_byte_now_and_then_is_given_up_too():
    with listener(b"H", drip=True) as port:
        assert fault(connection("clickhouse", port=port), 1.5).kind in (FaultKind.TIMEOUT, FaultKind.PROTOCOL)


@pytest.mark.parametrize("db_type", ["postgres", "clickhouse"])
def test_something_else_that_listens(db_type):
    with listener(b"SSH-2.0-OpenSSH_9.2\r\n") as port:
        assert fault(connection(db_type, port=port, sslmode="disable")).kind in (FaultKind.PROTOCOL, FaultKind.LOST)


def test_tls_where_the_server_has_none():
    with listener(b"N") as port:
        assert fault(connection("postgres", port=port, sslmode="require")).kind is FaultKind.TLS
    with listener(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") as port:
        assert fault(connection("clickhouse", port=port, secure=True)).kind is FaultKind.TLS


def test_a_certificate_that_no_authority_signed():
    with tls_listener() as port:
        assert fault(connection("clickhouse", port=port, secure=True)).kind is FaultKind.TLS
    with tls_listener(asks_first=True) as port:
        assert fault(connection("postgres", port=port, sslmode="verify-full")).kind is FaultKind.TLS


def test_the_metadata_address_of_a_cloud_is_not_tried():
    assert fault(connection("clickhouse", "169.254.169.254", 80)).kind is FaultKind.UNREACHABLE


def test_bigquery_without_its_driver_or_with_a_key_that_is_none_says_so():
    assert fault(connection("bigquery", "project")).kind in (FaultKind.DRIVER, FaultKind.CREDENTIALS)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("HTTPDriver for http://127.0.0.1:40307 returned response code 403", FaultKind.AUTH),
        ("HTTPConnectionPool(host='127.0.0.1', port=40307): Connection aborted.", FaultKind.PROTOCOL),
        ("Error BadStatusLine executing HTTP request http://127.0.0.1:401", FaultKind.PROTOCOL),
    ],
)
def test_a_port_is_not_taken_for_a_status(text, kind):
    assert _translated(OSError(text), 1, is_opening=True).kind is kind


@pytest.mark.parametrize(
    "host", ["ssl.example", "timeout-db.example", "tls", "resolver.example", "certificates.example", "refused.example"]
)
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("HTTPDriver for http://{host}:8123 returned response code 401", FaultKind.AUTH),
        ("Error BadStatusLine executing HTTP request attempt 1 (http://{host}:8123)", FaultKind.PROTOCOL),
        ("HTTPConnectionPool(host='{host}', port=8123): Connection aborted.", FaultKind.PROTOCOL),
        ("HTTPConnectionPool(host='{host}', port=8123): Read timed out. (read timeout=10)", FaultKind.TIMEOUT),
        ("HTTPConnectionPool(host='{host}', port=1): Max retries with url: /?db={host} (refused)", FaultKind.REFUSED),
        ("<HTTPConnection object at 0x7f>: Failed to resolve '{host}' ([Errno -2] Name or service not known)", FaultKind.DNS),
        ("NameResolutionError: Failed to resolve '{host}'", FaultKind.DNS),
        ("Connection to {host} timed out. (connect timeout=10)", FaultKind.TIMEOUT),
        ("HTTPSConnectionPool(host='{host}', port=8443): (Caused by SSLError('wrong version number'))", FaultKind.TLS),
    ],
)  # fmt: skip
def test_a_host_name_is_not_taken_for_a_cause(host, text, kind):
    assert _translated(OSError(text.format(host=host)), 1, is_opening=True).kind is kind
