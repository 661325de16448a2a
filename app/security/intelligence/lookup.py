"""What is known of an address, from local files only: no call goes out while events come in (contract C.5)."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from functools import lru_cache
from typing import Final

from app.kernel.settings import Settings, get_settings
from app.security.contracts import Enrichment
from app.security.intelligence.addresses import public_address
from app.security.intelligence.databases import FOLDER, Databases
from app.security.intelligence.networks import CATEGORIES
from app.security.intelligence.places import Network, Place, network_of, place_of
from app.security.intelligence.threat import threat_score

NOTHING: Final = Enrichment()
MOST_REMEMBERED: Final = 20_000
_Facts = tuple[Enrichment, frozenset[str] | None]
_MOBILE = re.compile(r"\b(?:Mobile|Android|iPhone|iPad|iPod)\b")
_LONGEST_AGENT: Final = 1_000
_KINDS: Final = (("tor", "tor"), ("vpn", "vpn"), ("proxy", "proxy"), ("datacenter", "hosting"))
_current: Databases | None = None
_settings: Settings | None = None
_lock = threading.Lock()


def installed_databases() -> Databases:
    """The files of this instance, in its data folder."""
    global _current, _settings  # noqa: PLW0603 - one set of open files per process
    settings, present = get_settings(), _current
    # Asked for every event: the folder is worked out again only when the settings are others.
    if present is None or settings is not _settings:
        with _lock:
            folder = settings.data_dir / FOLDER
            if _current is None or _current.folder != folder:
                _current = Databases(folder)
            present, _settings = _current, settings
    return present


def enrich(
    ip: str | None, *, user_agent: str | None = None, failed_logins: int = 0, databases: Databases | None = None
) -> Enrichment:
    """Place, network and threat of a public address. All None for other addresses, and where no file is installed.

    A flag is None where no list of its kind is installed. `failed_logins` are recent ones from the same address: each is two
    points of the threat score, twenty at most. Addresses are remembered until a file changes.
    """
    files = databases or installed_databases()
    files.look()
    if files.is_empty or not ip:
        return NOTHING
    key, remembered = (ip, _is_mobile(user_agent)), files.remembered
    facts = remembered.get(key)
    if facts is None:
        facts = _facts(*key, files)
        if len(remembered) >= MOST_REMEMBERED:
            remembered.clear()
        remembered[key] = facts
    base, categories = facts
    if categories is None or not failed_logins:
        return base
    score, reasons = threat_score(categories, failed_logins)
    return replace(base, threat_score=score, threat_reasons=reasons)


def _facts(ip: str, is_mobile: bool | None, files: Databases) -> _Facts:
    """What is known but for failed sign-ins, and the categories that the threat score is made of."""
    address = public_address(ip)
    if address is None:
        return NOTHING, None
    lists = files.lists
    mask = lists.mask(address)
    found = frozenset(name for name, bit in CATEGORIES.items() if mask & bit)
    flags = {name: bool(mask & bit) if lists.known & bit else None for name, bit in CATEGORIES.items()}
    place_record, network_record = files.place(address), files.network(address)
    place = place_of(place_record) if place_record is not None else Place()
    network = network_of(network_record) if network_record is not None else Network()
    score, reasons = threat_score(found, 0) if lists.known else (None, ())
    is_cellular = network.connection is not None and network.connection.lower() == "cellular"
    base = Enrichment(
        country_code=place.country_code,
        country_name=place.country_name,
        city=place.city,
        region=place.region,
        latitude=place.latitude,
        longitude=place.longitude,
        timezone=place.timezone,
        asn=network.asn,
        asn_org=network.asn_org,
        isp=network.isp,
        network_type=_network_type(found, flags, is_cellular=is_cellular),
        is_vpn=flags["vpn"],
        is_tor=flags["tor"],
        is_proxy=flags["proxy"],
        is_datacenter=flags["datacenter"],
        is_mobile=is_cellular or is_mobile,
        threat_score=score,
        threat_reasons=reasons,
    )
    return base, found


def _network_type(found: frozenset[str], flags: dict[str, bool | None], *, is_cellular: bool) -> str | None:
    for name, kind in _KINDS:
        if name in found:
            return kind
    if is_cellular:
        return "mobile"
    # Only where every list that could say otherwise is there.
    return "residential" if all(flags[name] is not None for name in ("vpn", "tor", "datacenter")) else None


def _is_mobile(user_agent: str | None) -> bool | None:
    return _names_mobile(user_agent[:_LONGEST_AGENT]) if user_agent else None


@lru_cache(maxsize=4_096)
def _names_mobile(agent: str) -> bool:
    return bool(_MOBILE.search(agent))
