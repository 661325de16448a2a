"""Who connects to an ingest process while it is busy."""

from __future__ import annotations

import contextlib
import socket

from app.ingest.server import _let_in


def test_all_who_wait_are_let_in_at_once():
    class Entrance:
        """Counts who comes in."""

        def __init__(self):
            self.loop, self.count = None, 0

        def spawn(self, work):
            work.close()
            self.count += 1

    with contextlib.ExitStack() as open_sockets:
        front = open_sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        front.setblocking(False)
        for _ in range(20):
            open_sockets.enter_context(socket.create_connection(front.getsockname()))
        entrance = Entrance()
        _let_in(front, entrance)
        assert entrance.count == 20
        _let_in(front, entrance)  # nobody waits
        assert entrance.count == 20
