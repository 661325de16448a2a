"""Puts places on an equirectangular map: degrees become parts of the picture. Pure functions, no Reflex."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

LEFT, TOP, WIDTH, HEIGHT = 0.0, 7.0, 360.0, 139.0
"""The part of the world that is shown, in degrees east of 180° W and south of 90° N; Antarctica is left out."""
SMALLEST_DOT, LARGEST_DOT = 7.0, 34.0
_ASPECT = 2.1
_NARROWEST = 24.0
_STEPS = 48


@dataclass(frozen=True, slots=True)
class Spot:
    """Something at a place. `weight` sets the size of its dot; `tone` is calm or bad; `label` is written beside it."""

    latitude: float
    longitude: float
    weight: float = 1.0
    tone: str = "calm"
    tip: str = ""
    label: str = ""


@dataclass(frozen=True)
class MapDot:
    """A dot as CSS places it. `side` says where its label stands."""

    left: str
    top: str
    size: str
    tone: str
    tip: str
    label: str = ""
    side: str = "right"


@dataclass(frozen=True)
class MapData:
    """Everything `components.world_map` draws; `route` is an SVG path in degrees, empty for none."""

    view_box: str = f"{LEFT:g} {TOP:g} {WIDTH:g} {HEIGHT:g}"
    aspect: str = f"{WIDTH:g} / {HEIGHT:g}"
    dots: list[MapDot] = field(default_factory=list)
    route: str = ""
    summary: str = ""


def world_data(spots: Sequence[Spot], *, summary: str) -> MapData:
    """The whole world with dots whose area grows with their weight, large ones beneath small ones."""
    heaviest = max((spot.weight for spot in spots), default=0.0) or 1.0
    ordered = sorted(spots, key=lambda spot: -spot.weight)
    sizes = [SMALLEST_DOT + (LARGEST_DOT - SMALLEST_DOT) * math.sqrt(spot.weight / heaviest) for spot in ordered]
    frame = (LEFT, TOP, WIDTH, HEIGHT)
    return MapData(
        dots=[_dot(spot, *_point(spot), frame, size) for spot, size in zip(ordered, sizes, strict=True)], summary=summary
    )


def route_data(start: Spot, stop: Spot, *, summary: str) -> MapData:
    """The part of the world around two places, with the shortest way between them; also across the date line."""
    way = _great_circle(start, stop)
    frame = _frame(way)
    dots = [_dot(start, *way[0], frame, 14.0), _dot(stop, *way[-1], frame, 14.0)]
    path = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in way)
    left, top, width, height = frame
    return MapData(f"{left:.2f} {top:.2f} {width:.2f} {height:.2f}", f"{width:.2f} / {height:.2f}", dots, path, summary)


def place_data(spot: Spot, *, summary: str) -> MapData:
    """The part of the world around one place."""
    x, y = _point(spot)
    left, top, width, height = _frame([(x - 20, y - 8), (x + 20, y + 8)])
    frame = (left, top, width, height)
    return MapData(
        f"{left:.2f} {top:.2f} {width:.2f} {height:.2f}",
        f"{width:.2f} / {height:.2f}",
        [_dot(spot, x, y, frame, 14.0)],
        "",
        summary,
    )


def _point(spot: Spot) -> tuple[float, float]:
    return spot.longitude + 180.0, 90.0 - spot.latitude


def _dot(spot: Spot, x: float, y: float, frame: tuple[float, float, float, float], size: float) -> MapDot:
    left, top, width, height = frame
    across = min(1.0, max(0.0, (x - left) / width))
    down = min(1.0, max(0.0, (y - top) / height))
    side = "left" if across > 0.5 else "right"
    return MapDot(f"{100 * across:.2f}%", f"{100 * down:.2f}%", f"{size:.0f}px", spot.tone, spot.tip, spot.label, side)


def _frame(points: Sequence[tuple[float, float]]) -> tuple[float, float, float, float]:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    width = max(_NARROWEST, 1.5 * (max(xs) - min(xs)))
    height = max(width / _ASPECT, 1.5 * (max(ys) - min(ys)))
    height = min(height, HEIGHT)
    width = max(width, height * _ASPECT)
    top = min(max((min(ys) + max(ys) - height) / 2, TOP - 5), TOP + HEIGHT - height)
    return (min(xs) + max(xs) - width) / 2, top, width, height


def _great_circle(start: Spot, stop: Spot) -> list[tuple[float, float]]:
    first, last = _vector(start), _vector(stop)
    angle = math.acos(min(1.0, max(-1.0, sum(a * b for a, b in zip(first, last, strict=True)))))
    points: list[tuple[float, float]] = []
    for step in range(_STEPS + 1):
        share = step / _STEPS
        if angle < 1e-6 or math.pi - angle < 1e-6:
            # Nothing between them, or every way is as short as another.
            vector = first if share < 0.5 else last
        else:
            near, far = math.sin((1 - share) * angle) / math.sin(angle), math.sin(share * angle) / math.sin(angle)
            vector = (near * first[0] + far * last[0], near * first[1] + far * last[1], near * first[2] + far * last[2])
        north, east = math.degrees(math.asin(min(1.0, max(-1.0, vector[2])))), math.degrees(math.atan2(vector[1], vector[0]))
        x = east + 180.0
        if points:
            # Go on over the edge of the map instead of jumping to its other side.
            x += 360.0 * round((points[-1][0] - x) / 360.0)
        points.append((x, 90.0 - north))
    return points


def _vector(spot: Spot) -> tuple[float, float, float]:
    north, east = math.radians(spot.latitude), math.radians(spot.longitude)
    return math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)
