"""Calls to addresses that people entered: what is reached, what is refused, and how each failure is told."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from app.kernel.outbound import AllowList, Outbound, OutboundFailed, OutboundKind, is_public

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[tuple[int, list[int]]]:
    """A server on a free loopback port that hands each connection to `serve`; its port, and a mark per connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections: list[int] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(1)
            with connection:
                try:
                    serve(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], connections
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def answering(content: bytes) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(content)

    return serve


def kind_of(calls: Outbound, url: str) -> OutboundKind:
    with pytest.raises(OutboundFailed) as caught:
        calls.call("POST", url, content=b"x")
    return caught.value.kind


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.8", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "2002:7f00:1::",
        "64:ff9b::10.0.0.1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_on_the_internet_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_an_address_on_the_internet_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "http://2130706433:{port}/", "http://[::ffff:127.0.0.1]:{port}/"])
def test_a_private_address_is_refused_before_a_connection_is_made_however_it_is_written(url):
    with listening(answering(OK)) as (port, connections):
        assert kind_of(Outbound(timeout_seconds=5), url.format(port=port)) is OutboundKind.REFUSED_ADDRESS
        assert not connections


def test_one_private_address_among_public_ones_refuses_the_name():
    calls = Outbound(resolve=lambda _host, port: [("8.8.8.8", port), ("10.0.0.1", port)])

    assert kind_of(calls, "http://mixed.example/") is OutboundKind.REFUSED_ADDRESS


def test_a_redirect_is_an_answer_and_is_not_followed():
    with listening(answering(OK)) as (hidden, hidden_connections):
        redirect = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{hidden}/\r\nContent-Length: 0\r\n\r\n".encode()
        with listening(answering(redirect)) as (port, _):
            calls = Outbound(AllowList("127.0.0.0/8"), timeout_seconds=5)
            assert calls.call("GET", f"http://127.0.0.1:{port}/").status == 302
        assert not hidden_connections


def test_a_name_that_answers_differently_the_second_time_is_asked_once_and_the_judged_address_is_called():
    with listening(answering(OK)) as (port, connections):
        answers = iter([[("127.0.0.1", port)], [("169.254.169.254", 80)]])
        calls = Outbound(AllowList("127.0.0.0/8"), resolve=lambda *_: next(answers), timeout_seconds=5)

        assert calls.call("GET", f"http://rebinding.example:{port}/").text == "ok"
        assert len(connections) == 1
        assert kind_of(calls, f"http://rebinding.example:{port}/") is OutboundKind.REFUSED_ADDRESS


def test_the_allow_list_opens_only_the_named_port_of_a_host():
    with listening(answering(OK)) as (port, _):
        calls = Outbound(AllowList(f"inner.example:{port}"), resolve=lambda _host, asked: [("127.0.0.1", asked)], timeout_seconds=5)

        assert calls.call("GET", f"http://inner.example:{port}/").is_success
        assert kind_of(calls, "http://inner.example:1/") is OutboundKind.REFUSED_ADDRESS
        assert kind_of(calls, f"http://other.example:{port}/") is OutboundKind.REFUSED_ADDRESS


def test_a_wrong_network_in_the_allow_list_is_refused():
    with pytest.raises(ValueError, match="no network"):
        AllowList("10.0.0.0/99")


def test_a_name_that_does_not_exist_is_a_failure_of_dns_that_may_pass():
    def unknown(_host: str, _port: int) -> list[tuple[str, int]]:
        raise socket.gaierror

    with pytest.raises(OutboundFailed) as caught:
        Outbound(resolve=unknown).call("GET", "http://nowhere.example/")

    assert caught.value.kind is OutboundKind.DNS and caught.value.is_temporary


def test_a_slow_name_server_ends_the_call_in_time():
    release = threading.Event()

    def slow(_host: str, _port: int) -> list[tuple[str, int]]:
        release.wait(10)
        return []

    try:
        assert kind_of(Outbound(resolve=slow, timeout_seconds=0.2), "http://slow.example/") is OutboundKind.TIMEOUT
    finally:
        release.set()


def test_a_receiver_that_trickles_bytes_does_not_outlast_the_deadline():
    stop = threading.Event()

    def trickle(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not stop.wait(0.05):
            connection.sendall(b"x")

    with listening(trickle) as (port, _):
        started = time.monotonic()
        try:
            found = kind_of(Outbound(AllowList("127.0.0.1"), timeout_seconds=0.5), f"http://127.0.0.1:{port}/")
        finally:
            stop.set()

    assert found is OutboundKind.TIMEOUT and time.monotonic() - started < 20


def test_an_answer_that_is_too_long_is_cut_off():
    content = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000
    with listening(answering(content)) as (port, _):
        calls = Outbound(AllowList("127.0.0.1"), timeout_seconds=5, largest_answer=1000)
        assert kind_of(calls, f"http://127.0.0.1:{port}/") is OutboundKind.TOO_LARGE


def test_a_receiver_that_speaks_no_tls_is_a_lasting_failure_of_tls():
    with listening(answering(OK)) as (port, _), pytest.raises(OutboundFailed) as caught:
        Outbound(AllowList("127.0.0.1"), timeout_seconds=5).call("GET", f"https://127.0.0.1:{port}/")

    assert caught.value.kind is OutboundKind.TLS and not caught.value.is_temporary


def test_a_closed_port_is_a_failed_connection():
    with listening(answering(OK)) as (port, _):
        pass

    assert kind_of(Outbound(AllowList("127.0.0.1"), timeout_seconds=5), f"http://127.0.0.1:{port}/") is OutboundKind.CONNECT


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://example.com/", "no address"])
def test_what_is_not_http_is_refused(url):
    assert kind_of(Outbound(), url) is OutboundKind.REFUSED_ADDRESS
