"""What the benchmark sends and how it counts: events, and a closed-loop client on raw sockets."""

from __future__ import annotations

import itertools
import json
import random
import selectors
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any, cast

NAMES = [
    *[("web", "page_view")] * 40,
    *[("web", "click")] * 25,
    ("auth", "signup"), ("auth", "login"), ("auth", "login_failed"), ("shop", "purchase"), ("shop", "add_to_cart"),
    ("shop", "search"), ("api", "call"), ("api", "error"), ("jobs", "done"),
]  # fmt: skip
PAUSE_SECONDS = 0.1
# Stands in every body where an event's id begins, and is replaced for each request: no event is ever sent twice.
FRESH = b"\x40" * 8
MOST_BODIES = 5_000
GOOD = (b"HTTP/1.1 200", b"HTTP/1.1 204")


def make_events(count: int, seed: int = 7) -> list[dict[str, Any]]:
    """Events with every field of the contract, about 430 bytes each; the last minutes' times, ids that begin with `FRESH`."""
    dice = random.Random(seed)
    start = datetime.now(UTC) - timedelta(minutes=30)
    return [_event(dice, start + timedelta(milliseconds=number * 7)) for number in range(count)]


def _event(dice: random.Random, moment: datetime) -> dict[str, Any]:
    service, operation = dice.choice(NAMES)
    return {
        "id": FRESH.decode() + str(uuid.UUID(int=dice.getrandbits(128), version=4))[8:],
        "timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "service": service,
        "operation": operation,
        "duration": round(dice.lognormvariate(4, 1), 1),
        "status": "error" if dice.random() < 0.1 else "success",
        "user_id": f"u_{dice.randrange(200_000)}",
        "session_id": f"{dice.getrandbits(64):016x}",
        "ip_address": f"203.0.113.{dice.randrange(255)}",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0",
        "custom_attributes": {
            "country": dice.choice(["US", "DE", "GB", "FR", "IN", "BR", "JP"]),
            "plan": dice.choice(["free", "pro", "team", "enterprise"]),
            "device": dice.choice(["web", "ios", "android", "server"]),
            "app_version": f"2.{dice.randrange(10, 20)}.{dice.randrange(4)}",
            "path": f"/{dice.choice(['home', 'pricing', 'docs', 'app'])}/{dice.randrange(500)}",
        },
    }


def make_bodies(events: Sequence[dict[str, Any]], batch: int) -> list[bytes]:
    """Request bodies of so many events each."""
    last = min(len(events), batch * MOST_BODIES) - batch + 1
    return [json.dumps({"events": events[start : start + batch]}).encode() for start in range(0, last, batch)]


def post(path: str, headers: str, body: bytes) -> bytes:
    """A whole request."""
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{headers}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


@dataclass(frozen=True)
class Route:
    """Requests that go to one port, in this order, over and over."""

    port: int
    requests: Sequence[bytes]


@dataclass(frozen=True)
class Load:
    """One measured stretch. `delayed` counts requests that were told to come again later, and did."""

    answered: int
    delayed: int
    seconds: float
    latencies: list[float]


_sequence = itertools.count(1)


def fresh(request: bytes) -> bytes:
    """The request with ids that no other has."""
    return request.replace(FRESH, b"%08d" % next(_sequence))


def send_load(routes: Sequence[Route], *, connections: int, seconds: float) -> Load:
    """Every connection, by turns one to each route, sends its next request as soon as it has the answer to the one before; after a
    503 it waits a moment."""
    poll = selectors.DefaultSelector()
    started: dict[socket.socket, float] = {}
    paused: list[tuple[float, socket.socket]] = []
    answered = delayed = 0
    waiting = [itertools.cycle(route.requests) for route in routes]
    source: dict[socket.socket, Iterator[bytes]] = {}
    latencies: list[float] = []
    begin = time.perf_counter()

    def send(peer: socket.socket) -> None:
        started[peer] = time.perf_counter()
        peer.sendall(fresh(next(source[peer])))

    for number in range(connections):
        peer = connected(routes[number % len(routes)].port)
        source[peer] = waiting[number % len(routes)]
        poll.register(peer, selectors.EVENT_READ)
        send(peer)
    while started or paused:
        for entry, _ in poll.select(PAUSE_SECONDS if paused else 30):
            peer = cast("socket.socket", entry.fileobj)
            answer = peer.recv(65_536)
            now = time.perf_counter()
            sent_at = started.pop(peer)
            if answer.startswith(b"HTTP/1.1 503"):
                delayed += 1
                paused.append((now + PAUSE_SECONDS, peer))
                continue
            if not answer.startswith(GOOD):
                raise SystemExit(f"refused: {answer[:300]!r}")
            answered += 1
            latencies.append(now - sent_at)
            if now - begin < seconds:
                send(peer)
            else:
                poll.unregister(peer)
                peer.close()
        while paused and paused[0][0] <= time.perf_counter():
            send(paused.pop(0)[1])
    return Load(answered, delayed, time.perf_counter() - begin, latencies)


def connected(port: int) -> socket.socket:
    """A connection that sends at once."""
    peer = socket.create_connection(("127.0.0.1", port), timeout=30)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


def free_port() -> int:
    """A port nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(process: subprocess.Popen[bytes], port: int, seconds: float = 60) -> None:
    """Until somebody accepts connections there."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the server on port {port} does not start") from None
            time.sleep(0.05)


def get_json(port: int, path: str, method: str = "GET") -> Any:
    """The JSON answer to a request without a body."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()
