"""The places of a security alert: a journey nobody could have made, and what a map shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.security.pages.wording import place_text, position_of
from app.security.service.triage import AlertView
from components.format import duration, full_number, local_time
from components.map_data import MapData, Spot, place_data, route_data


@dataclass(frozen=True)
class TravelView:
    """Two places, how far apart they are, and how fast somebody would have been."""

    is_shown: bool = False
    start: str = ""
    start_when: str = ""
    stop: str = ""
    stop_when: str = ""
    distance: str = ""
    time: str = ""
    speed: str = ""
    note: str = ""


def travel_of(alert: AlertView, zone: ZoneInfo, now: datetime) -> TravelView:
    """The journey of the alert; not shown for an alert of another kind."""
    start, stop = alert.details.get("from"), alert.details.get("to")
    distance, seconds = alert.details.get("distance_km"), alert.details.get("elapsed_seconds")
    if not isinstance(start, dict) or not isinstance(stop, dict) or not isinstance(distance, int | float):
        return TravelView()
    speed = alert.details.get("speed_kmh")
    exits = bool(alert.details.get("anonymisers"))
    return TravelView(
        is_shown=True,
        start=_end(start),
        start_when=moment_text(start, zone, now),
        stop=_end(stop),
        stop_when=moment_text(stop, zone, now),
        distance=f"{full_number(distance)}\u00a0km",
        time=duration(seconds) if isinstance(seconds, int | float) else "–",
        speed=f"{full_number(speed)} km/h" if isinstance(speed, int | float) else "at once",
        note="An anonymising network may explain it." if exits else "",
    )


def map_of(alert: AlertView, travel: TravelView) -> MapData | None:
    """The journey on a map, or the one place; None when nothing could be located."""
    if travel.is_shown:
        start, stop = position_of(alert.details["from"]), position_of(alert.details["to"])
        if start is not None and stop is not None:
            return route_data(
                Spot(*start, tone="calm", tip=f"{travel.start}, {travel.start_when}", label=travel.start),
                Spot(*stop, tone="bad", tip=f"{travel.stop}, {travel.stop_when}", label=travel.stop),
                summary=f"From {travel.start} to {travel.stop}: {travel.distance} in {travel.time}, {travel.speed}.",
            )
    place = position_of(alert.location)
    if place is None:
        return None
    name = place_text(alert.location) or alert.source_ip or "The place"
    return place_data(Spot(*place, tone="bad", tip=name, label=name), summary=f"{name} on the map.")


def _end(place: Mapping[str, Any]) -> str:
    return place_text(place) or str(place.get("ip") or "an unknown place")


def moment_text(place: Mapping[str, Any], zone: ZoneInfo, now: datetime) -> str:
    """When somebody was at the place; empty when that was not kept."""
    try:
        return local_time(datetime.fromisoformat(str(place.get("at"))), zone, now=now, seconds=True)
    except ValueError:
        return ""
