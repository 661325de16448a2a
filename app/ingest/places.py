"""Where an event stood in a request that may come again: a Kafka message, or a request with an `Idempotency-Key`.

A stored event is recognised by its id. A refused one may have none, and a corrected event may come under the id of a refused one,
so what was refused is recognised by its place.
"""

from __future__ import annotations

import hashlib


def places_of(seed: str, count: int) -> list[str]:
    """The place of each event of the request that the seed stands for."""
    prefix = _prefix(seed)
    return [f"{prefix}:{position}" for position in range(count)]


def whole(seed: str) -> str:
    """The place of a request that was refused as a whole."""
    return f"{_prefix(seed)}:all"


def _prefix(seed: str) -> str:
    return hashlib.sha256(seed.encode()).hexdigest()[:32]
