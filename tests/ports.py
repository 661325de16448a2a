"""Ports for servers that tests start."""

from __future__ import annotations

import random
import socket

# Below the range the system takes ports of outgoing connections from: nobody is given one of these between the look and its use.
_RANGE = range(15_000, 32_000)
_CHANCE = random.SystemRandom()


def free_port() -> int:
    """A port nobody listened on a moment ago."""
    while True:
        port = _CHANCE.choice(_RANGE)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
