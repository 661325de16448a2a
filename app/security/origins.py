"""How an authorised web origin is written: exact, or every sub-domain of a domain (contract C.7)."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

LONGEST_ORIGIN: Final = 300
_SHAPE: Final = re.compile(r"(https?)://(\*\.)?([^/:\[\]]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?", re.ASCII)
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_USUAL_PORTS: Final = {"http": 80, "https": 443}


def checked_origin(text: str) -> str:
    """The origin as browsers send it: lower case, without a closing slash and without the usual port.

    ValueError with a sentence for anything else, paths and wildcards at other places among it.
    """
    origin = text.strip().lower().removesuffix("/")
    if len(origin) > LONGEST_ORIGIN:
        raise ValueError(f"An origin has at most {LONGEST_ORIGIN} characters")
    found = _SHAPE.fullmatch(origin)
    if found is None:
        raise ValueError(f"{text.strip()[:100] or 'An empty line'} is no origin such as https://app.example.com")
    scheme, wildcard, host, port = found.groups()
    if wildcard and scheme != "https":
        raise ValueError("A wildcard is written https://*.example.com")
    if not _is_host(host, is_domain=bool(wildcard)):
        raise ValueError(f"{host[:100]} is no host name")
    if port is not None and not 1 <= int(port) <= 65_535:
        raise ValueError(f"{port} is no port")
    shown = "" if port is None or int(port) == _USUAL_PORTS[scheme] else f":{int(port)}"
    return f"{scheme}://{wildcard or ''}{host}{shown}"


def is_wildcard(origin: str) -> bool:
    """Whether it stands for every sub-domain."""
    return "://*." in origin


def _is_host(host: str, *, is_domain: bool) -> bool:
    if host.startswith("["):
        return not is_domain and _is_address(host[1:-1])
    labels = host.split(".")
    if labels[-1].isdigit():
        return not is_domain and _is_address(host)
    return all(_LABEL.fullmatch(label) for label in labels) and (not is_domain or len(labels) > 1)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
