"""What the shop's records say about who sent them: country, device and the release of the shop. Pure and deterministic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from app.demo.story import DECLINE_DAYS, ShopEvent, Timeline

Numbers = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]

COUNTRIES: Final = ("DE", "FR", "GB", "NL", "PL")
DEVICES: Final = ("desktop", "phone", "tablet")
_COUNTRY_SHARES: Final = (0.38, 0.22, 0.17, 0.13, 0.10)
_DEVICE_SHARES: Final = (0.48, 0.38, 0.14)
# The gift banner was advertised to phones, most of all in Poland.
_BANNER_COUNTRIES: Final = (0.26, 0.15, 0.12, 0.09, 0.38)
_BANNER_SHARES: Final = (0.27, 0.64, 0.09)
_ADVERTISED: Final = ("storefront", "checkout")
_WITHOUT_BROWSER: Final = ("fulfilment",)


@dataclass(frozen=True, slots=True)
class ShopRelease:
    """A release of the shop's front end, so many days ago; `most` is the share of visitors that it reaches in the end."""

    version: str
    days_ago: float
    most: float = 0.94


NEWEST_DAYS: Final = 2.6
RELEASES: Final = (
    ShopRelease("4.1.0", 90),
    ShopRelease("4.2.0", DECLINE_DAYS),
    ShopRelease("4.3.0", NEWEST_DAYS),
    ShopRelease("4.4.0-beta.1", 1.2, 0.02),
)
NEWEST: Final = "4.3.0"
BEFORE: Final = "4.2.0"
_ADOPTION_DAYS: Final = 0.9
LOST_EVENT: Final = "search_performed"
"""What the newest release counts too little of: its menu hides the search on phones."""
LOST_SHARE: Final = 0.72
_FROM_NEWEST_ONLY: Final = "gift_banner_clicked"


def traits(event: ShopEvent, moments: Numbers, timeline: Timeline, random: np.random.Generator) -> Mapping[str, Sequence[str]]:
    """A value of each trait for every record of the event; `moments` are milliseconds. A parcel has no browser."""
    is_advertised = (moments >= _milliseconds(timeline.newcomer_since)) & (event.source in _ADVERTISED)
    found = {"country": _drawn(random, COUNTRIES, np.where(is_advertised[:, None], _BANNER_COUNTRIES, _COUNTRY_SHARES))}
    if event.source not in _WITHOUT_BROWSER:
        found["device"] = _drawn(random, DEVICES, np.where(is_advertised[:, None], _BANNER_SHARES, _DEVICE_SHARES))
        found["app_version"] = _versions(event, moments, timeline, random)
    return found


def _versions(event: ShopEvent, moments: Numbers, timeline: Timeline, random: np.random.Generator) -> Sequence[str]:
    names = tuple(release.version for release in RELEASES)
    if event.name == _FROM_NEWEST_ONLY:
        return [NEWEST] * moments.size
    left, shares = np.ones(moments.size), np.zeros((moments.size, len(RELEASES)))
    for place in range(len(RELEASES) - 1, 0, -1):
        shares[:, place] = left * adoption(RELEASES[place], moments, timeline)
        left = left - shares[:, place]
    shares[:, 0] = left
    if event.name == LOST_EVENT:
        newest, before = names.index(NEWEST), names.index(BEFORE)
        shares[:, before] += LOST_SHARE * shares[:, newest]
        shares[:, newest] *= 1 - LOST_SHARE
    return _drawn(random, names, shares)


def adoption(release: ShopRelease, moments: Numbers, timeline: Timeline) -> Shares:
    """The share of visitors that had the release by then, of those that no later one has."""
    start = _milliseconds(timeline.current_hour - timedelta(days=release.days_ago))
    days: Shares = np.maximum(0.0, (moments - start) / 86_400_000)
    return release.most * (1 - np.exp(-days / _ADOPTION_DAYS))


def _drawn(random: np.random.Generator, values: Sequence[str], shares: Shares) -> Sequence[str]:
    """One of the values for each row of shares."""
    edges = np.cumsum(shares, axis=1)
    places = (random.random(len(shares))[:, None] * edges[:, -1:] > edges).sum(axis=1)
    drawn: list[str] = np.array(values)[places].tolist()
    return drawn


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
