"""Lists of networks by category, read from the formats they are published in and searched by bisection."""

from __future__ import annotations

import ipaddress
import json
import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from app.security.intelligence.addresses import IPAddress

CATEGORIES: Final = {"vpn": 1, "tor": 2, "proxy": 4, "datacenter": 8, "blocklist": 16}
"""Category of a list file, its bit in a lookup's answer."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_WORD = re.compile(r"[0-9A-Fa-f:.]+(?:/\d{1,3})?")


@dataclass(frozen=True, slots=True)
class NetworkLists:
    """Disjoint segments of both address families with the categories that hold there."""

    known: int = 0
    """Bits of the categories a list was read for: the others are unknown, not absent."""
    v4_starts: array[int] | tuple[int, ...] = (0,)
    v4_masks: bytes = b"\0"
    v6_starts: tuple[int, ...] = (0,)
    v6_masks: bytes = b"\0"

    def mask(self, address: IPAddress) -> int:
        """Bits of the categories that list the address."""
        if address.version == 4:
            return self.v4_masks[bisect_right(self.v4_starts, int(address)) - 1]
        return self.v6_masks[bisect_right(self.v6_starts, int(address)) - 1]


def parse_networks(text: str) -> Iterator[Network]:
    """Networks of a published list: lines, CSV, Tor's exit-addresses or a cloud's JSON. What is no network is passed over."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            yield from _inside(json.loads(text))
        except (ValueError, RecursionError):
            return
        return
    for line in text.splitlines():
        content = line.split("#", 1)[0].split(";", 1)[0].strip().removeprefix("ExitAddress ")
        found = _WORD.match(content.lstrip("\"'"))
        network = _network(found.group()) if found else None
        if network is not None:
            yield network


def _inside(value: Any) -> Iterator[Network]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _inside(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _inside(inner)
    elif isinstance(value, str) and ("." in value or ":" in value):
        network = _network(value)
        if network is not None:
            yield network


def _network(text: str) -> Network | None:
    if "." not in text and ":" not in text:
        return None
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    # A list that names (almost) everything is a mistake, and would mark every visitor.
    return network if network.prefixlen >= (8 if network.version == 4 else 16) else None


def build_lists(entries: Iterable[tuple[str, Iterable[Network]]]) -> NetworkLists:
    """One search structure out of (category, networks) pairs."""
    ranges: dict[int, list[tuple[int, int, int]]] = {4: [], 6: []}
    known = 0
    for category, networks in entries:
        bit = CATEGORIES[category]
        known |= bit
        for network in networks:
            ranges[network.version].append((int(network.network_address), int(network.broadcast_address), bit))
    v4_starts, v4_masks = _flattened(ranges[4])
    v6_starts, v6_masks = _flattened(ranges[6])
    return NetworkLists(known, array("Q", v4_starts), v4_masks, tuple(v6_starts), v6_masks)


def _flattened(ranges: list[tuple[int, int, int]]) -> tuple[list[int], bytes]:
    changes: dict[int, list[tuple[int, int]]] = {}
    for first, last, bit in ranges:
        changes.setdefault(first, []).append((bit, 1))
        changes.setdefault(last + 1, []).append((bit, -1))
    starts, masks, depth = [0], [0], dict.fromkeys(CATEGORIES.values(), 0)
    for point in sorted(changes):
        for bit, step in changes[point]:
            depth[bit] += step
        mask = sum(bit for bit, count in depth.items() if count)
        if point == 0:
            masks[0] = mask
        elif mask != masks[-1]:
            starts.append(point)
            masks.append(mask)
    return starts, bytes(masks)
