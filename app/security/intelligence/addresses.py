"""Which addresses may be located: public ones only (contract C.5)."""

from __future__ import annotations

import ipaddress

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def public_address(text: str | None) -> IPAddress | None:
    """The address to look up, IPv4 inside IPv6 as IPv4; None for private, reserved, unreadable or absent ones."""
    if not text:
        return None
    try:
        address: IPAddress = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address if address.is_global and not address.is_multicast else None
