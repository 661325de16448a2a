"""Which addresses of the optional package Apprise may be written to.

Apprise sends by itself, so only services are allowed whose modules do nothing but HTTP calls through `requests`: those the channel
puts behind the product's own way out. Everything else (mail, sockets, brokers, commands, custom addresses) is refused.
"""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from app.kernel.errors import InvalidInput
from app.kernel.outbound import Outbound

INSTALLED_BY: Final = "pip install plumbline[apprise]"
SERVICES: Final = {
    "ntfy": "ntfy", "ntfys": "ntfy", "gotify": "gotify", "gotifys": "gotify", "discord": "discord", "mmost": "mattermost",
    "mmosts": "mattermost", "rocket": "rocketchat", "rockets": "rocketchat", "pover": "pushover", "pagerduty": "pagerduty",
    "gchat": "google_chat", "workflow": "workflows", "workflows": "workflows", "pbul": "pushbullet", "zulip": "zulip",
}  # fmt: skip
"""Schemes that are allowed, and the module of Apprise behind each."""

HOSTED: Final = frozenset({"ntfys", "gotifys", "mmosts", "rockets"})
"""Schemes whose host is a server of the customer's, called by HTTPS."""

PLAIN: Final = {"ntfy": 80, "gotify": 80, "mmost": 80, "rocket": 80}
"""Schemes that may call by plain HTTP, with the usual port: only to what the allow-list names."""

# Others name files or addresses that Apprise would read.
PARAMETERS: Final = frozenset({"format", "priority", "tags", "click", "thread", "sound"})
_CONTROL = re.compile(r"[\x00-\x20\x7f]")


@cache
def is_installed() -> bool:
    """Whether this instance has the package; `INSTALLED_BY` says how it gets it."""
    return importlib.util.find_spec("apprise") is not None


def scheme_of(url: str) -> str:
    """The scheme in small letters."""
    return url.partition("://")[0].lower()


def host_of(url: str) -> tuple[str, int] | None:
    """Host and port of a server of the customer's; None for services whose host is fixed."""
    scheme = scheme_of(url)
    if scheme not in HOSTED and scheme not in PLAIN:
        return None
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    # `ntfy://topic` alone means the public service.
    if scheme == "ntfy" and not parts.path.strip("/"):
        return None
    return host, parts.port or PLAIN.get(scheme, 443)


def check(url: str, outbound: Outbound) -> None:
    """Refuse what is no address of an allowed service. InvalidInput."""
    if not is_installed():
        raise InvalidInput(f"The package Apprise is not installed here: {INSTALLED_BY}", field="apprise_url")
    scheme = scheme_of(url)
    if "://" not in url or scheme not in SERVICES:
        raise InvalidInput(f"must begin with one of {', '.join(f'{one}://' for one in SERVICES)}", field="apprise_url")
    if _CONTROL.search(url):
        raise InvalidInput("must not hold blanks or control characters", field="apprise_url")
    try:
        names = {name.lower() for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
        place = host_of(url)
    except ValueError:
        raise InvalidInput("is no address of this service", field="apprise_url") from None
    if names - PARAMETERS:
        refused = ", ".join(sorted(names - PARAMETERS))
        raise InvalidInput(f"must not hold the parameters {refused}", field="apprise_url")
    if scheme in PLAIN and place is not None and not outbound.is_exempt(*place):
        raise InvalidInput(f"must be {scheme}s://, so that the message is encrypted", field="apprise_url")
